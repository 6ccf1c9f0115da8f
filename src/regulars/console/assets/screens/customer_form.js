// The form of a new customer: warn of customers that may be the same person while one types.

import { api } from "../lib/api.js";
import { find, get, make, path } from "../lib/dom.js";
import { listenToKeys } from "../components/shortcuts.js";
import { _ } from "../lib/words.js";

const FIELDS = ["first_name", "last_name", "phone_number", "email", "date_of_birth", "identity_number"];
const MILLISECONDS = 300;

const form = /** @type {HTMLFormElement} */ (get("[data-customer-form]"));
let loading = new AbortController();
let timer = 0;

async function check() {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  const typed = FIELDS.flatMap((name) => {
    const value = String(new FormData(form).get(name) ?? "").trim();
    return value ? [[name, value]] : [];
  });
  const found = typed.length
    ? await api("POST", "/customers/duplicates/check", { body: Object.fromEntries(typed), signal }).catch(() => null)
    : null;
  if (signal.aborted) return;
  const links = (found?.body.data ?? []).map((/** @type {any} */ each) => {
    const { customer } = each;
    const name = [customer.first_name, customer.last_name].filter(Boolean).join(" ");
    return make("a", { href: path(`/customers/${customer.id}`), text: name });
  });
  const place = get("[data-duplicates]");
  place.className = links.length ? "notice" : "";
  place.replaceChildren(
    ...(links.length
      ? [
          make("strong", { text: _("May be the same person:") }),
          ...links.flatMap((/** @type {Node} */ link) => [" ", link]),
        ]
      : []),
  );
}

if (!find("[name=version]", form)?.getAttribute("value")) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void check(), MILLISECONDS);
  });
}
listenToKeys();
