// What can be done with the selected customers. Each change is a job of the server, which can be undone.

import { api } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { make, path, setting } from "../lib/dom.js";
import { followJob } from "../lib/jobs.js";
import { attempt, toast } from "../lib/toast.js";
import { _ } from "../lib/words.js";

const MAX_IDS_IN_ADDRESS = 100;

/** @typedef {import("./selection.js").Selection} Selection */
/** @typedef {{ id: number, name: string }} Named */

/**
 * Return the buttons of the bar.
 *
 * @param {Selection} selection
 * @returns {HTMLElement[]}
 */
export function actionsFor(selection) {
  if (!setting("writes")) return [];
  return [
    button(_("Tag"), () => tag(selection)),
    button(_("Assign"), () => assign(selection)),
    button(_("Channel"), () => setChannel(selection)),
    button(_("Export"), () => exportThem(selection)),
    button(_("Move to trash"), () => trash(selection), "danger"),
  ];
}

/**
 * Return a button of the bar.
 *
 * @param {string} words
 * @param {() => Promise<void>} action
 * @param {string} [kind]
 */
export function button(words, action, kind = "secondary") {
  const made = make("button", { type: "button", class: `${kind} small`, text: words });
  made.addEventListener("click", () => void attempt(action));
  return made;
}

/**
 * Open the page of the export, where the format and the columns are chosen. Many ids are too long for an address.
 *
 * @param {Selection} selection
 */
async function exportThem(selection) {
  const { ids } = selection.filters;
  if (!ids) location.href = path(`/exports${location.search}`);
  else if (ids.length <= MAX_IDS_IN_ADDRESS) location.href = path(`/exports?ids=${ids.join(",")}`);
  else {
    const { body } = await api("POST", "/exports", { body: { format: "xlsx", filters: { ids } } });
    location.href = path(`/exports/${body.data.id}`);
  }
}

/** @param {Selection} selection */
async function tag(selection) {
  const { body } = await api("GET", "/tags");
  const adding = choices(body.data, "checkbox");
  const removing = choices(body.data, "checkbox");
  const chosen = await ask(
    _("Tag {count} customers", { count: selection.count }),
    [make("h3", { text: _("Add") }), adding, make("h3", { text: _("Remove") }), removing],
    [{ words: _("Change tags"), value: "yes" }],
  );
  if (!chosen) return;
  await run(
    selection,
    { action: "update", add_tags: picked(adding), remove_tags: picked(removing) },
    _("The tags were changed."),
  );
}

/** @param {Selection} selection */
async function assign(selection) {
  const { body } = await api("GET", "/users?limit=100");
  const list = choices([{ id: 0, name: _("Nobody") }, ...body.data], "radio");
  const chosen = await ask(
    _("Assign {count} customers", { count: selection.count }),
    [list],
    [{ words: _("Assign"), value: "yes" }],
  );
  const [id] = picked(list);
  if (!chosen || id === undefined) return;
  await run(selection, { action: "update", values: { user_id: id || null } }, _("The customers were assigned."));
}

/** @param {Selection} selection */
async function setChannel(selection) {
  const { body } = await api("GET", "/channels");
  const list = choices([{ id: 0, name: _("No channel") }, ...body.data], "radio");
  const chosen = await ask(
    _("Channel of {count} customers", { count: selection.count }),
    [list],
    [{ words: _("Change the channel"), value: "yes" }],
  );
  const [id] = picked(list);
  if (!chosen || id === undefined) return;
  await run(selection, { action: "update", values: { default_channel_id: id || null } }, _("The channel was changed."));
}

/** @param {Selection} selection */
async function trash(selection) {
  const { count } = selection;
  const words = count === 1 ? _("Move 1 customer to the trash") : _("Move {count} customers to the trash", { count });
  const content = [make("p", { text: _("You can restore them from the trash.") })];
  if (await ask(words, content, [{ words, value: "yes", class: "danger" }])) {
    await run(selection, { action: "trash" }, _("The customers are in the trash."));
  }
}

/**
 * Change the selected customers in a job, say what it refused, and offer the undo.
 *
 * @param {Selection} selection
 * @param {Record<string, unknown>} change
 * @param {string} done
 */
export async function run(selection, change, done) {
  const { list } = selection;
  const { body } = await api("POST", "/bulk-changes", { body: { filters: selection.filters, ...change } });
  selection.clear();
  await followJob(body.data.job.id, done);
  await list.refresh();
  await showRefused(body.data.id);
  toast(done, {
    undo: async () => {
      const undone = await api("POST", `/bulk-changes/${body.data.id}/undo`);
      await followJob(undone.body.data.job.id, _("Undone."));
      await list.refresh();
      toast(_("Undone."));
    },
  });
}

/**
 * Say how many customers a bulk change has refused, and why it refused the first one.
 *
 * @param {string} id
 */
async function showRefused(id) {
  const { refused } = (await api("GET", `/bulk-changes/${id}`)).body.data.result;
  if (!refused) return;
  const { body } = await api("GET", `/bulk-changes/${id}/issues?limit=1`);
  const reason = body.data[0]?.message ?? "";
  toast(_("{count} customers were left as they are. {reason}", { count: refused, reason }), { isFault: true });
}

/**
 * @param {Named[]} options
 * @param {string} type
 */
function choices(options, type) {
  const rows = options.map(({ id, name }) => {
    const input = make("input", { type, name: `choice-${type}`, value: String(id) });
    return make("label", { class: "choice" }, [input, name]);
  });
  return make("fieldset", {}, rows);
}

/** @param {HTMLElement} list */
function picked(list) {
  return [...list.querySelectorAll("input")].filter((input) => input.checked).map((input) => Number(input.value));
}
