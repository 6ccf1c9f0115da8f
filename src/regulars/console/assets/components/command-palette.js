// Ctrl+K: find a customer or a command by typing.

import { api } from "../lib/api.js";
import { find, get, make, path } from "../lib/dom.js";
import { _ } from "../lib/words.js";

const CUSTOMERS = 7;

const COMMANDS = () => [
  { words: _("Customers"), address: "/" },
  { words: _("New customer"), address: "/customers/new" },
  { words: _("Today"), address: "/today" },
  { words: _("Possible duplicates"), address: "/duplicates" },
  { words: _("Import and export"), address: "/imports" },
  { words: _("Trash"), address: "/trash" },
  { words: _("Settings"), address: "/settings" },
  { words: _("My account"), address: "/account/profile" },
  { words: _("API reference"), address: "/api/docs" },
];

/** Open the palette. */
export function openPalette() {
  if (find("dialog.palette")) return;
  const input = /** @type {HTMLInputElement} */ (
    make("input", {
      type: "text",
      placeholder: _("Find customers and commands"),
      "aria-label": _("Find customers and commands"),
      autocomplete: "off",
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": "palette-list",
    })
  );
  const list = make("div", { id: "palette-list", role: "listbox", "aria-label": _("Results") });
  const dialog = /** @type {HTMLDialogElement} */ (
    make("dialog", { class: "palette", "aria-label": _("Find customers and commands") }, [input, list])
  );
  document.body.append(dialog);
  dialog.showModal();
  dialog.addEventListener("close", () => dialog.remove());
  let loading = new AbortController();
  const show = async () => {
    loading.abort();
    loading = new AbortController();
    const { signal } = loading;
    const typed = input.value.trim();
    const folded = typed.toLocaleLowerCase();
    const commands = COMMANDS().filter(({ words }) => words.toLocaleLowerCase().includes(folded));
    const found = typed ? await search(typed, signal) : [];
    if (signal.aborted) return;
    list.replaceChildren(
      ...[...found, ...commands].map(({ words, address }) =>
        make("a", { class: "item", role: "option", href: path(address), text: words, tabindex: "-1" }),
      ),
    );
    choose(0);
  };
  const choose = (/** @type {number} */ step) => {
    const items = [...list.children];
    const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    const next = items[Math.min(items.length - 1, Math.max(0, Math.max(0, at) + step))];
    for (const item of items) item.setAttribute("aria-selected", String(item === next));
    next?.scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", () => void show());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      find('[aria-selected="true"]', list)?.click();
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  get("input", dialog).focus();
  void show();
}

/**
 * @param {string} typed
 * @param {AbortSignal} signal
 */
async function search(typed, signal) {
  try {
    const { body } = await api("GET", `/customers?per_page=${CUSTOMERS}&search=${encodeURIComponent(typed)}`, {
      signal,
    });
    return body.data.map(
      (
        /** @type {{ id: number, first_name: string, last_name: string | null, phone_number: string | null }} */ each,
      ) => ({
        words: [each.first_name, each.last_name, each.phone_number].filter(Boolean).join(" "),
        address: `/customers/${each.id}`,
      }),
    );
  } catch {
    return [];
  }
}
