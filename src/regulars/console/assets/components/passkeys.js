// Passkeys need the browser's own dialogue, and so a script; everything else works without one.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function options(form) {
  const answer = await fetch(form.dataset.begin, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok) throw new Error(String(answer.status));
  if (answer.redirected) {
    location.reload(); // The page itself asks for a new sign-in.
    return new Promise(() => {});
  }
  const chosen = await answer.json();
  chosen.challenge = bytes(chosen.challenge);
  for (const known of chosen.allowCredentials ?? chosen.excludeCredentials ?? []) known.id = bytes(known.id);
  if (chosen.user) chosen.user.id = bytes(chosen.user.id);
  return chosen;
}

function encoded(credential) {
  const response = { clientDataJSON: text(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

async function use(form) {
  const publicKey = await options(form);
  const kind = form.dataset.passkey;
  return encoded(await (kind === "create" ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey })));
}

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      form.elements.credential.value = await use(form);
      form.submit();
    } catch {
      form.querySelector("[role=alert]").hidden = false;
    }
  });
}
