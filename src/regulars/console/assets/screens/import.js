// One import: check what it would do, start it, follow it, and undo it.

import { acceptFiles } from "../components/drop-zone.js";
import { listenToKeys } from "../components/shortcuts.js";
import { StatePage, read } from "../components/state-page.js";
import { ApiError, api } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { all, find, get, make, origin, path } from "../lib/dom.js";
import { attempt } from "../lib/toast.js";
import { wait } from "../lib/wait.js";
import { _ } from "../lib/words.js";

const MILLISECONDS = 500;
const SHORT_MILLISECONDS = 150;
const ACTIVE = new Set(["queued", "running"]);
const ENDED = new Set(["imported", "cancelled", "undone"]);

const address = `/imports/${get("[data-import]").dataset.import}`;
const page = new StatePage();
// Each change ends the watching before it, and all rows are then checked once.
let round = 0;
let isChecked = page.shown.jobState === "cancelled" || page.shown.jobState === "failed";
let waiting = 0;
/** @type {Promise<unknown>} What is done now, or was done last. */
let last = Promise.resolve();
/** @type {Promise<unknown>} The request that starts the check. */
let starting = Promise.resolve();

/** Follow the import until nothing works on it. */
async function watch() {
  round += 1;
  const mine = round;
  for (;;) {
    const info = await read(address);
    if (mine !== round) return;
    if (info.state === "ready" && !info.preview && !isChecked && !ACTIVE.has(info.job.state)) {
      if (info.job.id !== page.shown.job || page.shown.state !== "ready") await page.show();
      isChecked = true;
      if (page.shown.faulty) return;
      starting = api("POST", `${address}/preview`);
      await starting;
      continue;
    }
    if (info.state !== page.shown.state || info.job.id !== page.shown.job) {
      await page.show();
      if (ENDED.has(info.state)) await page.countAgain();
    }
    if (!ACTIVE.has(info.job.state)) return;
    page.draw(info.job);
    await wait(MILLISECONDS);
  }
}

/**
 * Do something after what is being done, show the result, and follow it.
 *
 * @param {() => Promise<unknown>} action
 */
function act(action) {
  round += 1;
  waiting += 1;
  last = takeTurn(last, action);
}

/**
 * @param {Promise<unknown>} before
 * @param {() => Promise<unknown>} action
 */
async function takeTurn(before, action) {
  await before;
  await attempt(action);
  waiting -= 1;
  // What was chosen in the meantime must not be replaced by what is stored.
  if (waiting > 0) return;
  await attempt(() => page.show());
  if (waiting === 0) void attempt(watch);
}

/** Wait until the settings can be changed: while all rows are checked, they cannot. */
async function endCheck() {
  await starting.catch(() => {});
  let info = await read(address);
  if (info.state === "previewing") await cancel(info.job.id);
  while (["previewing", "detecting"].includes(info.state) && ACTIVE.has(info.job.state)) {
    await wait(SHORT_MILLISECONDS);
    info = await read(address);
  }
}

/** @param {string} job */
async function cancel(job) {
  try {
    await api("POST", `/jobs/${job}/cancel`);
  } catch (error) {
    // It has ended in the meantime.
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
  }
}

/** @param {Record<string, unknown>} settings */
function change(settings) {
  act(async () => {
    await endCheck();
    await api("PATCH", address, { body: settings });
    isChecked = false;
  });
}

/** @param {HTMLElement} select The target of a column, which no other column can have then. */
function changeColumn(select) {
  const selects = all("select[data-column]", page.region).map((each) => /** @type {HTMLSelectElement} */ (each));
  const chosen = /** @type {HTMLSelectElement} */ (select);
  for (const other of selects) if (other !== chosen && other.value === chosen.value) other.value = "";
  change({ mapping: selects.map((each) => each.value || null) });
}

/** @param {HTMLInputElement | HTMLSelectElement} control */
function changeSetting(control) {
  const name = control.dataset.setting ?? "";
  if (control instanceof HTMLInputElement && control.type === "checkbox") change({ [name]: control.checked });
  else if (control.type === "number") change({ [name]: control.value ? Number(control.value) : null });
  else change({ [name]: control.value || null });
}

/** @param {boolean} confirm Whether the same file may have been imported before. */
async function start(confirm) {
  await endCheck();
  try {
    await api("POST", `${address}/start`, { body: { confirm } });
  } catch (error) {
    const isSameFile = error instanceof ApiError && error.status === 409 && "confirm" in error.errors;
    if (!isSameFile) throw error;
    if (await asksAgain([error.message])) await start(true);
  }
}

async function askAndStart() {
  const earlier = find("[data-earlier]", page.region);
  if (!earlier) return start(false);
  return (await asksAgain([...earlier.cloneNode(true).childNodes])) ? start(true) : undefined;
}

/** @param {(Node | string)[]} sentence What is known of the earlier import. */
async function asksAgain(sentence) {
  const content = [
    make("p", {}, sentence),
    make("p", { text: _("If you import it again, customers may be there twice.") }),
  ];
  const buttons = [{ words: _("Import it again"), value: "yes", class: "danger" }];
  return (await ask(_("Import the same file again?"), content, buttons)) === "yes";
}

async function undo() {
  const info = await read(address);
  const numbers = new Intl.NumberFormat(document.documentElement.lang);
  const { created = 0, updated = 0 } = info.result ?? {};
  const sentences = [
    _("Customers that the import has added are deleted permanently: {count}.", { count: numbers.format(created) }),
    _("Customers that it has changed get their earlier values back: {count}.", { count: numbers.format(updated) }),
    _("Customers that somebody has changed since then stay as they are. You get a list of them."),
  ];
  const content = [
    make(
      "ul",
      {},
      sentences.map((text) => make("li", { text })),
    ),
  ];
  const buttons = [{ words: _("Undo the import"), value: "yes", class: "danger" }];
  if ((await ask(_("Undo the import of {name}?", { name: info.file_name }), content, buttons)) === "yes") {
    await api("POST", `${address}/undo`);
  }
}

/** @type {Record<string, () => Promise<unknown>>} */
const ACTIONS = {
  start: askAndStart,
  undo,
  cancel: () => cancel(page.shown.job ?? ""),
  retry: () => api("POST", `/jobs/${page.shown.job}/retry`),
  preview: async () => {
    isChecked = true;
    await api("POST", `${address}/preview`);
  },
  discard: async () => {
    await api("DELETE", address);
    location.href = path("/imports");
    // Nothing more is shown of an import that does not exist.
    await new Promise(() => {});
  },
};

page.region.addEventListener("change", (event) => {
  const control = origin(event, "[data-column], [data-setting]");
  if (control?.matches("[data-column]")) changeColumn(control);
  else if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) changeSetting(control);
});
page.region.addEventListener("click", (event) => {
  const action = ACTIONS[origin(event, "[data-do]")?.dataset.do ?? ""];
  if (action) act(action);
});

acceptFiles();
listenToKeys();
void attempt(watch);
