// A page about work in the background: the server renders each of its states, and a script follows the work.

import { Unreachable, api, fragment } from "../lib/api.js";
import { all, find, get } from "../lib/dom.js";
import { parse } from "../lib/html.js";
import { wait } from "../lib/wait.js";

const RETRY_MILLISECONDS = 2000;

/** @typedef {{ id: string, state: string, percent: number | null, done: number, total: number | null }} Job */

export class StatePage {
  constructor() {
    this.region = get("[data-state-region]");
    /** The id of the element that had the focus, while it is not on the page. */
    this.lost = "";
  }

  /** The state as it is shown: the data-… attributes of the server. */
  get shown() {
    return get("[data-state]", this.region).dataset;
  }

  /** Show the current state, and keep the focus, the open details and the position. */
  async show() {
    const html = await fragment(location.href, "state");
    const { activeElement } = document;
    const focused = activeElement && activeElement !== document.body ? activeElement.id : this.lost;
    const open = all("details[open]", this.region).map((each) => each.id);
    const main = get("main");
    const position = main.scrollTop;
    const top = activeElement?.getBoundingClientRect().top ?? 0;
    const { words } = this.shown;
    this.region.replaceChildren(parse(html));
    for (const id of open) find(`#${CSS.escape(id)}`, this.region)?.setAttribute("open", "");
    const found = focused ? find(`#${CSS.escape(focused)}`) : null;
    this.lost = found ? "" : focused;
    main.scrollTop = position;
    if (found) {
      found.focus({ preventScroll: true });
      // What the user works with stays in its place, also if the part above it becomes shorter.
      if (found.id === activeElement?.id) main.scrollTop += found.getBoundingClientRect().top - top;
    }
    if (words !== this.shown.words) get("[data-announce]").textContent = this.shown.words ?? "";
  }

  /** Show how many customers there are, in the sidebar. */
  async countAgain() {
    const count = find(".sidebar .count");
    const page = parse(await fragment(location.href, ""));
    if (count) count.textContent = find(".sidebar .count", page)?.textContent ?? "";
  }

  /** @param {Job} job */
  draw(job) {
    drawProgress(this.region, job);
  }
}

/**
 * Move the bar of a job.
 *
 * @param {HTMLElement} root
 * @param {Job} job
 */
export function drawProgress(root, job) {
  const bar = /** @type {HTMLProgressElement | null} */ (find("[data-progress] progress", root));
  const text = find("[data-progress-text]", root);
  if (!bar || !text || job.state !== "running") return;
  if (job.percent !== null) bar.value = job.percent;
  const numbers = new Intl.NumberFormat(document.documentElement.lang);
  const done = job.done > 0 ? numbers.format(job.done) : "";
  text.textContent = job.percent === null ? done : `${job.percent} %`;
}

/**
 * Return what the API answers to a GET request. Wait while the server cannot be reached.
 *
 * @param {string} address
 * @returns {Promise<any>}
 */
export async function read(address) {
  for (;;) {
    try {
      const { body } = await api("GET", address);
      return body.data;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await wait(RETRY_MILLISECONDS);
    }
  }
}
