// The reference of the API: search, addresses of operations, buttons to copy, and forms that send requests.

import { copyButton } from "../components/copy-button.js";
import { offerToTry } from "../components/try-it.js";
import { all, find, get, isTyping } from "../lib/dom.js";
import { _ } from "../lib/words.js";

const nav = get(".reference-side nav");
const search = /** @type {HTMLInputElement} */ (get("#search"));
const operations = /** @type {HTMLDetailsElement[]} */ (all("details.operation"));
const groups = all("[data-group]");

/** @param {HTMLElement} operation */
const bodyOf = (operation) => get(".operation-body", operation);

/** @param {HTMLElement} operation */
const titleOf = (operation) =>
  [...all("summary > *", operation).map((each) => each.textContent), bodyOf(operation).id].join(" ");

/** @param {HTMLElement} operation */
const wordsOf = (operation) =>
  [titleOf(operation), ...all("p:first-child, .fields th > code", operation).map((each) => each.textContent)].join(" ");

const searched = operations.map((operation) => ({
  operation,
  title: titleOf(operation).toLowerCase(),
  words: wordsOf(operation).toLowerCase(),
}));

/**
 * Return the operations that have all words in their title or, if there are none, in their description or fields.
 *
 * @param {string[]} words
 */
function matches(words) {
  const has = (/** @type {string} */ text) => words.every((word) => text.includes(word));
  const titled = searched.filter(({ title }) => has(title));
  const found = titled.length ? titled : searched.filter((each) => has(each.words));
  return new Set(found.map(({ operation }) => operation));
}

/** Show the operations that match, closed. */
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = matches(words);
  for (const operation of operations) {
    operation.open = false;
    operation.hidden = !found.has(operation);
    const link = find(`[data-link="${bodyOf(operation).id}"]`, nav);
    if (link) link.hidden = operation.hidden;
  }
  for (const group of groups) {
    group.hidden = !find("details.operation:not([hidden])", group);
    const place = find(`[href="#${group.id}"]`, nav)?.parentElement;
    if (place) place.hidden = group.hidden;
  }
  const isFiltered = words.length > 0;
  document.body.classList.toggle("is-filtered", isFiltered);
  get("[data-nothing]").hidden = found.size > 0;
  get("[data-found]").textContent = isFiltered ? _("{count} found", { count: found.size }) : "";
  scrollTo(0, 0);
}

/** @param {HTMLElement} operation */
function prepare(operation) {
  if (operation.dataset.prepared) return;
  operation.dataset.prepared = "yes";
  addCopyButtons(operation);
  const body = bodyOf(operation);
  if (body.dataset.body !== undefined) void offerToTry(get(".operation-code", body), body.id, body.dataset.body);
}

/** @param {HTMLElement} place */
function addCopyButtons(place) {
  for (const figure of all("figure.code", place)) {
    figure.append(copyButton(() => get("pre", figure).textContent ?? ""));
  }
}

/** Open what the address names. */
function openNamed() {
  const id = decodeURIComponent(location.hash.slice(1));
  const operation = operations.find((each) => bodyOf(each).id === id);
  if (!operation) return;
  if (operation.hidden) {
    search.value = "";
    filter();
  }
  operation.open = true;
  operation.scrollIntoView();
  mark(id);
}

/**
 * Mark an operation in the list at the side.
 *
 * @param {string} id
 */
function mark(id) {
  for (const link of all("[aria-current]", nav)) link.removeAttribute("aria-current");
  find(`[data-link="${id}"] a`, nav)?.setAttribute("aria-current", "true");
}

/** Open the group at the side that is at the top of the window. */
function followScrolling() {
  const top = innerHeight / 3;
  const group = groups.filter((each) => !each.hidden && each.getBoundingClientRect().top < top).at(-1) ?? groups[0];
  const current = find(`[href="#${group?.id}"]`, nav)?.parentElement;
  if (!current || current.classList.contains("is-current")) return;
  for (const each of all(".is-current", nav)) each.classList.remove("is-current");
  current.classList.add("is-current");
  current.scrollIntoView({ block: "nearest", inline: "nearest" });
}

for (const operation of operations) {
  operation.addEventListener("toggle", () => {
    if (!operation.open) return;
    const { id } = bodyOf(operation);
    prepare(operation);
    mark(id);
    history.replaceState(history.state, "", `#${id}`);
  });
}
search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  const first = operations.find((operation) => !operation.hidden);
  if (event.key !== "Enter" || !first || !search.value) return;
  event.preventDefault(); // otherwise the key also closes what it has opened
  first.open = true;
  get("summary", first).focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || isTyping() || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  search.focus();
  search.select();
});
let waits = false;
document.addEventListener(
  "scroll",
  () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      followScrolling();
    });
  },
  { passive: true },
);
window.addEventListener("hashchange", openNamed);
addCopyButtons(get("#start"));
openNamed();
followScrolling();
