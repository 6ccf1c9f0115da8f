// A button that copies a text.

import { copyText } from "../lib/clipboard.js";
import { make } from "../lib/dom.js";
import { _ } from "../lib/words.js";

const MILLISECONDS = 2000;

/**
 * Return a button that copies a text. It says for a moment that it was copied.
 *
 * @param {() => string} textOf
 * @returns {HTMLElement}
 */
export function copyButton(textOf) {
  const words = make("span", { "aria-live": "polite", text: _("Copy") });
  const button = make("button", { type: "button", class: "copy quiet small" }, [words]);
  button.addEventListener("click", async () => {
    await copyText(textOf());
    words.textContent = _("Copied");
    setTimeout(() => {
      words.textContent = _("Copy");
    }, MILLISECONDS);
  });
  return button;
}
