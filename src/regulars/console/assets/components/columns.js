// The widths of the table's columns, which this browser keeps, and their order.

import { all, find, get, make, origin } from "../lib/dom.js";

/** @type {Record<string, number>} */
const WIDTHS = {
  name: 220,
  phone_number: 160,
  email: 220,
  date_of_birth: 150,
  tags: 200,
  gender: 90,
  country: 120,
  channel: 120,
  user: 140,
  identity_number: 140,
  job: 140,
  address: 240,
  created_at: 110,
  updated_at: 110,
};
const KEY = "regulars.column-widths";
const LEAST = 60;

/** @returns {Record<string, number>} */
function storedWidths() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}

/**
 * Set the widths of the columns of a table, and let the user change them.
 *
 * @param {HTMLElement} table
 */
export function layOut(table) {
  const names = all("thead th[data-column]", table).map((heading) => heading.dataset.column ?? "");
  const widths = { ...WIDTHS, ...storedWidths() };
  const draw = () => {
    const parts = names.map((name, index) => {
      const width = `${widths[name] ?? 140}px`;
      return index === names.length - 1 ? `minmax(${width}, 1fr)` : width;
    });
    table.style.setProperty("--columns", `44px ${parts.join(" ")}`);
    table.style.minWidth = `${44 + names.reduce((sum, name) => sum + (widths[name] ?? 140), 0)}px`;
  };
  draw();
  table.addEventListener("pointerdown", (event) => {
    const handle = origin(event, "[data-resize]");
    const name = handle?.parentElement?.dataset.column;
    if (!handle || !name) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const start = event.clientX - (widths[name] ?? 140);
    const move = (/** @type {PointerEvent} */ moved) => {
      widths[name] = Math.max(LEAST, moved.clientX - start);
      draw();
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener(
      "lostpointercapture",
      () => {
        handle.removeEventListener("pointermove", move);
        localStorage.setItem(KEY, JSON.stringify({ ...storedWidths(), [name]: widths[name] }));
      },
      { once: true },
    );
  });
}

/**
 * Let the user choose and order columns in a menu. Call `choose` with the names after each change.
 *
 * @param {HTMLElement} form
 * @param {(names: string[]) => void} choose
 */
export function chooseColumns(form, choose) {
  find("button[type=submit]", form)?.remove();
  for (const label of all("label.item", form)) {
    const up = make("button", {
      type: "button",
      class: "quiet small",
      text: "↑",
      "aria-label": `${label.textContent?.trim()} ↑`,
    });
    up.addEventListener("click", (event) => {
      event.preventDefault();
      const before = label.previousElementSibling;
      if (before?.matches("label")) before.before(label);
      choose(chosen());
    });
    label.append(up);
  }
  const chosen = () =>
    all("input[name=column]", form)
      .map((input) => /** @type {HTMLInputElement} */ (input))
      .filter((input) => input.checked)
      .map((input) => input.value);
  form.addEventListener("change", () => choose(chosen()));
  get("label", form);
}
