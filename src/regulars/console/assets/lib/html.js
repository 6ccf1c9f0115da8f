// Parts of pages that the server has rendered.

/**
 * Return the elements of a part of a page. Templates escape all values, so the part contains no scripts of others.
 *
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function parse(html) {
  const template = document.createElement("template");
  // oxlint-disable-next-line no-restricted-properties -- the server has escaped the values
  template.innerHTML = html;
  return template.content;
}
