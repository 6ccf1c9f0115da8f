// The list of customers: search as one types, filters, scrolling, selection and the keyboard.

import { api, fragment } from "../lib/api.js";
import { all, find, get, isTyping, make, origin, setting } from "../lib/dom.js";
import { parse } from "../lib/html.js";
import { attempt } from "../lib/toast.js";
import { wait } from "../lib/wait.js";
import { _ } from "../lib/words.js";
import { CellEditor } from "./cell-editor.js";
import { chooseColumns, layOut } from "./columns.js";
import { Selection } from "./selection.js";
import { VirtualRows } from "./virtual-rows.js";

const MARK_MILLISECONDS = 10_000;
// Rows are counted from 1, and the headings are the first one.
const FIRST_ROW_INDEX = 2;

export class CustomerList {
  /**
   * @param {HTMLElement} root The element with the attribute data-customers.
   * @param {(href: string, row: HTMLElement | null) => void} open Opens a customer.
   */
  constructor(root, open) {
    this.root = root;
    this.open = open;
    this.region = get("[data-list-region]", root);
    this.announcement = get("[data-announce]", root);
    this.search = /** @type {HTMLInputElement} */ (get("[data-search] input[type=search]", root));
    this.base = /** @type {HTMLFormElement} */ (get("[data-search]", root)).action.split("?")[0] ?? "";
    this.parameters = new URLSearchParams(location.search);
    this.loading = new AbortController();
    /** @type {VirtualRows | null} */
    this.rows = null;
    this.active = -1;
    this.openId = "";
    /** @type {Set<string>} The customers that others have just changed. */
    this.changed = new Set();
    /** @type {Promise<void>} Ends when the results of the last search are shown. */
    this.found = Promise.resolve();
    this.selection = new Selection(this);
    this.isTrash = root.hasAttribute("data-trash");
    this.cells =
      setting("writes") && !this.isTrash ? new CellEditor(this.region, () => void attempt(() => this.refresh())) : null;
    this.take();
    this.listen();
  }

  /** The address of the list as it is shown, without the part for a script. */
  get address() {
    const query = this.parameters.toString();
    return query ? `${this.base}?${query}` : this.base;
  }

  /** The number of customers in the list. */
  get total() {
    return Number(find("[data-total]", this.region)?.dataset.total ?? 0);
  }

  /** Take over the table that the server has sent. */
  take() {
    this.rows?.stop();
    this.rows = null;
    this.active = -1;
    const scroller = find(".table-scroll", this.region);
    if (scroller) {
      const table = get("table", scroller);
      layOut(table);
      this.rows = new VirtualRows({
        scroller,
        total: this.total,
        rowsPerPage: Number(table.dataset.rows),
        address: (page) => this.addressOfPage(page),
        onRows: (rows) => this.dress(rows),
        onPage: (page) => this.showPage(page),
      });
      this.dress(all("tr[data-id]", scroller));
    }
    const columns = find("[data-columns]", this.region);
    if (columns) chooseColumns(columns, (names) => this.change({ columns: names.join(",") }, { keepsMenus: true }));
    this.selection.draw();
  }

  /** @param {number} page */
  addressOfPage(page) {
    const parameters = new URLSearchParams(this.parameters);
    parameters.set("page", String(page));
    return `${this.base}?${parameters}`;
  }

  /** @param {number} page */
  showPage(page) {
    const input = /** @type {HTMLInputElement | null} */ (find("[data-page-form] input[name=page]", this.region));
    if (input && document.activeElement !== input) input.value = String(page);
    if (page > 1) this.parameters.set("page", String(page));
    else this.parameters.delete("page");
    if (!this.openId) history.replaceState(history.state, "", this.address);
  }

  /** @param {HTMLElement[]} rows */
  dress(rows) {
    for (const row of rows) {
      row.classList.toggle("is-open", row.dataset.id === this.openId);
      if (this.rows) row.setAttribute("aria-rowindex", String(this.rows.numberOf(row) + FIRST_ROW_INDEX));
      row.classList.toggle("is-changed", this.changed.has(row.dataset.id ?? ""));
      this.selection.dress(row);
    }
  }

