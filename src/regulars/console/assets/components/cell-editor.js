// Values of the table are edited in place: a pencil appears in the cell under the pointer, and F2 edits the active row.

import { ApiError, api } from "../lib/api.js";
import { find, make, origin } from "../lib/dom.js";
import { attempt, sentencesOf, toast } from "../lib/toast.js";
import { _ } from "../lib/words.js";

/** @type {Record<string, { field: string, type: string }>} */
const EDITABLE = {
  phone_number: { field: "phone_number", type: "tel" },
  email: { field: "email", type: "email" },
  date_of_birth: { field: "date_of_birth", type: "date" },
  gender: { field: "gender", type: "select" },
  channel: { field: "default_channel_id", type: "select" },
  user: { field: "user_id", type: "select" },
  identity_number: { field: "identity_number", type: "text" },
  job: { field: "job", type: "text" },
  address: { field: "address", type: "text" },
};

/** @typedef {{ value: string, text: string }} Choice */

export class CellEditor {
  /**
   * @param {HTMLElement} region The element with the table.
   * @param {() => void} onChange Called after a value was saved.
   */
  constructor(region, onChange) {
    this.onChange = onChange;
    this.pencil = make("button", {
      type: "button",
      class: "quiet pencil",
      "aria-label": _("Edit"),
      tabindex: "-1",
      text: "✎",
    });
    region.addEventListener("pointerover", (event) => this.show(event));
    region.addEventListener("dblclick", (event) => this.start(event));
    this.pencil.addEventListener("click", (event) => {
      event.stopPropagation();
      const cell = this.pencil.closest("td");
      this.pencil.remove();
      if (cell) void attempt(() => this.edit(cell));
    });
  }

  /** @param {PointerEvent} event */
  show(event) {
    const cell = origin(event, "td[data-column]");
    if (event.pointerType !== "mouse" || !cell || cell.classList.contains("is-editing")) return;
    if ((cell.dataset.column ?? "") in EDITABLE) cell.append(this.pencil);
    else this.pencil.remove();
  }

  /** @param {MouseEvent} event */
  start(event) {
    const cell = origin(event, "td[data-column]");
    if (cell && (cell.dataset.column ?? "") in EDITABLE) void attempt(() => this.edit(cell));
  }

  /**
   * Edit the first value of a row that can be edited.
   *
   * @param {HTMLElement} row
   */
  editRow(row) {
    const cell = [...row.querySelectorAll("td")].find((each) => (each.dataset.column ?? "") in EDITABLE);
    if (cell) void attempt(() => this.edit(cell));
  }

  /** @param {HTMLElement} cell */
  async edit(cell) {
    const kind = EDITABLE[cell.dataset.column ?? ""];
    const id = /** @type {HTMLElement} */ (cell.closest("tr")).dataset.id;
    if (!kind || !id || cell.classList.contains("is-editing")) return;
    const { body, etag } = await api("GET", `/customers/${id}`);
    const stored = valueOf(body.data, kind.field);
    const input = await inputFor(kind, stored);
    const before = [...cell.childNodes];
    const finish = () => {
      cell.classList.remove("is-editing");
      cell.replaceChildren(...before);
    };
    cell.classList.add("is-editing");
    cell.replaceChildren(input);
    input.focus();
    let isOver = false;
    const save = async () => {
      if (isOver) return;
      isOver = true;
      if (input.value.trim() === stored) {
        finish();
        return;
      }
      try {
        await this.save(id, kind.field, input.value.trim(), etag);
        toast(_("Saved."), { undo: () => this.save(id, kind.field, stored, null) });
      } catch (error) {
        isOver = false;
        showFault(cell, error);
        input.focus();
      }
    };
    input.addEventListener("click", (event) => event.stopPropagation());
    input.addEventListener("blur", () => void save());
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const { key } = /** @type {KeyboardEvent} */ (event);
      if (key === "Enter") void save();
      if (key === "Escape") {
        isOver = true;
        finish();
      }
    });
  }

  /**
   * @param {string} id
   * @param {string} field
   * @param {string} value
   * @param {string | null} etag
   */
  async save(id, field, value, etag) {
    const sent = value === "" ? null : field.endsWith("_id") ? Number(value) : value;
    await api("PATCH", `/customers/${id}`, { body: { [field]: sent }, ifMatch: etag });
    this.onChange();
  }
}

/**
 * @param {HTMLElement} cell
 * @param {unknown} error
 */
function showFault(cell, error) {
  find(".fault", cell)?.remove();
  const isConflict = error instanceof ApiError && error.status === 412;
  const sentences = isConflict
    ? [_("Somebody else has changed this customer. Press Esc, and edit it again.")]
    : sentencesOf(error);
  cell.append(make("p", { class: "fault", role: "alert", text: sentences.join(" ") }));
}

/**
 * Return a value of a customer of the API as an input has it.
 *
 * @param {Record<string, any>} customer
 * @param {string} field
 * @returns {string}
 */
function valueOf(customer, field) {
  if (field === "user_id") return String(customer.related_user?.id ?? "");
  if (field === "date_of_birth") return customer.date_of_birth?.slice(0, 10) ?? "";
  return String(customer[field] ?? "");
}

/**
 * @param {{ field: string, type: string }} kind
 * @param {string} value
 */
async function inputFor(kind, value) {
  if (kind.type !== "select") {
    const input = /** @type {HTMLInputElement} */ (
      make("input", { type: kind.type, "aria-label": _("Value"), autocomplete: "off" })
    );
    input.value = value;
    return input;
  }
  const select = /** @type {HTMLSelectElement} */ (make("select", { "aria-label": _("Value") }));
  select.append(make("option", { value: "" }));
  const choices = await choicesFor(kind.field);
  select.append(...choices.map((choice) => make("option", { value: choice.value, text: choice.text })));
  select.value = value;
  return select;
}

/**
 * @param {string} field
 * @returns {Promise<Choice[]>}
 */
async function choicesFor(field) {
  if (field === "gender") {
    return [
      { value: "female", text: _("female") },
      { value: "male", text: _("male") },
      { value: "other", text: _("other") },
    ];
  }
  const { body } = await api("GET", field === "user_id" ? "/users?limit=100" : "/channels");
  return body.data.map((/** @type {{ id: number, name: string }} */ each) => ({
    value: String(each.id),
    text: each.name,
  }));
}
