// One customer beside the table: every field is edited in place, and saved only if nobody has changed it meanwhile.

import { ApiError, api, fragment } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { all, find, get, make, origin, path } from "../lib/dom.js";
import { parse } from "../lib/html.js";
import { attempt, sentencesOf, toast } from "../lib/toast.js";
import { _ } from "../lib/words.js";

export class CustomerPanel {
  /**
   * @param {HTMLElement} element
   * @param {{ onChange: () => void, onClose: () => void, onStep: (step: number) => void }} events
   */
  constructor(element, events) {
    this.element = element;
    this.events = events;
    this.loading = new AbortController();
    element.addEventListener("click", (event) => this.onClick(event));
    element.addEventListener("submit", (event) => this.onSubmit(event));
    if (!element.hidden) void attempt(() => this.showDuplicates());
  }

  /** The id of the customer; empty if the panel is closed. */
  get id() {
    return find("[data-customer]", this.element)?.dataset.customer ?? "";
  }

  get customer() {
    return get("[data-customer]", this.element);
  }

  /** Whether a value is being edited. */
  get isEditing() {
    return find(".fact :is(input, select, textarea)", this.element) !== null;
  }

  /**
   * Show the customer at an address.
   *
   * @param {string} address
   */
  async show(address) {
    this.loading.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    const html = await fragment(address, "panel", signal).catch((error) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (html === null || signal.aborted) return;
    this.address = address;
    this.element.replaceChildren(parse(html));
    this.element.hidden = false;
    this.element.scrollTop = 0;
    void attempt(() => this.showDuplicates());
  }

  /** Show the same customer as it is stored now. */
  async reload() {
    await this.show(this.address ?? location.href);
  }

  /** Show what somebody else has changed; only a notice while the user edits a value. */
  async showChange() {
    if (!this.isEditing) {
      await this.reload();
      return;
    }
    if (find("[data-changed]", this.element)) return;
    const words = _("Somebody else has changed this customer. Your value is compared when you save it.");
    this.customer.prepend(make("p", { class: "notice", role: "status", "data-changed": "", text: words }));
  }

  close() {
    this.loading.abort();
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  /** @param {MouseEvent} event */
  onClick(event) {
    if (origin(event, "[data-close]")) {
      event.preventDefault();
      this.events.onClose();
      return;
    }
    const step = origin(event, "[data-step]");
    if (step) this.events.onStep(Number(step.dataset.step));
    const button = origin(event, "[data-edit]");
    if (button) this.edit(/** @type {HTMLElement} */ (button.closest(".fact")));
    const restore = origin(event, "[data-restore]");
    if (restore) {
      const value = JSON.parse(restore.dataset.earlier ?? "null");
      void attempt(() => this.save(restore.dataset.restore ?? "", value));
    }
  }

  /** @param {SubmitEvent} event */
  onSubmit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const { id } = this;
    const trash = () => api("DELETE", `/customers/${id}`);
    const restore = () => api("POST", `/customers/${id}/restore`);
    const purge = () => api("DELETE", `/customers/${id}?permanently=true`);
    if (form.matches("[data-trash]")) this.move(event, trash, _("The customer is in the trash."), restore);
    else if (form.matches("[data-untrash]")) this.move(event, restore, _("The customer was restored."), trash);
    else if (form.matches("[data-purge]")) this.move(event, purge, _("The customer was deleted permanently."));
  }

  /**
   * Move the customer to another place, and close the panel.
   *
   * @param {SubmitEvent} event
   * @param {() => Promise<unknown>} action
   * @param {string} done
   * @param {() => Promise<unknown>} [back]
   */
  move(event, action, done, back) {
    event.preventDefault();
    void attempt(async () => {
      await action();
      this.events.onClose();
      this.events.onChange();
      const undo = async () => {
        await back?.();
        this.events.onChange();
      };
      toast(done, back && { undo });
    });
  }

  /**
   * Replace a value by a field for it.
   *
   * @param {HTMLElement} fact
   */
  edit(fact) {
    const field = fact.dataset.field ?? "";
    const label = get("dt", fact).textContent ?? "";
    const place = get("dd", fact);
    const before = [...place.childNodes];
    const finish = () => {
      place.replaceChildren(...before);
      find("[data-edit]", fact)?.focus();
    };
    if (fact.dataset.type === "tags") {
      this.editTags(place, finish);
      return;
    }
    const input = fieldFor(this.element, fact, label);
    place.replaceChildren(input);
    input.focus();
    if (input instanceof HTMLInputElement && input.type !== "date") input.select();
    let isOver = false;
    const save = async () => {
      if (isOver) return;
      const value = input.value.trim();
      if (value === (fact.dataset.value ?? "")) {
        isOver = true;
        finish();
        return;
      }
      isOver = true;
      try {
        await this.save(field, read(field, value), fact.dataset.value ?? "");
      } catch (error) {
        isOver = false;
        find(".fault", place)?.remove();
        place.append(make("p", { class: "fault", role: "alert", text: sentencesOf(error).join(" ") }));
        input.setAttribute("aria-invalid", "true");
        input.focus();
      }
    };
    input.addEventListener("keydown", (event) => {
      const { key } = /** @type {KeyboardEvent} */ (event);
      event.stopPropagation();
      if (key === "Escape") {
        isOver = true;
        finish();
      } else if (key === "Enter" && !(input instanceof HTMLTextAreaElement)) {
        event.preventDefault();
        void save();
      }
    });
    input.addEventListener("blur", () => void save());
    if (input instanceof HTMLSelectElement) input.addEventListener("change", () => void save());
  }

  /**
   * @param {HTMLElement} place
   * @param {() => void} finish
   */
  editTags(place, finish) {
    const template = /** @type {HTMLTemplateElement} */ (get('[data-options="tags"]', this.element));
    const box = make("div", { class: "tag-boxes" }, [template.content.cloneNode(true)]);
    const save = make("button", { type: "button", class: "small", text: _("Save") });
    const cancel = make("button", { type: "button", class: "secondary small", text: _("Cancel") });
    place.replaceChildren(box, make("div", { class: "actions" }, [save, cancel]));
    cancel.addEventListener("click", finish);
    save.addEventListener("click", () => {
      const ids = [...box.querySelectorAll("input")].filter((each) => each.checked).map((each) => Number(each.value));
      void attempt(() => this.save("tags", ids));
    });
    find("input", box)?.focus();
  }

  /**
   * Save a value, and show the customer as it is stored then. If somebody else has changed the customer, ask.
   *
   * @param {string} field
   * @param {unknown} value
   * @param {string} [before]
   */
  async save(field, value, before) {
    const { id, customer } = this;
    const body = { [field]: value };
    try {
      await api("PATCH", `/customers/${id}`, { body, ifMatch: `"${customer.dataset.etag}"` });
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 412)) throw error;
      if (!(await this.isStillWanted(id, field, value))) {
        await this.reload();
        return;
      }
      await api("PATCH", `/customers/${id}`, { body });
    }
    await this.reload();
    this.events.onChange();
    const undo = before === undefined ? undefined : () => this.undo(id, field, before);
    toast(_("Saved."), undo && { undo });
  }

  /**
   * @param {string} id
   * @param {string} field
   * @param {string} before
   */
  async undo(id, field, before) {
    await api("PATCH", `/customers/${id}`, { body: { [field]: read(field, before) } });
    if (this.id === id) await this.reload();
    this.events.onChange();
  }

  /**
   * Show both values after somebody else has changed the customer. Return true if the user wants the own one.
   *
   * @param {string} id
   * @param {string} field
   * @param {unknown} value
   */
  async isStillWanted(id, field, value) {
    const html = await fragment(path(`/customers/${id}`), "panel");
    const selector = `.fact[data-field="${field}"]`;
    const theirs = find(selector, parse(html));
    const mine = find(selector, this.element);
    if (theirs?.dataset.value === mine?.dataset.value) return true;
    const shown = theirs?.querySelector("dd")?.textContent?.trim() ?? "";
    const content = make("dl", {}, [
      make("dt", { text: _("Your value") }),
      make("dd", { text: String(value ?? "–") }),
      make("dt", { text: _("Stored meanwhile") }),
      make("dd", { text: shown }),
    ]);
    const answer = await ask(
      _("Somebody else has changed this"),
      [content],
      [
        { words: _("Save your value"), value: "mine" },
        { words: _("Keep the stored value"), value: "theirs", class: "secondary" },
      ],
    );
    return answer === "mine";
  }

  /** Say who may be the same person. */
  async showDuplicates() {
    const { id } = this;
    const place = find("[data-duplicates]", this.element);
    if (!id || !place) return;
    const { body } = await api("GET", `/customers/duplicates?customer_id=${id}&limit=3`);
    if (this.id !== id) return;
    for (const pair of body.data) {
      const other = pair.customers.find((/** @type {{ id: number }} */ each) => String(each.id) !== id);
      const name = [other.first_name, other.last_name].filter(Boolean).join(" ");
      const link = make("a", { href: path(`/duplicates?customer_id=${id}`), text: _("Compare") });
      place.append(
        make("p", { class: "notice" }, [make("strong", { text: _("May be the same person:") }), ` ${name} `, link]),
      );
    }
  }

  /** Start to edit the first value. */
  editFirst() {
    const first = all(".fact", this.element)[0];
    if (first && find("[data-edit]", first)) this.edit(first);
  }
}

/**
 * Return an input for a field, with its stored value.
 *
 * @param {HTMLElement} panel
 * @param {HTMLElement} fact
 * @param {string} label
 * @returns {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement}
 */
function fieldFor(panel, fact, label) {
  const { field, type, value = "" } = fact.dataset;
  if (type === "select") {
    const select = /** @type {HTMLSelectElement} */ (make("select", { "aria-label": label }));
    const template = /** @type {HTMLTemplateElement} */ (get(`[data-options="${field}"]`, panel));
    select.append(template.content.cloneNode(true));
    return select;
  }
  if (type === "textarea") {
    const area = /** @type {HTMLTextAreaElement} */ (make("textarea", { "aria-label": label }));
    area.value = value;
    return area;
  }
  const input = /** @type {HTMLInputElement} */ (
    make("input", { type: type ?? "text", "aria-label": label, autocomplete: "off" })
  );
  input.value = value;
  return input;
}

/**
 * Return a typed value as the API takes it.
 *
 * @param {string} field
 * @param {string} value
 */
function read(field, value) {
  if (value === "") return null;
  return field.endsWith("_id") ? Number(value) : value;
}
