// The rows of a long table. Pages of rows come from the server when they scroll into sight, and go when they leave it.

import { fragment } from "../lib/api.js";
import { all, get } from "../lib/dom.js";
import { parse } from "../lib/html.js";

// Chromium draws nothing beyond 33,554,432 pixels. Longer tables scroll proportionally faster.
const MAX_HEIGHT = 30_000_000;
const KEPT_PAGES = 120;
const HEADING = 35;
const MARGIN = 1500;

/**
 * @typedef {object} Options
 * @property {HTMLElement} scroller The element that scrolls; the table is in it.
 * @property {number} total The number of all rows.
 * @property {number} rowsPerPage The number of rows that are loaded together.
 * @property {(page: number) => string} address Returns the address of a page of rows.
 * @property {(rows: HTMLElement[]) => void} onRows Called with new rows.
 * @property {(page: number) => void} onPage Called with the number of the page at the top.
 */

export class VirtualRows {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.table = get("table", options.scroller);
    this.table.classList.add("is-live");
    this.rowHeight = parseFloat(getComputedStyle(this.table).getPropertyValue("--row"));
    this.heading = get("thead", this.table).offsetHeight ? HEADING : 0;
    const height = options.total * this.rowHeight;
    this.height = Math.min(height, MAX_HEIGHT);
    this.table.style.height = `${this.height + this.heading}px`;
    /** @type {Map<number, HTMLElement[]>} The rows of pages that were loaded, the oldest first. */
    this.kept = new Map();
    /** @type {Map<number, HTMLElement>} */
    this.mounted = new Map();
    /** @type {Map<number, AbortController>} The requests for pages in sight. */
    this.loading = new Map();
    this.page = 1;
    const first = get("tbody", this.table);
    const page = Number(first.dataset.page);
    this.kept.set(page, all("tr", first));
    this.mounted.set(page, first);
    options.onRows(all("tr", first));
    this.scrollToRow((page - 1) * options.rowsPerPage);
    this.onScroll = () => this.draw();
    options.scroller.addEventListener("scroll", this.onScroll, { passive: true });
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(options.scroller);
    this.draw();
  }

  /** Stop loading, and leave the table as it is. */
  stop() {
    for (const page of this.loading.keys()) this.cancel(page);
    this.resized.disconnect();
    this.options.scroller.removeEventListener("scroll", this.onScroll);
  }

  /** The number of pixels of the rows above the visible part. */
  get above() {
    const { scroller, total } = this.options;
    const room = this.height + this.heading - scroller.clientHeight;
    if (room <= 0) return 0;
    const real = total * this.rowHeight + this.heading - scroller.clientHeight;
    return (scroller.scrollTop / room) * real;
  }

  /**
   * Scroll so that a row, counted from 0, is at the top.
   *
   * @param {number} row
   */
  scrollToRow(row) {
    const { scroller, total } = this.options;
    const real = total * this.rowHeight + this.heading - scroller.clientHeight;
    const room = this.height + this.heading - scroller.clientHeight;
    scroller.scrollTop = real > 0 ? (row * this.rowHeight * room) / real : 0;
  }

  /**
   * Scroll as little as possible so that a row, counted from 0, is in sight.
   *
   * @param {number} row
   */
  reveal(row) {
    const { above } = this;
    const top = row * this.rowHeight;
    const visible = this.options.scroller.clientHeight - this.heading;
    if (top < above) this.scrollToRow(row);
    else if (top + this.rowHeight > above + visible) this.scrollToRow(row + 1 - visible / this.rowHeight);
    this.draw();
  }

  /** Draw the pages in sight, and remove the others. */
  draw() {
    const { scroller, total, rowsPerPage } = this.options;
    const { above } = this;
    const pageHeight = rowsPerPage * this.rowHeight;
    const lastPage = Math.max(1, Math.ceil(total / rowsPerPage));
    const from = Math.max(1, Math.floor((above - MARGIN) / pageHeight) + 1);
    const to = Math.min(lastPage, Math.floor((above + scroller.clientHeight + MARGIN) / pageHeight) + 1);
    for (const [page, body] of this.mounted) {
      if (page < from || page > to) {
        body.remove();
        this.mounted.delete(page);
        this.cancel(page);
      }
    }
    for (let page = from; page <= to; page += 1) {
      const body = this.mounted.get(page) ?? this.mount(page);
      body.style.transform = `translateY(${(page - 1) * pageHeight - above + scroller.scrollTop}px)`;
    }
    const page = Math.min(lastPage, Math.floor((above + this.rowHeight / 2) / pageHeight) + 1);
    if (page !== this.page) {
      this.page = page;
      this.options.onPage(page);
    }
  }

  /** @param {number} page */
  mount(page) {
    const body = document.createElement("tbody");
    body.dataset.page = String(page);
    this.mounted.set(page, body);
    this.table.append(body);
    const known = this.kept.get(page);
    if (known !== undefined) this.fill(body, known);
    else {
      const { total, rowsPerPage } = this.options;
      body.classList.add("is-waiting");
      body.style.height = `${Math.min(rowsPerPage, total - (page - 1) * rowsPerPage) * this.rowHeight}px`;
      void this.load(page);
    }
    return body;
  }

  /** @param {number} page */
  async load(page) {
    this.cancel(page);
    const loading = new AbortController();
    this.loading.set(page, loading);
    try {
      const html = await fragment(this.options.address(page), "rows", loading.signal);
      const rows = all("tr", parse(html));
      this.keep(page, rows);
      const body = this.mounted.get(page);
      if (body) this.fill(body, rows);
    } catch (error) {
      if (!loading.signal.aborted) throw error;
    }
  }

  /**
   * Cancel the request for a page, so that those in sight need not wait for it.
   *
   * @param {number} page
   */
  cancel(page) {
    this.loading.get(page)?.abort();
    this.loading.delete(page);
  }

  /** Load the pages in sight again, and forget the others. */
  async refresh() {
    this.kept.clear();
    await Promise.all([...this.mounted.keys()].map((page) => this.load(page)));
  }

  /**
   * @param {number} page
   * @param {HTMLElement[]} rows
   */
  keep(page, rows) {
    this.kept.delete(page);
    this.kept.set(page, rows);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT_PAGES && oldest !== undefined) this.kept.delete(oldest);
  }

  /**
   * @param {HTMLElement} body
   * @param {HTMLElement[]} rows
   */
  fill(body, rows) {
    body.replaceChildren(...rows);
    body.classList.remove("is-waiting");
    body.style.height = "";
    this.options.onRows(rows);
  }

  /**
   * Return the row with a number, counted from 0, if it is or has been in sight.
   *
   * @param {number} number
   */
  row(number) {
    const { rowsPerPage } = this.options;
    return this.kept.get(Math.floor(number / rowsPerPage) + 1)?.[number % rowsPerPage];
  }

  /**
   * Return the number of a row in sight, counted from 0.
   *
   * @param {HTMLElement} row
   */
  numberOf(row) {
    const body = /** @type {HTMLElement} */ (row.closest("tbody"));
    return (Number(body.dataset.page) - 1) * this.options.rowsPerPage + all("tr", body).indexOf(row);
  }
}
