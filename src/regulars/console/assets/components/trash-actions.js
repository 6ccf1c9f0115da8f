// What can be done with customers in the trash: restore them, or delete them permanently.

import { api } from "../lib/api.js";
import { ask, askTyped } from "../lib/dialog.js";
import { find, make, setting } from "../lib/dom.js";
import { followJob } from "../lib/jobs.js";
import { attempt, toast } from "../lib/toast.js";
import { _ } from "../lib/words.js";
import { button, run } from "./bulk-actions.js";

/** @typedef {import("./customer-list.js").CustomerList} CustomerList */
/** @typedef {import("./selection.js").Selection} Selection */

const AGES = () => [
  { days: "0", words: _("All customers in the trash") },
  { days: "30", words: _("Those in the trash for 30 days or longer") },
  { days: "90", words: _("Those in the trash for 90 days or longer") },
  { days: "365", words: _("Those in the trash for a year or longer") },
];

/**
 * Return the buttons of the bar.
 *
 * @param {Selection} selection
 * @returns {HTMLElement[]}
 */
export function trashActionsFor(selection) {
  const buttons = [];
  if (setting("writes")) {
    const restore = () => run(selection, { action: "restore" }, _("The customers were restored."));
    buttons.push(button(_("Restore"), restore));
  }
  // The API deletes customers by their ids, or the whole trash.
  if (setting("erases") && (!selection.isAll || isWhole(selection))) {
    buttons.push(button(_("Delete permanently"), () => purge(selection), "danger"));
  }
  return buttons;
}

/**
 * Let admins empty the trash, if the page is that of the trash.
 *
 * @param {CustomerList} list
 */
export function offerToEmptyTrash(list) {
  const offer = find("[data-empty-trash]", list.root);
  if (!offer) return;
  offer.hidden = false;
  offer.addEventListener("click", () => void attempt(() => emptyTrash(list)));
}

/** @param {Selection} selection */
function isWhole(selection) {
  return selection.isAll && Object.keys(selection.filters).length === 0;
}

/** @param {CustomerList} list */
async function emptyTrash(list) {
  const ages = /** @type {HTMLSelectElement} */ (make("select", { id: "trash-age" }));
  ages.append(...AGES().map(({ days, words }) => make("option", { value: days, text: words })));
  const content = [
    make("p", { text: _("This cannot be undone. The history keeps only that customers were deleted.") }),
    make("label", { for: "trash-age", text: _("Delete") }),
    ages,
  ];
  if (!(await askTyped(_("Empty the trash"), content, _("delete"), _("Delete permanently")))) return;
  await empty(list, Number(ages.value));
}

/**
 * @param {CustomerList} list
 * @param {number} days
 */
async function empty(list, days) {
  const { body } = await api("POST", "/customers/empty-trash", { body: { older_than_days: days } });
  await followJob(body.data.id, _("Empty the trash"));
  await list.refresh();
  toast(_("The customers were deleted permanently."));
}

/** @param {Selection} selection */
async function purge(selection) {
  const { count, list } = selection;
  const words = count === 1 ? _("Delete 1 customer permanently") : _("Delete {count} customers permanently", { count });
  const content = [
    make("p", { text: _("This cannot be undone. The history keeps only that customers were deleted.") }),
  ];
  const isSure =
    count === 1
      ? await ask(words, content, [{ words, value: "yes", class: "danger" }])
      : await askTyped(words, content, _("delete"), words);
  if (!isSure) return;
  if (isWhole(selection)) {
    selection.clear();
    await empty(list, 0);
    return;
  }
  const ids = [...selection.ids];
  selection.clear();
  try {
    for (const id of ids) await api("DELETE", `/customers/${id}?permanently=true`);
  } finally {
    await list.refresh();
  }
  toast(_("The customers were deleted permanently."));
}
