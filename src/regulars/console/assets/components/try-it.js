// A form that sends a request of the API reference to the API, as the user who has signed in.

import { send } from "../lib/api.js";
import { all, find, get, make, path, setting } from "../lib/dom.js";
import { signInAgain } from "../lib/sign-in-again.js";
import { attempt } from "../lib/toast.js";
import { _ } from "../lib/words.js";
import { copyButton } from "./copy-button.js";

const FIRST_PARAMETERS = 5;
const MAX_SHOWN = 100_000;

/**
 * @typedef {{ type?: string | string[], enum?: unknown[], anyOf?: Schema[], default?: unknown }} Schema
 * @typedef {{ name: string, in: string, required?: boolean, schema: Schema, example?: unknown }} Parameter
 * @typedef {{ method: string, path: string, parameters: Parameter[], mediaType: string }} Operation The media type is
 *   empty without a body.
 */

/** @type {Promise<boolean> | null} */
let session = null;

/** @type {Promise<Map<string, Operation>> | null} */
let operations = null;

/** Tell whether a user has signed in. Take the form token of the session. */
function hasSession() {
  session ??= (async () => {
    const response = await send(path("/api/docs/session"), {});
    Object.assign(document.body.dataset, await response.json());
    return setting("token") !== "";
  })();
  return session;
}

/** Return all operations of the OpenAPI document, by their ids. */
function loadOperations() {
  operations ??= (async () => {
    const response = await send(path("/api/openapi.json"), {});
    const { paths } = await response.json();
    /** @type {Map<string, Operation>} */
    const found = new Map();
    for (const [place, methods] of Object.entries(paths)) {
      for (const [method, each] of Object.entries(/** @type {Record<string, any>} */ (methods))) {
        const [mediaType = ""] = Object.keys(each.requestBody?.content ?? {});
        const { parameters, operationId } = each;
        found.set(operationId, { method: method.toUpperCase(), path: place, parameters, mediaType });
      }
    }
    return found;
  })();
  return operations;
}

/**
 * Add a button that shows the form of an operation or, if nobody has signed in, a link to the sign-in page.
 *
 * @param {HTMLElement} place
 * @param {string} id
 * @param {string} body An example of the body of the request.
 */
export async function offerToTry(place, id, body) {
  const bar = make("div", { class: "actions", lang: document.documentElement.lang });
  place.prepend(bar);
  if (!(await hasSession().catch(() => false))) {
    session = null;
    const next = encodeURIComponent(`/api/docs#${id}`);
    bar.append(
      make("a", { class: "button secondary", href: path(`/sign-in?next=${next}`), text: _("Sign in to try it") }),
    );
    return;
  }
  const button = make("button", { type: "button", class: "secondary", text: _("Try it") });
  bar.append(button);
  button.addEventListener("click", () =>
    attempt(async () => {
      const operation = (await loadOperations()).get(id);
      if (!operation) return;
      const form = formOf(operation, body);
      bar.replaceWith(form);
      find("input, select, textarea, button", form)?.focus();
    }),
  );
}

/**
 * @param {Operation} operation
 * @param {string} body
 */
