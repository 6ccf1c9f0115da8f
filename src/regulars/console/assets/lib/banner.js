// One line above the page that says what is wrong with the connection.

import { find, make } from "./dom.js";

/** @param {string} sentence */
export function showBanner(sentence) {
  if (!find(".banner")) document.body.append(make("p", { class: "banner", role: "alert", text: sentence }));
}

export function hideBanner() {
  find(".banner")?.remove();
}