  /**
   * Show what others have changed, and mark the rows for some seconds.
   *
   * @param {string[]} ids
   */
  async showChanges(ids) {
    for (const id of ids) this.changed.add(id);
    await this.refresh();
    await wait(MARK_MILLISECONDS);
    for (const id of ids) this.changed.delete(id);
    this.dress(all("tr[data-id]", this.region));
  }

  /**
   * Change parameters of the list, and show it.
   *
   * @param {Record<string, string>} changes An empty value removes a parameter.
   * @param {{ isTyped?: boolean, keepsMenus?: boolean }} [how]
   */
  async change(changes, how = {}) {
    for (const [name, value] of Object.entries(changes)) {
      if (value) this.parameters.set(name, value);
      else this.parameters.delete(name);
    }
    this.parameters.delete("page");
    await this.load(how);
  }

  /**
   * Show the list that an address asks for.
   *
   * @param {string} address
   */
  async go(address) {
    const url = new URL(address, location.href);
    this.parameters = url.searchParams;
    await this.load({});
  }

  /** @param {{ isTyped?: boolean, keepsMenus?: boolean, isBack?: boolean }} how */
  async load(how) {
    this.loading.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    if (!how.isBack) {
      if (how.isTyped) history.replaceState({}, "", this.address);
      else history.pushState({}, "", this.address);
    }
    const html = await fragment(this.address, "list", signal).catch((error) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (html === null || signal.aborted) return;
    const menu = how.keepsMenus && find(".columns-menu[open]", this.region);
    this.rows?.stop();
    this.region.replaceChildren(parse(html));
    if (menu) get(".columns-menu", this.region).setAttribute("open", "");
    if (!how.isTyped) this.search.value = this.parameters.get("search") ?? "";
    this.take();
    this.announcement.textContent = this.total === 1 ? _("1 customer") : _("{count} customers", { count: this.total });
  }

  /** Load the rows in sight again, and the total. */
  async refresh() {
    await this.rows?.refresh();
    const html = await fragment(this.addressOfPage(1), "list");
    const fresh = parse(html);
    const total = find("[data-total]", fresh);
    const shown = find("[data-total]", this.region);
    const table = find(".table-scroll", fresh);
    if (!total || !shown) return;
    if (!table || !this.rows) {
      this.rows?.stop();
      this.region.replaceChildren(fresh);
      this.take();
      return;
    }
    if (total.dataset.total !== shown.dataset.total) {
      const top = this.rows.above / this.rows.rowHeight;
      shown.replaceWith(total);
      this.rows.stop();
      get(".table-scroll", this.region).replaceWith(table);
      this.take();
      this.rows?.scrollToRow(top);
    }
  }

  listen() {
    this.search.addEventListener("input", () => {
      const search = this.search.value.trim();
      // A space at the end changes nothing.
      if (search === (this.parameters.get("search") ?? "")) return;
      this.found = this.change({ search }, { isTyped: true });
      void attempt(() => this.found);
    });
    get("[data-search]", this.root).addEventListener("submit", (event) => event.preventDefault());
    this.region.addEventListener("click", (event) => this.onClick(event));
    this.region.addEventListener("submit", (event) => this.onSubmit(event));
    this.region.addEventListener("focusin", (event) => void attempt(() => fillCountries(event)));
    this.region.addEventListener("change", (event) => this.selection.onChange(event));
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("click", (event) => this.closeMenus(event));
  }

  /** @param {MouseEvent} event */
  onClick(event) {
    if (event.ctrlKey || event.metaKey) return;
    const link = /** @type {HTMLAnchorElement | null} */ (origin(event, "a[data-list]"));
    if (link) {
      event.preventDefault();
      void this.go(link.href);
      return;
    }
    if (origin(event, ".pick, .is-editing, .pencil")) return;
    const row = origin(event, "tr[data-id]");
    if (row) {
      event.preventDefault();
      this.openRow(row);
    }
  }

  /** @param {HTMLElement} row */
  openRow(row) {
    this.activate(this.rows?.numberOf(row) ?? -1);
    this.open(/** @type {HTMLAnchorElement} */ (get("a.open", row)).href, row);
  }

  /** @param {SubmitEvent} event */
  onSubmit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const data = new FormData(form);
    if (form.matches("[data-page-form]")) {
      event.preventDefault();
      this.rows?.scrollToRow((Number(data.get("page")) - 1) * this.rows.options.rowsPerPage);
    } else if (form.matches("[data-list]")) {
      event.preventDefault();
      void this.change(form.dataset.boxes ? boxesOf(form, data) : textsOf(data));
    }
  }

