// The clipboard, also without HTTPS.

import { make } from "./dom.js";

/**
 * Copy a text.
 *
 * @param {string} text
 */
export async function copyText(text) {
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
