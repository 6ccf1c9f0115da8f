// The progress of work in the background.

import { api } from "./api.js";
import { make } from "./dom.js";
import { add } from "./toast.js";
import { wait } from "./wait.js";
import { _ } from "./words.js";

const MILLISECONDS = 400;

/**
 * Show the progress of a job until it has ended. Return the job. Throw if it failed or was cancelled.
 *
 * @param {string} id
 * @param {string} words What is being done.
 * @returns {Promise<any>}
 */
export async function followJob(id, words) {
  const bar = /** @type {HTMLProgressElement} */ (make("progress", { max: "100", "aria-label": words }));
  const cancel = make("button", { type: "button", class: "plain", text: _("Cancel") });
  cancel.addEventListener("click", () => void api("POST", `/jobs/${id}/cancel`));
  const shown = make("div", { class: "toast" }, [make("span", { text: _("Working…") }), bar, cancel]);
  const appears = setTimeout(() => add(shown), MILLISECONDS);
  try {
    for (;;) {
      const { body } = await api("GET", `/jobs/${id}`);
      const job = body.data;
      if (job.percent !== null) bar.value = job.percent;
      if (job.state === "completed") return job;
      if (job.state === "failed") throw new Error(job.error ?? _("It failed."));
      if (job.state === "cancelled") throw new Error(_("It was cancelled. What was done until then stays."));
      await wait(MILLISECONDS);
    }
  } finally {
    clearTimeout(appears);
    shown.remove();
  }
}
