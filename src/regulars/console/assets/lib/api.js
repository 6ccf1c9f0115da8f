// Requests to the API and for parts of pages, as the user who has signed in.

import { hideBanner, showBanner } from "./banner.js";
import { path, setting } from "./dom.js";
import { newKey } from "./random.js";
import { signInAgain } from "./sign-in-again.js";
import { wait } from "./wait.js";
import { _ } from "./words.js";

const RETRY_MILLISECONDS = 2000;
const BUSY = new Set([429, 503]);
const BUSY_TRIES = 3;

/** What the API answered to a request that it refused. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{ error?: string, message?: string, errors?: Record<string, string[]> }} body
   */
  constructor(status, body) {
    super(body.message ?? _("Something went wrong. Try again."));
    this.status = status;
    this.code = body.error ?? "";
    /** @type {Record<string, string[]>} The faults by field. */
    this.errors = body.errors ?? {};
  }

  /** All that was wrong, in sentences. */
  get sentences() {
    const each = Object.values(this.errors).flat();
    return each.length ? each : [this.message];
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {
  constructor() {
    super(_("The server cannot be reached. Nothing was changed. Try again."));
  }
}

/**
 * @typedef {object} Options
 * @property {unknown} [body] Sent as JSON; a FormData as it is.
 * @property {string | null} [ifMatch] The ETag that the object must still have.
 * @property {AbortSignal} [signal] Ends the request.
 */

/**
 * Send a request to the API. Return the body of the response and its ETag. Throw `ApiError` or `Unreachable`.
 *
 * @param {string} method
 * @param {string} address The path after /api/v1.
 * @param {Options} [options]
 * @returns {Promise<{ body: any, etag: string | null, status: number }>}
 */
export async function api(method, address, options = {}) {
  const { body, ifMatch, signal } = options;
  /** @type {Record<string, string>} */
  const headers = {
    "X-Form-Token": setting("token"),
    "X-Tenant": setting("tenant"),
    "Accept-Language": document.documentElement.lang,
  };
  if (ifMatch) headers["If-Match"] = ifMatch;
  if (method === "POST") headers["Idempotency-Key"] = newKey();
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  const content = isForm ? body : body === undefined ? undefined : JSON.stringify(body);
  const response = await send(path(`/api/v1${address}`), { method, headers, body: content, signal });
  const answer = response.status === 204 ? {} : await response.json();
  if (response.status === 401 || (response.status === 403 && answer.error === "invalid_form_token")) {
    await signInAgain();
    return api(method, address, options);
  }
  if (!response.ok) throw new ApiError(response.status, answer);
  return { body: answer, etag: response.headers.get("ETag"), status: response.status };
}

/**
 * Return the HTML of a part of a page. Wait while the server cannot be reached.
 *
 * @param {string} address
 * @param {string} part
 * @param {AbortSignal} [signal]
 * @returns {Promise<string>}
 */
export async function fragment(address, part, signal) {
  for (;;) {
    try {
      const response = await send(address, { headers: { "X-Fragment": part }, signal });
      if (response.redirected && response.url.includes("/sign-in")) {
        await signInAgain();
        continue;
      }
      const html = await response.text();
      if (!response.ok) throw new ApiError(response.status, { message: messageOf(html) });
      return html;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await wait(RETRY_MILLISECONDS);
    }
  }
}

/**
 * Send a request, and show a banner while the server cannot be reached. If it is busy and has done nothing, send the
 * request again a few times.
 *
 * @param {string} address
 * @param {RequestInit} request
 * @param {number} [tries]
 * @returns {Promise<Response>}
 */
export async function send(address, request, tries = BUSY_TRIES) {
  try {
    // Nothing of customers is kept on the device, also not in the cache of the browser.
    const response = await fetch(address, { ...request, cache: "no-store" });
    hideBanner();
    if (!BUSY.has(response.status) || tries === 0) return response;
    await wait(1000 * Number(response.headers.get("Retry-After") ?? 1));
    return send(address, request, tries - 1);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    showBanner(_("The server cannot be reached. What you type is kept."));
    throw new Unreachable();
  }
}

/** @param {string} html */
function messageOf(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  return page.querySelector("main p")?.textContent?.trim() || undefined;
}
