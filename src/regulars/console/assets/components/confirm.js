// Confirmation before a destructive action: the page on which the server asks, shown as a dialog.

import { find, get, make } from "../lib/dom.js";
import { parse } from "../lib/html.js";
import { attempt } from "../lib/toast.js";

/** Ask in a dialog when a button with data-confirm sends its form. */
export function confirmInDialogs() {
  document.addEventListener("submit", (event) => {
    const { submitter } = event;
    if (!(submitter instanceof HTMLButtonElement) || !("confirm" in submitter.dataset)) return;
    event.preventDefault();
    void attempt(() => ask(/** @type {HTMLFormElement} */ (event.target), submitter));
  });
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} button
 */
async function ask(form, button) {
  const content = new FormData(form);
  if (button.name) content.set(button.name, button.value);
  const body = new URLSearchParams(/** @type {any} */ (content));
  const page = parse(await (await fetch(form.action, { method: "POST", body })).text());
  const question = find("[data-confirmation]", page);
  if (question) {
    show(get("main h1", page).textContent ?? "", question);
    return;
  }
  // The server answered something else, such as the sign-in page: leave it to the browser.
  delete button.dataset.confirm;
  form.requestSubmit(button);
}

/**
 * @param {string} heading
 * @param {HTMLElement} question
 */
function show(heading, question) {
  const dialog = /** @type {HTMLDialogElement} */ (
    make("dialog", { "aria-label": heading }, [make("h2", { text: heading }), question])
  );
  const cancel = get("[data-cancel]", question);
  cancel.setAttribute("autofocus", "");
  cancel.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
