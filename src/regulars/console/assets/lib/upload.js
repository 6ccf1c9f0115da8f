// Uploading a file, with its progress.

import { ApiError, Unreachable } from "./api.js";
import { path, setting } from "./dom.js";
import { newKey } from "./random.js";
import { signInAgain } from "./sign-in-again.js";

/**
 * Upload a file as the part `file` of a form. Return the body of the response. Throw `ApiError`, `Unreachable` or, if
 * `signal` has ended it, an AbortError. If the session has ended, let the user sign in and send the file again.
 *
 * @param {string} address The path after /api/v1.
 * @param {File} file
 * @param {(share: number) => void} onProgress Called with the sent share, from 0 to 1.
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export async function upload(address, file, onProgress, signal) {
  const { status, answer } = await send(address, file, onProgress, signal);
  if (status === 401 || (status === 403 && answer.error === "invalid_form_token")) {
    await signInAgain();
    return upload(address, file, onProgress, signal);
  }
  if (status >= 300) throw new ApiError(status, answer);
  return answer;
}

/**
 * @param {string} address
 * @param {File} file
 * @param {(share: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<{ status: number, answer: any }>}
 */
function send(address, file, onProgress, signal) {
  // Unlike fetch, this tells how much of the body has been sent.
  const request = new XMLHttpRequest();
  const form = new FormData();
  form.append("file", file);
  return new Promise((resolve, reject) => {
    request.open("POST", path(`/api/v1${address}`));
    request.setRequestHeader("X-Form-Token", setting("token"));
    request.setRequestHeader("X-Tenant", setting("tenant"));
    request.setRequestHeader("Accept-Language", document.documentElement.lang);
    request.setRequestHeader("Idempotency-Key", newKey());
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve({ status: request.status, answer: parsed(request.responseText) }));
    request.addEventListener("error", () => reject(new Unreachable()));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
