// What others change, while the page is visible: one cheap request every few seconds.

import { api } from "./api.js";

const SECONDS = 5;

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
        if (body.data.length) onChanges(body.data.map((/** @type {{ customer_id: number }} */ each) => String(each.customer_id)));
      } catch {
        // The next request may succeed.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  }
}