  /** @param {MouseEvent} event */
  closeMenus(event) {
    for (const menu of all("details.menu[open]")) {
      if (!(event.target instanceof Node && menu.contains(event.target))) menu.removeAttribute("open");
    }
  }

  /**
   * Make a row, counted from 0, the active one, and show it.
   *
   * @param {number} number
   */
  activate(number) {
    if (!this.rows || number < 0 || number >= this.total) return;
    find("tr.is-active", this.region)?.classList.remove("is-active");
    this.active = number;
    this.rows.reveal(number);
    this.rows.row(number)?.classList.add("is-active");
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
    if (event.key === "ArrowDown" && (document.activeElement === this.search || !isTyping())) {
      event.preventDefault();
      this.search.blur();
      this.activate(this.active + 1);
    } else if (event.key === "ArrowUp" && !isTyping()) {
      event.preventDefault();
      this.activate(this.active - 1);
    } else if (event.key === "Enter" && document.activeElement === this.search) {
      void this.openFirst();
    } else if (isTyping()) {
      if (event.key === "Escape" && document.activeElement === this.search) this.search.blur();
    } else if (event.key === "Enter" && this.active >= 0 && !origin(event, "a, button, summary")) {
      event.preventDefault();
      this.openActive();
    } else if (event.key === "F2" && this.active >= 0) {
      const row = this.rows?.row(this.active);
      if (row) this.cells?.editRow(row);
    } else if (event.key === "x" && this.active >= 0) {
      const row = this.rows?.row(this.active);
      if (row) this.selection.toggle(row);
    }
  }

  /** Open the first customer that the search finds. */
  async openFirst() {
    this.search.blur();
    await this.found;
    this.activate(0);
    this.openActive();
  }

  openActive() {
    const row = this.rows?.row(this.active);
    if (row) this.openRow(row);
  }

  /**
   * Open the customer after (1) or before (-1) the open one.
   *
   * @param {number} step
   */
  openNext(step) {
    this.activate(this.active + step);
    this.openActive();
  }

  /**
   * Mark the row of the open customer.
   *
   * @param {string} id Empty if no customer is open.
   */
  mark(id) {
    this.openId = id;
    for (const row of all("tr[data-id]", this.region)) row.classList.toggle("is-open", row.dataset.id === id);
  }
}

/**
 * Return the values of a form as parameters.
 *
 * @param {FormData} data
 */
const textsOf = (data) => Object.fromEntries([...data].map(([name, value]) => [name, String(value).trim()]));

/**
 * Return the checked boxes of a form as a parameter. Several may need another parameter than one.
 *
 * @param {HTMLFormElement} form
 * @param {FormData} data
 */
function boxesOf(form, data) {
  const { boxes: one = "", boxesSeveral: several = one } = form.dataset;
  const values = data.getAll(one).map(String);
  const name = values.length > 1 ? several : one;
  return { [one]: "", [several]: "", [name]: values.join(",") };
}

/**
 * Fill the menu of countries when it gets the focus.
 *
 * @param {FocusEvent} event
 */
async function fillCountries(event) {
  const select = /** @type {HTMLSelectElement | null} */ (origin(event, "[data-countries]"));
  if (!select || select.length > 2) return;
  const { value } = select;
  const { body } = await api("GET", "/countries");
  select.replaceChildren(
    make("option", { value: "" }),
    ...body.data.map((/** @type {{ id: number, name: string }} */ each) =>
      make("option", { value: String(each.id), text: each.name }),
    ),
  );
  select.value = value;
}
