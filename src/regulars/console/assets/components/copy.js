// Buttons that copy the text of the element before them: <button data-copy hidden>. They are hidden without a script.

import { copyText } from "../lib/clipboard.js";
import { all, find } from "../lib/dom.js";
import { _ } from "../lib/words.js";

const SECONDS = 2;

/** Show the buttons of the page, and let them copy. */
export function showCopyButtons() {
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = /** @type {HTMLElement} */ (button.previousElementSibling);
      await copyText(source.innerText.trim());
      say(button, _("Copied"));
    });
  }
}

/**
 * Show a word on the button for a moment.
 *
 * @param {HTMLElement} button
 * @param {string} word
 */
function say(button, word) {
  const label = find("span", button);
  if (!label || button.classList.contains("is-copied")) return;
  const before = label.textContent;
  label.textContent = word;
  button.classList.add("is-copied");
  setTimeout(() => {
    label.textContent = before;
    button.classList.remove("is-copied");
  }, SECONDS * 1000);
}
