// Buttons that copy the text of the element before them: <button data-copy hidden>. They are hidden without a script.

import { all, find, make } from "../lib/dom.js";
import { _ } from "../lib/words.js";

const SECONDS = 2;

/** Show the buttons of the page, and let them copy. */
export function showCopyButtons() {
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = /** @type {HTMLElement} */ (button.previousElementSibling);
      await copy(source.innerText.trim());
      say(button, _("Copied"));
    });
  }
}

/** @param {string} text */
async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without HTTPS, browsers have no clipboard API.
  const area = /** @type {HTMLTextAreaElement} */ (make("textarea", { class: "hidden-text" }));
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
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
