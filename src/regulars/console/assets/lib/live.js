// What others change, while the page is visible: one cheap request every few seconds.

import { api } from "./api.js";
import { setting } from "./dom.js";
import { wait } from "./wait.js";

const SECONDS = 3;

/**
 * Call `onChanges` with the ids of customers that others have changed, in the order of the changes.
 *
 * @param {(ids: string[]) => void} onChanges
 */
export async function follow(onChanges) {
  let since = "now";
  for (;;) {
    if (!document.hidden) {
      try {
        const { body } = await api("GET", `/customers/changes?since=${since}&limit=1000`);
        since = String(body.meta.cursor);
        const ids = body.data.filter(isOfOthers).map((/** @type {Change} */ each) => String(each.customer_id));
        if (ids.length > 0) onChanges(ids);
      } catch {
        // The next request may succeed.
      }
    }
    await wait(SECONDS * 1000);
  }
}

/** @typedef {{ customer_id: number, user: { id: number } | null, client_id: string | null }} Change */

/** @param {Change} change */
const isOfOthers = (change) => change.client_id !== "console" || String(change.user?.id) !== setting("user");
