// A new export: the format and the columns.

import { listenToKeys } from "../components/shortcuts.js";
import { api } from "../lib/api.js";
import { get, path } from "../lib/dom.js";
import { attempt } from "../lib/toast.js";

const form = /** @type {HTMLFormElement} */ (get("[data-export]"));

form.addEventListener("change", () => {
  const data = new FormData(form);
  // The fields of a vCard are its own.
  get("[data-columns]", form).hidden = data.get("format") === "vcard";
  get("[data-column-choices]", form).hidden = data.get("which") !== "some";
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const columns = data.get("which") === "some" && data.get("format") !== "vcard" ? data.getAll("column") : null;
  const filters = JSON.parse(form.dataset.filters ?? "{}");
  void attempt(async () => {
    const { body } = await api("POST", "/exports", { body: { format: data.get("format"), columns, filters } });
    location.href = path(`/exports/${body.data.id}`);
  });
});
listenToKeys();
