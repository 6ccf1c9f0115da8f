// Passkeys need the browser's own dialog, and so a script. Everything else works without one.

/**
 * Decode base64url.
 *
 * @param {string} text
 */
const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

/**
 * Encode as base64url.
 *
 * @param {ArrayBuffer} buffer
 */
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/**
 * Return the options that the server has chosen for this form.
 *
 * @param {HTMLFormElement} form
 * @returns {Promise<any>} The options to create or to use a passkey.
 */
async function options(form) {
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  const answer = await fetch(String(form.dataset.begin), { method: "POST", body });
  if (!answer.ok) throw new Error(String(answer.status));
  if (answer.redirected) {
    // The page itself asks for a new sign-in.
    location.reload();
    return new Promise(() => {});
  }
  const chosen = await answer.json();
  chosen.challenge = bytes(chosen.challenge);
  for (const known of chosen.allowCredentials ?? chosen.excludeCredentials ?? []) known.id = bytes(known.id);
  if (chosen.user) chosen.user.id = bytes(chosen.user.id);
  return chosen;
}

/**
 * Return a credential as JSON for the server.
 *
 * @param {any} credential A `PublicKeyCredential` that was created or used.
 */
function encoded(credential) {
  /** @type {Record<string, unknown>} */
  const response = { clientDataJSON: text(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

/**
 * Create or use a passkey, as the form says, and return it as JSON for the server.
 *
 * @param {HTMLFormElement} form
 */
async function use(form) {
  const publicKey = await options(form);
  const { credentials } = navigator;
  const isNew = form.dataset.passkey === "create";
  return encoded(await (isNew ? credentials.create({ publicKey }) : credentials.get({ publicKey })));
}

/** @type {Iterable<HTMLFormElement>} */
const forms = "PublicKeyCredential" in window ? document.querySelectorAll("form[data-passkey]") : [];
for (const form of forms) {
  const credential = /** @type {HTMLInputElement} */ (form.elements.namedItem("credential"));
  const fault = /** @type {HTMLElement} */ (form.querySelector("[role=alert]"));
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      credential.value = await use(form);
      form.submit();
    } catch {
      fault.hidden = false;
    }
  });
}
