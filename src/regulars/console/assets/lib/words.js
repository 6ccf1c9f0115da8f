// Sentences in the language of the page. `_("…")` marks a sentence for translation, as in Python and the templates.

const language = document.documentElement.lang;

/** @type {Record<string, string>} */
const translations = language === "en" ? {} : (await import(`../words/${language}.js`)).default;

/**
 * Return a sentence in the language of the page, with its {placeholders} filled.
 *
 * @param {string} text The English sentence: a literal, so that tools can extract it.
 * @param {Record<string, string | number>} [values] The values of the placeholders, by their names.
 * @returns {string}
 */
export function _(text, values = {}) {
  const template = translations[text] ?? text;
  return template.replaceAll(/\{(\w+)\}/g, (placeholder, name) => String(values[name] ?? placeholder));
}
