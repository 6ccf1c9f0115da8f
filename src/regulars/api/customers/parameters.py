"""The query parameters of the customer list, and the `CustomerQuery` for their values."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from regulars.customers.fields import CUSTOMER_FIELDS, CustomerField, Filter
from regulars.customers.read.list import CustomerQuery
from regulars.customers.read.list_sql import UNCOUNTED_FILTERS, SortBy, SortOrder
from regulars.customers.validation import Gender
from regulars.http.query_params import (
    Parameter,
    Query,
    choice_parameter,
    flag_parameter,
    ids_parameter,
    integer_parameter,
    text_parameter,
    time_parameter,
)
from regulars.i18n import _

INCLUDE = choice_parameter("include", "`tags`: each customer with its tags.", "tags", options=("tags",))


def _field_filter(field: CustomerField, declared: Filter) -> Parameter:
    """Return the parameter for a filter by equality, on an id or on text."""
    if field.reference:
        return integer_parameter(declared.parameter, declared.description, field.example, low=1)
    return text_parameter(declared.parameter, declared.description, field.example, at_most=field.limit)


PARAMETERS = (
    text_parameter(
        "search",
        "Every word must occur in the name, phone number, e-mail address or identity number of the customer."
        " Letter case, accents and dots of the i are ignored. Phone numbers are found in any format.",
        "ayşe 0532",
        at_most=255,
    ),
    integer_parameter("per_page", "The number of customers per page.", 15, low=1, high=100, default=15),
    integer_parameter("page", "The page number. A page past the end has no rows.", 1, low=1, default=1),
    choice_parameter(
        "sort_by",
        "Sort by a field. Empty values come last. The default is by `created_at`, newest first.",
        "last_name",
        options=get_args(SortBy),
    ),
    choice_parameter(
        "sort_order", "The default is `asc` with `sort_by`, otherwise `desc`.", "asc", options=get_args(SortOrder)
    ),
    choice_parameter("gender", "Filter by gender.", "female", options=get_args(Gender)),
    # The example, 0, is valid with every max_age. Tools that try the examples together get no error.
    integer_parameter("min_age", "Minimum age in completed years, today in the tenant's time zone.", 0, low=0),
    integer_parameter("max_age", "Maximum age in completed years, today in the tenant's time zone.", 65, low=0),
    integer_parameter("user_id", "Filter by assigned user.", 7, low=1),
    flag_parameter("trashed", "`true`: customers in the trash; otherwise those that are not in the trash."),
    time_parameter("updated_since", "Filter by time of the last change: this time or later.", "2026-11-07T05:31:56Z"),
    integer_parameter("tag_id", "Filter by tag.", 1, low=1),
    *(_field_filter(field, field.filter) for field in CUSTOMER_FIELDS.values() if field.filter),
    ids_parameter("ids", "Filter by id: up to 100 ids, separated by commas.", "1,2", at_most=100),
    text_parameter(
        "cursor",
        "A cursor from `links.next`, `links.prev` or `meta.cursor` of a response for the same list, at most 30 days"
        " old. The page starts there, and all pages are equally fast. With `cursor` or `limit`, and without `page` and"
        " `per_page`, the response has `data` and a `meta` with `cursor`, `has_more` and `total`.",
        "",
        at_most=2000,
    ),
    integer_parameter(
        "limit",
        "The number of customers in a response without pages. Ignored with `page` or `per_page`.",
        20,
        low=1,
        high=100,
        default=20,
    ),
    INCLUDE,
)


def check_ages(values: Mapping[str, Any]) -> Mapping[str, str]:
    """Return a message for the parameter `min_age` if it is above `max_age`; otherwise an empty mapping."""
    if "min_age" in values and "max_age" in values and values["min_age"] > values["max_age"]:
        return {"min_age": _("min_age {low} is above max_age {high}.", low=values["min_age"], high=values["max_age"])}
    return {}


DEFAULT_LIMIT = 20
CURSOR_PARAMETERS = {"cursor", "limit"}
RESPONSE_PARAMETERS = {*CURSOR_PARAMETERS, "include"}
# With numbered pages, `limit` is ignored, so an invalid value is not an error.
PAGE_PARAMETERS = tuple(replace(each, read=str) if each.name == "limit" else each for each in PARAMETERS)


def query_of(values: Mapping[str, Any], *, in_pages: bool) -> CustomerQuery:
    """Return the query for the `values` of parameters, without its cursor.

    Without numbered pages, `limit` is the number of customers per response.
    """
    given = {name: value for name, value in values.items() if name not in RESPONSE_PARAMETERS}
    if uncounted := UNCOUNTED_FILTERS & given.keys():
        given["uncounted_filters"] = {name: given.pop(name) for name in uncounted}
    if "sort_by" in given:
        given.setdefault("sort_order", "asc")
    if not in_pages:
        given["per_page"] = values.get("limit", DEFAULT_LIMIT)
    return CustomerQuery(**given)


def is_in_pages(query: Query) -> bool:
    """Tell whether the request asks for numbered pages.

    It does unless it has `cursor` or `limit`, and neither `page` nor `per_page`.
    """
    return not query.names & CURSOR_PARAMETERS or bool(query.names & {"page", "per_page"})


def parameters_for(*, in_pages: bool) -> tuple[Parameter, ...]:
    """Return the parameters of the list, with numbered pages or without."""
    return PAGE_PARAMETERS if in_pages else PARAMETERS
