// Two customers side by side: which one is kept, the chosen values, the merge and its undo.

import { api } from "../lib/api.js";
import { all, find, get } from "../lib/dom.js";

/** @typedef {Record<string, unknown>} Values */

export class DuplicatePair {
  /** @param {HTMLElement} form */
  constructor(form) {
    this.form = form;
    this.key = form.dataset.pair ?? "";
    this.names = form.dataset.names ?? "";
    /** @type {Set<string>} The fields whose value the user has chosen. */
    this.touched = new Set();
    form.addEventListener("change", (event) => {
      const { name } = /** @type {HTMLInputElement} */ (event.target);
      if (name === "keep") this.follow();
      else this.touched.add(name);
    });
  }

  get ids() {
    return this.key.split("-");
  }

  /** The id of the customer that is kept. */
  get kept() {
    return picked(this.form, "keep")?.value ?? this.ids[0] ?? "";
  }

  /** The id of the other customer. */
  get other() {
    return this.ids.find((id) => id !== this.kept) ?? "";
  }

  /**
   * Keep the customer on the left (0) or on the right (1).
   *
   * @param {number} side
   */
  keep(side) {
    const radio = /** @type {HTMLInputElement | undefined} */ (all("input[name=keep]", this.form)[side]);
    if (!radio) return;
    radio.checked = true;
    this.follow();
  }

  /** Choose the values of the customer that is kept, except those that the user has chosen. */
  follow() {
    for (const row of all("[data-field]", this.form)) {
      if (this.touched.has(row.dataset.field ?? "")) continue;
      const radio = /** @type {HTMLInputElement | null} */ (find(`input[value="${this.kept}"]`, row));
      if (radio) radio.checked = true;
    }
  }

  /**
   * Return the values that the kept customer gets from the other one in place of its own, or its own ones for the undo.
   *
   * @param {string} side The id of the customer that has the values.
   * @returns {Values}
   */
  chosenValues(side) {
    /** @type {Values} */
    const values = {};
    for (const row of all("[data-field]", this.form)) {
      const name = row.dataset.field ?? "";
      if (picked(row, name)?.value !== this.other) continue;
      values[name] = JSON.parse(get(`input[value="${side}"]`, row).dataset.value ?? "null");
    }
    return values;
  }

  /**
   * Merge the customers. Return a function that undoes it.
   *
   * The merge comes first: it takes the other customer, and so its unique values, out of the way. Nothing is lost if
   * the second step fails, because the merge is undone then.
   *
   * @returns {Promise<() => Promise<void>>}
   */
  async merge() {
    const { kept, other } = this;
    const values = this.chosenValues(other);
    const before = this.chosenValues(kept);
    const ifMatch = `"${get(`input[name="version-${kept}"]`, this.form).dataset.etag}"`;
    const body = { customer_id: Number(other) };
    let { etag } = await api("POST", `/customers/${kept}/merge`, { body, ifMatch });
    const isChanged = Object.keys(values).length > 0;
    if (isChanged) {
      try {
        ({ etag } = await api("PATCH", `/customers/${kept}`, { body: values, ifMatch: etag }));
      } catch (error) {
        await api("POST", `/customers/${kept}/unmerge`, { body });
        throw error;
      }
    }
    return async () => {
      // The kept customer must give back the other one's unique values before that one is restored.
      if (isChanged) await api("PATCH", `/customers/${kept}`, { body: before, ifMatch: etag });
      await api("POST", `/customers/${kept}/unmerge`, { body });
    };
  }

  /**
   * Store that these are not the same person. Return a function that undoes it.
   *
   * @returns {Promise<() => Promise<void>>}
   */
  async dismiss() {
    const { body } = await api("POST", "/customers/duplicates/dismissals", {
      body: { customer_ids: this.ids.map(Number) },
    });
    return async () => {
      await api("DELETE", `/customers/duplicates/dismissals/${body.data.id}`);
    };
  }
}

/**
 * @param {HTMLElement} root
 * @param {string} name
 */
function picked(root, name) {
  return /** @type {HTMLInputElement | null} */ (find(`input[name="${name}"]:checked`, root));
}
