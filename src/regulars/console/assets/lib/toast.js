// Short messages at the edge of the window: what was done, with a way to undo it, and what went wrong.

import { find, make } from "./dom.js";
import { _ } from "./words.js";

const SECONDS = 8;

function region() {
  const existing = find(".toasts");
  if (existing) return existing;
  const made = make("div", { class: "toasts", role: "status", popover: "manual" });
  document.body.append(made);
  return made;
}

/**
 * Show a message for some seconds; with `undo`, a button that calls it.
 *
 * @param {string} sentence
 * @param {{ undo?: () => Promise<unknown>, isFault?: boolean }} [options]
 */
export function toast(sentence, options = {}) {
  const { undo, isFault = false } = options;
  const shown = make("div", { class: isFault ? "toast is-fault" : "toast", role: isFault ? "alert" : undefined }, [
    make("span", { text: sentence }),
  ]);
  if (undo) {
    const button = make("button", { type: "button", class: "plain", "data-undo": "", text: _("Undo") });
    button.addEventListener("click", async () => {
      shown.remove();
      await attempt(undo);
    });
    shown.append(button);
  }
  add(shown);
  setTimeout(() => shown.remove(), SECONDS * 1000);
}

/**
 * Show an element among the messages until it is removed, above open dialogs.
 *
 * @param {HTMLElement} element
 */
export function add(element) {
  const all = /** @type {HTMLElement & { showPopover(): void, hidePopover(): void }} */ (region());
  all.append(element);
  // What was shown last is above everything else, also above dialogs.
  if (all.matches(":popover-open")) all.hidePopover();
  all.showPopover();
}

/**
 * Do something, and show what went wrong. Return its result, or undefined if it failed.
 *
 * @template T
 * @param {() => Promise<T>} action
 * @returns {Promise<T | undefined>}
 */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    for (const sentence of sentencesOf(error)) toast(sentence, { isFault: true });
    return undefined;
  }
}

/**
 * @param {unknown} error
 * @returns {string[]}
 */
export function sentencesOf(error) {
  if (!(error instanceof Error)) return [String(error)];
  const { sentences } = /** @type {Error & { sentences?: string[] }} */ (error);
  return sentences ?? [error.message];
}
