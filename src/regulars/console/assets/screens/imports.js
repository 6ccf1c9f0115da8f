// Import and export: a place for a file, and the lists of imports, exports and other work.

import { acceptFiles } from "../components/drop-zone.js";
import { listenToKeys } from "../components/shortcuts.js";
import { api, fragment } from "../lib/api.js";
import { find, get, origin } from "../lib/dom.js";
import { parse } from "../lib/html.js";
import { attempt } from "../lib/toast.js";
import { wait } from "../lib/wait.js";

const MILLISECONDS = 1500;

const lists = get("[data-lists]");

async function refresh() {
  lists.replaceChildren(parse(await fragment(location.href, "lists")));
}

/** Show the progress of what runs, while the page is visible. */
async function follow() {
  while (find("[data-active]", lists)) {
    await wait(MILLISECONDS);
    // A button that has the focus must not disappear.
    if (!document.hidden && !lists.contains(document.activeElement)) await refresh();
  }
}

lists.addEventListener("click", (event) => {
  const button = origin(event, "[data-job-action]");
  if (!button) return;
  void attempt(async () => {
    await api("POST", `/jobs/${button.dataset.job}/${button.dataset.jobAction}`);
    await refresh();
    void follow();
  });
});

acceptFiles();
listenToKeys();
void attempt(follow);
