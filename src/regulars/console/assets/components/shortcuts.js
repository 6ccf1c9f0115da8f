// Keys that work everywhere: search, new, go to a place, and a list of them all.

import { ask } from "../lib/dialog.js";
import { all, find, isTyping, make, path, setting } from "../lib/dom.js";
import { _ } from "../lib/words.js";
import { openPalette } from "./command-palette.js";

const PLACES = { c: "/", t: "/today", d: "/duplicates", i: "/imports", r: "/trash", s: "/settings" };
const GO_MILLISECONDS = 1500;

const KEYS = () => [
  ["/", _("Search")],
  ["↑ ↓", _("Choose a customer in the table")],
  ["Enter", _("Open the chosen customer")],
  ["x", _("Select the chosen customer")],
  ["F2", _("Edit the chosen row of the table")],
  ["e", _("Edit the open customer")],
  ["n", _("New customer")],
  ["j k", _("Next and previous customer, while one is open")],
  ["Esc", _("Close")],
  ["m", _("Merge the two customers that are compared")],
  ["b", _("Keep both: they are not the same person")],
  ["← →", _("Choose which of the two is kept")],
  ["u", _("Undo the last change, while its message is shown")],
  ["Ctrl K", _("Find customers and commands")],
  ["g c", _("Go to the customers")],
  ["g t", _("Go to today")],
  ["g d", _("Go to possible duplicates")],
  ["g i", _("Go to import and export")],
  ["g r", _("Go to the trash")],
  ["g s", _("Go to the settings")],
];

/** Listen to the keys. */
export function listenToKeys() {
  let goUntil = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping() || find("dialog[open]")) return;
    if (Date.now() < goUntil && event.key in PLACES) {
      location.href = path(PLACES[/** @type {keyof typeof PLACES} */ (event.key)]);
      return;
    }
    goUntil = event.key === "g" ? Date.now() + GO_MILLISECONDS : 0;
    if (event.key === "?") void showKeys();
    if (event.key === "u") all("[data-undo]").at(-1)?.click();
    if (event.key === "/") {
      const search = find("input[type=search]");
      event.preventDefault();
      if (search) search.focus();
      else location.href = path("/#search");
    }
    if (event.key === "n" && setting("writes")) location.href = path("/customers/new");
  });
}

function showKeys() {
  const list = make("dl", { class: "keys" });
  for (const [key, words] of KEYS()) {
    list.append(make("dt", {}, [make("kbd", { text: key ?? "" })]), make("dd", { text: words ?? "" }));
  }
  return ask(_("Keys"), [list], []);
}
