// The screen of possible duplicates: the pairs, and the one that is compared.

import { DuplicatePair } from "../components/duplicate-pair.js";
import { listenToKeys } from "../components/shortcuts.js";
import { ApiError, fragment } from "../lib/api.js";
import { all, find, get, isTyping, origin } from "../lib/dom.js";
import { parse } from "../lib/html.js";
import { attempt, toast } from "../lib/toast.js";
import { _ } from "../lib/words.js";

const root = get("[data-duplicates-screen]");
const list = get("[data-pairs]", root);
const place = get("[data-comparison]", root);
const announcement = get("[data-announce]", root);
/** @type {Map<string, Promise<string>>} The comparisons that were loaded, by the key of the pair. */
const loaded = new Map();
/** @type {DuplicatePair | null} */
let pair = null;
let isBusy = false;
let shown = "";

const links = () => /** @type {HTMLAnchorElement[]} */ (all("[data-pair-link]", list));
const keyOf = (/** @type {HTMLElement | undefined} */ link) => link?.dataset.pairLink ?? "";
const position = () => links().findIndex((link) => keyOf(link) === shown);

/** @param {string} key */
function load(key) {
  const link = links().find((each) => keyOf(each) === key);
  const known = loaded.get(key) ?? (link ? fragment(link.href, "pair") : undefined);
  if (!known) return undefined;
  loaded.set(key, known);
  known.catch(() => loaded.delete(key));
  return known;
}

/** @param {string} key Empty if no pair is left. */
async function show(key) {
  shown = key;
  mark();
  const html = await load(key);
  if (shown !== key) return;
  place.hidden = html === undefined;
  place.replaceChildren(html === undefined ? "" : parse(html));
  take();
  for (const scroller of [place, get("#content")]) scroller.scrollTop = 0;
  void load(keyOf(links()[position() + 1]))?.catch(() => undefined);
}

/** Take over the comparison that the page shows. */
function take() {
  const form = find("[data-pair]", place);
  pair = form ? new DuplicatePair(form) : null;
}

/** Mark the pair that is shown in the list. */
function mark() {
  for (const link of links()) {
    if (keyOf(link) !== shown) link.removeAttribute("aria-current");
    else {
      link.setAttribute("aria-current", "true");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
      history.replaceState({}, "", link.href);
    }
  }
}

/** @param {number} by */
function step(by) {
  const key = keyOf(links()[position() + by]);
  if (key) void attempt(() => show(key));
}

/** Load the list again: other pairs may have come up, and pairs of a merged customer are gone. */
async function refresh() {
  const html = await fragment(location.href, "list");
  list.replaceChildren(parse(html));
  mark();
}

/**
 * Do something with the pair, show the next one at once, and offer the undo.
 *
 * @param {(pair: DuplicatePair) => Promise<() => Promise<void>>} action
 * @param {string} done
 * @param {(key: string, pair: DuplicatePair) => boolean} isOver Tells which pairs of the list are gone.
 */
async function settle(action, done, isOver) {
  const settled = pair;
  if (!settled || isBusy) return;
  isBusy = true;
  try {
    loaded.clear();
    const undo = await action(settled);
    const at = position();
    for (const link of links()) if (isOver(keyOf(link), settled)) link.closest("li")?.remove();
    await show(keyOf(links()[Math.min(at, links().length - 1)]));
    announcement.textContent = pair ? `${done} ${_("Next pair: {names}", { names: pair.names })}` : done;
    find("[data-heading]", place)?.focus();
    toast(done, { undo: () => bringBack(settled.key, undo) });
  } catch (error) {
    // Somebody else may have changed or merged them.
    if (error instanceof ApiError) await refresh().then(() => show(settled.key));
    throw error;
  } finally {
    isBusy = false;
  }
  await refresh();
  if (!pair) await show(keyOf(links()[0]));
}

/**
 * @param {string} key
 * @param {() => Promise<void>} undo
 */
async function bringBack(key, undo) {
  await undo();
  loaded.clear();
  await refresh();
  await show(key);
  toast(_("Undone."));
}

const merge = () =>
  attempt(() =>
    settle(
      (each) => each.merge(),
      _("The customers were merged."),
      (key, { other }) => key.split("-").includes(other),
    ),
  );
const dismiss = () =>
  attempt(() =>
    settle(
      (each) => each.dismiss(),
      _("They are not the same person. This pair is not shown again."),
      (key, settled) => key === settled.key,
    ),
  );

list.addEventListener("click", (event) => {
  const link = origin(event, "[data-pair-link]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  void attempt(() => show(keyOf(link)));
});
place.addEventListener("submit", (event) => {
  event.preventDefault();
  void (event.submitter?.hasAttribute("data-dismiss") ? dismiss() : merge());
});

/** @type {Record<string, () => unknown>} */
const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  j: () => step(1),
  k: () => step(-1),
  ArrowLeft: () => pair?.keep(0),
  ArrowRight: () => pair?.keep(1),
  m: merge,
  b: dismiss,
};
document.addEventListener("keydown", (event) => {
  if (isTyping() || event.ctrlKey || event.metaKey || event.altKey || event.repeat || find("dialog[open]")) return;
  const isArrow = event.key.startsWith("Arrow");
  if (isArrow && document.activeElement?.matches("input[type=radio]")) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

listenToKeys();
shown = keyOf(links().find((link) => link.ariaCurrent === "true") ?? links()[0]);
take();
void load(keyOf(links()[position() + 1]))?.catch(() => undefined);
