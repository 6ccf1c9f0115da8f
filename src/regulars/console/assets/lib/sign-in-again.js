// A dialog in which a user whose session has ended signs in again. The page, and what was typed into it, stays.

import { find, get, make, path } from "./dom.js";
import { _ } from "./words.js";

/** @type {Promise<void> | null} */
let waiting = null;

/** Wait until the user has signed in again. Several callers share one dialog. */
export function signInAgain() {
  waiting ??= show().finally(() => {
    waiting = null;
  });
  return waiting;
}

/** @returns {Promise<void>} */
function show() {
  const email = /** @type {HTMLInputElement} */ (
    make("input", { id: "again-email", type: "email", autocomplete: "username", required: "" })
  );
  email.value = document.body.dataset.email ?? "";
  const password = make("input", {
    id: "again-password",
    type: "password",
    autocomplete: "current-password",
    required: "",
  });
  const fault = make("p", { class: "fault", role: "alert", hidden: "" });
  const other = make("a", {
    href: path("/sign-in"),
    target: "_blank",
    text: _("Sign in in another way, in a new tab"),
  });
  const form = make("form", {}, [
    make("h2", { text: _("Sign in again") }),
    make("p", { text: _("Your session has ended. What you have typed is still here.") }),
    fault,
    make("label", { for: "again-email", text: _("E-mail address") }),
    email,
    make("label", { for: "again-password", text: _("Password") }),
    password,
    make("div", { class: "actions" }, [make("button", { text: _("Sign in") })]),
    make("p", { class: "alone" }, [other]),
  ]);
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { "aria-label": _("Sign in again") }, [form]));
  document.body.append(dialog);
  dialog.showModal();
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  password.focus();
  return new Promise((resolve) => {
    const done = () => {
      window.removeEventListener("focus", check);
      dialog.remove();
      resolve();
    };
    const check = async () => {
      if (await takeToken()) done();
    };
    window.addEventListener("focus", check);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      fault.hidden = true;
      const { value } = /** @type {HTMLInputElement} */ (password);
      const sentence = await signIn(email.value, value);
      if (!sentence && (await takeToken())) return done();
      fault.textContent = sentence || _("Sign in in a new tab to continue.");
      fault.hidden = false;
    });
  });
}

/**
 * Send the sign-in form. Return what was wrong, or an empty string.
 *
 * @param {string} email
 * @param {string} password
 */
async function signIn(email, password) {
  const page = await load(path("/sign-in"));
  const token = /** @type {HTMLInputElement} */ (get("main [name=form_token]", page)).value;
  const body = new URLSearchParams({ form_token: token, next: "/", email, password });
  const response = await fetch(path("/sign-in"), { method: "POST", body });
  if (response.ok) return "";
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  return find(".fault", answer)?.textContent ?? _("Something went wrong. Try again.");
}

/** Take the form token of the new session. Return false if nobody has signed in. */
async function takeToken() {
  const page = await load(path("/account/profile"));
  const { token, email } = page.body.dataset;
  if (!token || email !== document.body.dataset.email) return false;
  document.body.dataset.token = token;
  return true;
}

/** @param {string} address */
async function load(address) {
  const response = await fetch(address);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}
