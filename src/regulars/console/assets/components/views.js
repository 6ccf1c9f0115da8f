// Saved views: the filters, the order and the columns of the table under a name.

import { api } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { find, get, make, origin, path, setting } from "../lib/dom.js";
import { attempt } from "../lib/toast.js";
import { _ } from "../lib/words.js";

/**
 * Let the user save, change and delete views.
 *
 * @param {HTMLElement} region The element with the list.
 */
export function listenToViews(region) {
  document.addEventListener("click", (event) => {
    const menu = find("[data-view]", region);
    if (origin(event, "[data-new-view]")) void attempt(() => create(region));
    if (!menu) return;
    if (origin(event, "[data-view-save]")) void attempt(() => saveChanges(region, menu));
    else if (origin(event, "[data-view-edit]")) void attempt(() => edit(menu));
    else if (origin(event, "[data-view-delete]")) void attempt(() => remove(menu));
  });
}

/** @param {HTMLElement} region */
const stateOf = (region) => JSON.parse(get("[data-state]", region).dataset.state ?? "{}");

/** @param {string} id */
function open(id) {
  location.href = path(id ? `/?view=${id}` : "/?view=all");
}

/** @param {HTMLElement} region */
async function create(region) {
  const chosen = await askForName(_("New view"), _("Save the view"), {});
  if (!chosen) return;
  const { body } = await api("POST", "/views", { body: { ...stateOf(region), ...chosen } });
  open(body.data.id);
}

/**
 * @param {HTMLElement} region
 * @param {HTMLElement} menu
 */
async function saveChanges(region, menu) {
  await api("PATCH", `/views/${menu.dataset.view}`, { body: stateOf(region) });
  open(menu.dataset.view ?? "");
}

/** @param {HTMLElement} menu */
async function edit(menu) {
  const { view, viewName, viewShared, viewDefault } = menu.dataset;
  const before = { name: viewName, shared: Boolean(viewShared), default: Boolean(viewDefault) };
  const chosen = await askForName(_("Rename or share"), _("Save"), before);
  if (!chosen) return;
  await api("PATCH", `/views/${view}`, { body: chosen });
  open(view ?? "");
}

/** @param {HTMLElement} menu */
async function remove(menu) {
  const { view, viewName = "" } = menu.dataset;
  const words = _("Delete the view {name}", { name: viewName });
  const content = [make("p", { text: _("The customers stay.") })];
  if (!(await ask(words, content, [{ words: _("Delete the view"), value: "yes", class: "danger" }]))) return;
  await api("DELETE", `/views/${view}`);
  open("");
}

/**
 * @param {string} heading
 * @param {string} button
 * @param {{ name?: string, shared?: boolean, default?: boolean }} before
 */
async function askForName(heading, button, before) {
  const name = /** @type {HTMLInputElement} */ (make("input", { id: "view-name", maxlength: "100", required: "" }));
  name.value = before.name ?? "";
  const shared = box(_("Everybody in this business sees it"), before.shared);
  const first = box(_("Open the list with it"), before.default);
  const content = [make("label", { for: "view-name", text: _("Name") }), name, first.label];
  if (setting("writes")) content.splice(2, 0, shared.label);
  if (!(await ask(heading, content, [{ words: button, value: "yes" }]))) return null;
  return { name: name.value.trim(), shared: shared.input.checked, default: first.input.checked };
}

/**
 * @param {string} words
 * @param {boolean} [isChecked]
 */
function box(words, isChecked = false) {
  const input = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox" }));
  input.checked = isChecked;
  return { input, label: make("label", { class: "choice" }, [input, words]) };
}
