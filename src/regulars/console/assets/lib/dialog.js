// Dialogs, made of the browser's own element.

import { make } from "./dom.js";
import { _ } from "./words.js";

/**
 * Show a dialog until the user closes it. Return the value of the button, or an empty string.
 *
 * @param {string} heading
 * @param {(Node | string)[]} content
 * @param {{ words: string, value: string, class?: string }[]} buttons The first one is the default.
 * @param {string} [size]
 * @returns {Promise<string>}
 */
export function ask(heading, content, buttons, size = "") {
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { class: size, "aria-label": heading }));
  const form = make("form", { method: "dialog" });
  const actions = make("div", { class: "actions" });
  const cancel = make("button", { type: "button", class: "secondary", text: _("Cancel") });
  cancel.addEventListener("click", () => dialog.close());
  actions.append(cancel);
  for (const button of [...buttons].reverse()) {
    actions.append(make("button", { value: button.value, class: button.class ?? "", text: button.words }));
  }
  form.append(make("h2", { text: heading }), ...content, actions);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const chosen = dialog.returnValue;
      dialog.remove();
      resolve(chosen);
    });
  });
}

/**
 * Ask for something that cannot be undone: the user types a word to confirm it. Return whether the user has done so.
 *
 * @param {string} heading
 * @param {(Node | string)[]} content
 * @param {string} word
 * @param {string} words The words of the button.
 * @returns {Promise<boolean>}
 */
export async function askTyped(heading, content, word, words) {
  const input = /** @type {HTMLInputElement} */ (make("input", { id: "typed-word", autocomplete: "off" }));
  const check = () => {
    const language = document.documentElement.lang;
    const isRight = input.value.trim().toLocaleLowerCase(language) === word.toLocaleLowerCase(language);
    input.setCustomValidity(isRight ? "" : _("Type “{word}”.", { word }));
  };
  input.addEventListener("input", check);
  check();
  const label = make("label", { for: "typed-word", text: _("Type “{word}” to confirm", { word }) });
  return (await ask(heading, [...content, label, input], [{ words, value: "yes", class: "danger" }])) === "yes";
}
