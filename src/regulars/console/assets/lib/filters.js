// The filters of the customer list, as the API's bodies have them.

const NUMBERS = new Set(["min_age", "max_age", "user_id", "tag_id", "country_id", "channel_id"]);
const OTHER = new Set(["page", "per_page", "cursor", "limit", "include", "columns", "sort_by", "sort_order"]);

/**
 * Return the filters in an address as JSON values.
 *
 * @param {URLSearchParams} parameters
 * @returns {Record<string, unknown>}
 */
export function filtersOf(parameters) {
  /** @type {Record<string, unknown>} */
  const filters = {};
  for (const [name, value] of parameters) {
    if (OTHER.has(name) || !value) continue;
    if (name === "ids") filters.ids = value.split(",").map(Number);
    else filters[name] = NUMBERS.has(name) && /^\d+$/.test(value) ? Number(value) : value;
  }
  return filters;
}
