// A place where a file is dropped or chosen, and uploaded.

import { find, get, make, origin, path } from "../lib/dom.js";
import { sentencesOf } from "../lib/toast.js";
import { upload } from "../lib/upload.js";
import { _ } from "../lib/words.js";

const MAX_BYTES = 500 * 1024 * 1024;

/** Let the user drop a file anywhere on a page with such a place, or choose one. Then open its import. */
export function acceptFiles() {
  document.addEventListener("change", (event) => {
    const input = origin(event, "[data-file]");
    if (!(input instanceof HTMLInputElement)) return;
    take(input.files);
    // Otherwise the same file cannot be chosen again after it was corrected.
    input.value = "";
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    find("[data-drop-zone]")?.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) find("[data-drop-zone]")?.classList.remove("is-over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    find("[data-drop-zone]")?.classList.remove("is-over");
    take(event.dataTransfer?.files);
  });
}

/** @param {FileList | null | undefined} files */
function take(files) {
  const zone = find("[data-drop-zone]");
  if (zone && files && !find("progress", zone)) void receive(zone, [...files]);
}

/**
 * @param {HTMLElement} zone
 * @param {File[]} files
 */
async function receive(zone, files) {
  const [file] = files;
  if (!file) return;
  const fault = faultOf(file, files.length);
  if (fault) {
    showFault(zone, [fault]);
    return;
  }
  const ending = new AbortController();
  const share = showProgress(zone, file, ending);
  try {
    const { data } = await upload("/imports", file, share, ending.signal);
    location.href = path(`/imports/${data.id}`);
  } catch (error) {
    if (ending.signal.aborted) get("[data-upload]", zone).replaceChildren();
    else showFault(zone, sentencesOf(error), file);
  }
}

/**
 * @param {File} file
 * @param {number} count
 */
function faultOf(file, count) {
  if (count > 1) return _("Drop one file at a time.");
  if (file.size === 0) return _("{name} is empty.", { name: file.name });
  const isLarge = file.size > MAX_BYTES;
  return isLarge ? _("{name} is larger than 500 MB. Split it into several files.", { name: file.name }) : "";
}

/**
 * Show a bar. Return a function that moves it.
 *
 * @param {HTMLElement} zone
 * @param {File} file
 * @param {AbortController} ending
 */
function showProgress(zone, file, ending) {
  const words = _("Uploading {name}", { name: file.name });
  const bar = /** @type {HTMLProgressElement} */ (make("progress", { max: "1", "aria-label": words }));
  const text = make("span", { class: "number" });
  const cancel = make("button", { type: "button", class: "plain", text: _("Cancel") });
  cancel.addEventListener("click", () => ending.abort());
  const line = make("p", {}, [make("strong", { text: words }), " ", text, " ", cancel]);
  get("[data-upload]", zone).replaceChildren(make("div", { class: "progress" }, [line, bar]));
  return (/** @type {number} */ share) => {
    bar.value = share;
    text.textContent = `${Math.round(share * 100)} %`;
  };
}

/**
 * @param {HTMLElement} zone
 * @param {string[]} sentences
 * @param {File} [file] The file that can be sent again.
 */
function showFault(zone, sentences, file) {
  const shown = sentences.map((text) => make("p", { class: "fault", role: "alert", text }));
  const place = get("[data-upload]", zone);
  place.replaceChildren(...shown);
  if (!file) return;
  const again = make("button", { type: "button", class: "secondary small", text: _("Try again") });
  again.addEventListener("click", () => void receive(zone, [file]));
  place.append(again);
  again.focus();
}