function formOf(operation, body) {
  const { method, parameters, mediaType } = operation;
  const rank = (/** @type {Parameter} */ each) => (each.required ? 0 : each.in === "query" ? 1 : 2);
  const shown = parameters.filter((each) => each.in !== "header" || each.name === "X-Tenant");
  const fields = [...shown].sort((one, other) => rank(one) - rank(other)).map((each) => fieldOf(each, method));
  const headers = parameters.filter((each) => !shown.includes(each)).map((each) => fieldOf(each, method));
  const first = fields.slice(0, FIRST_PARAMETERS);
  const form = /** @type {HTMLFormElement} */ (make("form", { class: "try", lang: document.documentElement.lang }));
  form.append(make("h3", { text: _("Try it") }), ...first);
  form.append(more(_("More parameters"), fields.slice(FIRST_PARAMETERS)), more(_("Headers"), headers));
  if (mediaType) form.append(bodyField(mediaType, body));
  const isDelete = method === "DELETE";
  form.append(
    make("div", { class: "actions" }, [
      make("button", { class: isDelete ? "danger" : "", text: _("Send") }),
      make("span", {
        class: "hint",
        text:
          method === "GET"
            ? setting("business")
            : _("This changes the real data of {business}.", { business: setting("business") || setting("email") }),
      }),
    ]),
    make("div", { class: "try-result", role: "status" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(() => run(operation, form));
  });
  return form;
}

/**
 * @param {string} words
 * @param {HTMLElement[]} fields
 */
function more(words, fields) {
  return fields.length ? make("details", {}, [make("summary", { text: words }), ...fields]) : "";
}

/**
 * Return a field for a parameter. One that names what to change is empty: nobody changes the example's by accident.
 *
 * @param {Parameter} parameter
 * @param {string} method
 */
function fieldOf(parameter, method) {
  const { name, required, schema, example } = parameter;
  const attributes = { "data-in": parameter.in, name, required: required ? "" : undefined };
  const input = schema.enum
    ? make("select", attributes, [
        make("option", { value: "" }),
        ...schema.enum.map((each) => make("option", { text: String(each) })),
      ])
    : make("input", {
        ...attributes,
        placeholder: example === undefined ? undefined : String(example),
        autocomplete: "off",
      });
  if (name === "X-Tenant") input.setAttribute("value", setting("tenant"));
  else if (required && method === "GET") input.setAttribute("value", String(example));
  return make("label", {}, [make("code", { text: name }), input]);
}

/**
 * @param {string} mediaType
 * @param {string} body
 */
function bodyField(mediaType, body) {
  if (mediaType === "multipart/form-data") {
    return make("label", {}, [
      make("code", { text: "file" }),
      make("input", { type: "file", name: "file", required: "" }),
    ]);
  }
  const area = /** @type {HTMLTextAreaElement} */ (make("textarea", { name: "body", spellcheck: "false" }));
  area.value = body;
  return make("label", { class: "is-body" }, [make("span", { text: _("Body") }), area]);
}

/**
 * Send the request, and show the response.
 *
 * @param {Operation} operation
 * @param {HTMLFormElement} form
 * @returns {Promise<void>}
 */
async function run(operation, form) {
  const started = performance.now();
  const address = addressOf(operation, form);
  const response = await send(path(address), requestOf(operation, form));
  const content = await response.blob();
  const milliseconds = Math.round(performance.now() - started);
  if (response.status === 401) {
    await signInAgain();
    return run(operation, form);
  }
  const shown = await contentOf(response, content);
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const result = get(".try-result", form);
  result.replaceChildren(
    make("p", { class: "facts" }, [
      make("strong", {
        class: response.ok ? "status is-good" : "status",
        text: `${response.status} ${response.statusText}`,
      }),
      make("span", { text: `${milliseconds} ms` }),
      make("code", { text: `${operation.method} ${address}` }),
    ]),
    ...(shown ? [shown] : []),
    make("details", {}, [make("summary", { text: _("Headers of the response") }), codeOf(_("Headers"), headers)]),
  );
  result.scrollIntoView({ block: "nearest" });
}

/**
 * Return the path and query of a request.
 *
 * @param {Operation} operation
 * @param {HTMLFormElement} form
 */
function addressOf(operation, form) {
  const query = new URLSearchParams();
  let place = operation.path;
  for (const { name, value, dataset } of inputsOf(form)) {
    if (dataset.in === "path") place = place.replace(`{${name}}`, encodeURIComponent(value));
    if (dataset.in === "query") query.append(name, value);
  }
  return `${query}` ? `${place}?${query}` : place;
}

/**
 * @param {Operation} operation
 * @param {HTMLFormElement} form
 * @returns {RequestInit}
 */
function requestOf(operation, form) {
  /** @type {Record<string, string>} */
  const headers = { "X-Form-Token": setting("token"), "Accept-Language": document.documentElement.lang };
  for (const { name, value, dataset } of inputsOf(form)) if (dataset.in === "header") headers[name] = value;
  const { method, mediaType } = operation;
  if (mediaType === "multipart/form-data") {
    const body = new FormData();
    const [file] = /** @type {HTMLInputElement} */ (get("[name=file]", form)).files ?? [];
    if (file) body.append("file", file);
    return { method, headers, body };
  }
  if (!mediaType) return { method, headers };
  const { value } = /** @type {HTMLTextAreaElement} */ (get("[name=body]", form));
  return { method, headers: { ...headers, "Content-Type": mediaType }, body: value };
}

/**
 * Return the fields that have a value.
 *
 * @param {HTMLFormElement} form
 */
const inputsOf = (form) =>
  /** @type {HTMLInputElement[]} */ (all("[data-in]", form)).filter((input) => input.value.trim() !== "");

/**
 * Return the body of a response: as text or, for other files, as a link that saves it.
 *
 * @param {Response} response
 * @param {Blob} content
 */
async function contentOf(response, content) {
  const type = response.headers.get("Content-Type") ?? "";
  if (content.size === 0) return null;
  if (type.includes("json")) {
    const text = await content.text();
    return codeOf(_("Response"), type.includes("jsonl") ? text : JSON.stringify(JSON.parse(text), null, 2));
  }
  if (type.startsWith("text/")) return codeOf(_("Response"), await content.text());
  const href = URL.createObjectURL(content);
  return make("p", {}, [make("a", { href, download: "", text: _("Save the file") })]);
}

/**
 * @param {string} words
 * @param {string} text
 */
function codeOf(words, text) {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return make("figure", { class: "code" }, [
    make("figcaption", { text: words }),
    make("pre", { tabindex: "0" }, [make("code", { text: shown })]),
    copyButton(() => text),
  ]);
}
