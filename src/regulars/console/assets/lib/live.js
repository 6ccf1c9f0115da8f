// What others change, while the page is visible: one cheap request every few seconds.

import { api } from "./api.js";
import { wait } from "./wait.js";

const SECONDS = 3;

/**
 * Call `onChanges` with the ids of customers that were changed, in the order of the changes.
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
        const ids = body.data.map((/** @type {{ customer_id: number }} */ each) => String(each.customer_id));
        if (ids.length > 0) onChanges(ids);
      } catch {
        // The next request may succeed.
      }
    }
    await wait(SECONDS * 1000);
  }
}
