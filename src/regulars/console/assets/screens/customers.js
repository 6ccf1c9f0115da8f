// The customers screen: the list, and the open customer beside it.

import { CustomerList } from "../components/customer-list.js";
import { CustomerPanel } from "../components/customer-panel.js";
import { listenToKeys } from "../components/shortcuts.js";
import { offerToEmptyTrash } from "../components/trash-actions.js";
import { listenToViews } from "../components/views.js";
import { all, find, get, isTyping, path } from "../lib/dom.js";
import { follow } from "../lib/live.js";
import { attempt } from "../lib/toast.js";

const root = get("[data-customers]");
const title = document.title;

const panel = new CustomerPanel(get("[data-panel]", root), {
  onChange: () => void attempt(() => list.refresh()),
  onStep: (step) => list.openNext(step),
  onClose: () => {
    history.pushState({}, "", list.address);
    close();
  },
});
const list = new CustomerList(root, (href) => {
  history.pushState({}, "", href);
  void attempt(() => open(href));
});
list.mark(panel.id);
if (location.hash === "#search") {
  history.replaceState({}, "", location.pathname + location.search);
  list.search.focus();
}

/** @param {string} href */
async function open(href) {
  await panel.show(href);
  list.mark(panel.id);
  if (!isTyping()) find("[data-heading]", panel.element)?.focus({ preventScroll: true });
  for (const button of all("[data-step]", panel.element)) button.hidden = list.active < 0;
  const name = find("[data-customer]", panel.element)?.dataset.name;
  if (name) document.title = `${name} · Regulars`;
}

function close() {
  panel.close();
  list.mark("");
  document.title = title;
}

window.addEventListener("popstate", () => {
  const isCustomer = location.pathname.startsWith(root.dataset.customerPath ?? "");
  list.parameters = new URLSearchParams(location.search);
  void attempt(() => list.load({ isBack: true }));
  if (isCustomer) void attempt(() => open(location.href));
  else close();
});

document.addEventListener("keydown", (event) => {
  if (isTyping() || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  if (!panel.id) return;
  if (event.key === "Escape") panel.events.onClose();
  if (event.key === "j") list.openNext(1);
  if (event.key === "k") list.openNext(-1);
  if (event.key === "e") {
    event.preventDefault();
    panel.editFirst();
  }
});

offerToEmptyTrash(list);

const exporting = find("a.export", root);
for (const kind of ["pointerdown", "focus"]) {
  // The address changes while one searches and filters.
  exporting?.addEventListener(kind, () => exporting.setAttribute("href", path(`/exports${location.search}`)));
}

listenToKeys();
listenToViews(list.region);
void follow((ids) => {
  void attempt(() => list.showChanges(ids));
  if (ids.includes(panel.id)) void attempt(() => panel.showChange());
});
