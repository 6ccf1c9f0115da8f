// Finding and making elements, with types.

/**
 * Return the first element that matches, or null.
 *
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement | null}
 */
export const find = (selector, root = document) => root.querySelector(selector);

/**
 * Return the first element that matches. Throw if there is none: then template and script do not belong together.
 *
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement}
 */
export function get(selector, root = document) {
  const found = find(selector, root);
  if (!found) throw new Error(`There is no ${selector}.`);
  return found;
}

/**
 * Return all elements that match.
 *
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement[]}
 */
export const all = (selector, root = document) =>
  [...root.querySelectorAll(selector)].map((each) => /** @type {HTMLElement} */ (each));

/**
 * Return a new element with a text, classes and children.
 *
 * @param {string} tag
 * @param {{ text?: string, class?: string, [attribute: string]: string | undefined }} [attributes]
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/**
 * Return the element that an event came from, or its nearest ancestor that matches; null if there is none.
 *
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const origin = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

/**
 * Return the value of an attribute of the page, such as data-tenant.
 *
 * @param {string} name
 * @returns {string}
 */
export const setting = (name) => document.body.dataset[name] ?? "";

/**
 * Return the path of a page of this service, for a link or a request.
 *
 * @param {string} place The path within the service.
 * @returns {string}
 */
export const path = (place) => setting("root") + place;

/** Tell whether the user is typing, so that single letters are not shortcuts. */
export const isTyping = () => {
  const focused = document.activeElement;
  return (
    (focused instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(focused.type)) ||
    focused instanceof HTMLTextAreaElement ||
    focused instanceof HTMLSelectElement
  );
};
