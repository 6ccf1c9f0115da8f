// The selected customers: some of them, or all that match. A bar at the bottom says what can be done with them.

import { all, find, get, make, origin } from "../lib/dom.js";
import { _ } from "../lib/words.js";
import { actionsFor } from "./bulk-actions.js";
import { trashActionsFor } from "./trash-actions.js";

/** @typedef {import("./customer-list.js").CustomerList} CustomerList */

export class Selection {
  /** @param {CustomerList} list */
  constructor(list) {
    this.list = list;
    /** @type {Set<string>} */
    this.ids = new Set();
    this.isAll = false;
    /** The number of the row that was selected last, counted from 0; the start of a range. */
    this.last = -1;
    this.isRange = false;
    list.region.addEventListener("click", (event) => {
      this.isRange = event.shiftKey;
    });
  }

  /** The number of selected customers. */
  get count() {
    return this.isAll ? this.list.total : this.ids.size;
  }

  /** The filters of the API that select the same customers. */
  get filters() {
    if (!this.isAll) return { ids: [...this.ids].map(Number) };
    return JSON.parse(get("[data-state]", this.list.region).dataset.state ?? "{}").filters;
  }

  clear() {
    this.ids.clear();
    this.isAll = false;
    this.list.dress(all("tr[data-id]", this.list.region));
    this.draw();
  }

  selectAll() {
    this.isAll = true;
    this.list.dress(all("tr[data-id]", this.list.region));
    this.draw();
  }

  /** @param {HTMLElement} row */
  dress(row) {
    const isPicked = this.isAll || this.ids.has(row.dataset.id ?? "");
    row.classList.toggle("is-picked", isPicked);
    const box = /** @type {HTMLInputElement | null} */ (find(".pick input", row));
    if (box) box.checked = isPicked;
  }

  /** @param {HTMLElement} row */
  toggle(row) {
    const id = row.dataset.id ?? "";
    if (this.isAll) {
      this.isAll = false;
      this.ids.clear();
    } else if (!this.ids.delete(id)) this.ids.add(id);
    this.list.dress(all("tr[data-id]", this.list.region));
    this.draw();
  }

  /**
   * Select all rows between two numbers, as far as they have been in sight.
   *
   * @param {number} start
   * @param {number} end
   */
  addRange(start, end) {
    this.isAll = false;
    for (let number = Math.min(start, end); number <= Math.max(start, end); number += 1) {
      const id = this.list.rows?.row(number)?.dataset.id;
      if (id) this.ids.add(id);
    }
    this.list.dress(all("tr[data-id]", this.list.region));
    this.draw();
  }

  /** @param {Event} event */
  onChange(event) {
    const box = /** @type {HTMLInputElement | null} */ (origin(event, ".pick input"));
    if (!box) return;
    const row = /** @type {HTMLElement | null} */ (box.closest("tr[data-id]"));
    if (row) {
      const number = this.list.rows?.numberOf(row) ?? -1;
      if (this.isRange && this.last >= 0) this.addRange(this.last, number);
      else this.toggle(row);
      this.last = number;
      return;
    }
    this.isAll = false;
    for (const shown of all("tr[data-id]", this.list.region)) {
      if (box.checked) this.ids.add(shown.dataset.id ?? "");
      else this.ids.delete(shown.dataset.id ?? "");
    }
    this.list.dress(all("tr[data-id]", this.list.region));
    this.draw();
  }

  /** Show or hide the bar. */
  draw() {
    find(".selection")?.remove();
    if (!this.count) return;
    const bar = make("div", { class: "selection", role: "region", "aria-label": _("Selected customers") });
    bar.append(
      make("strong", {
        text: _("{count} selected", { count: this.count.toLocaleString(document.documentElement.lang) }),
      }),
    );
    if (!this.isAll && this.list.total > this.count) {
      const more = make("button", {
        type: "button",
        class: "plain",
        text: _("Select all {count} that match", {
          count: this.list.total.toLocaleString(document.documentElement.lang),
        }),
      });
      more.addEventListener("click", () => this.selectAll());
      bar.append(more);
    }
    const close = make("button", { type: "button", class: "quiet small", text: _("Clear") });
    close.addEventListener("click", () => this.clear());
    bar.append(...(this.list.isTrash ? trashActionsFor(this) : actionsFor(this)), close);
    document.body.append(bar);
  }
}
