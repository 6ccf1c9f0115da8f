// One export: follow it until its file can be downloaded.

import { listenToKeys } from "../components/shortcuts.js";
import { StatePage, read } from "../components/state-page.js";
import { api } from "../lib/api.js";
import { find, get, origin } from "../lib/dom.js";
import { attempt } from "../lib/toast.js";
import { wait } from "../lib/wait.js";

const MILLISECONDS = 500;

const id = get("[data-export-page]").dataset.exportPage;
const page = new StatePage();

async function watch() {
  while (["queued", "running"].includes(page.shown.state ?? "")) {
    const job = await read(`/jobs/${id}`);
    if (job.state === page.shown.state) {
      page.draw(job);
      await wait(MILLISECONDS);
      continue;
    }
    await page.show();
    find("#download", page.region)?.focus();
  }
}

page.region.addEventListener("click", (event) => {
  const action = origin(event, "[data-do]")?.dataset.do;
  if (!action) return;
  void attempt(async () => {
    await api("POST", `/jobs/${id}/${action}`);
    await page.show();
    await watch();
  });
});
listenToKeys();
void attempt(watch);
