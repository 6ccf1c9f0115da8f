"""The query parameters of the customer list, and the `CustomerQuery` for their values."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, get_args

from regulars.customers.fields import CUSTOMER_FIELDS, FILTERED_COLUMNS, CustomerField, Filter
from regulars.customers.read.filter_sql import TIME_FILTERS, WITHOUT_OPTIONS
from regulars.customers.read.list import CustomerQuery
from regulars.customers.read.list_sql import SortBy, SortOrder
from regulars.customers.validation import Gender
from regulars.http.query_params import (
    Parameter,
    Query,
    choice_parameter,
    choices_parameter,
    day_parameter,
    flag_parameter,
    ids_parameter,
    integer_parameter,
    text_parameter,
    time_parameter,
)
from regulars.i18n import _

INCLUDE = choice_parameter("include", "`tags`: each customer with its tags.", "tags", options=("tags",))
MAX_LISTED_IDS = 100


def _field_filter(field: CustomerField, declared: Filter) -> Parameter:
    """Return the parameter for a filter by ids or, if the field is not a reference, by text."""
    if field.reference:
        return _any_of(declared.parameter, declared.description, field.example)
    return text_parameter(declared.parameter, declared.description, field.example, at_most=field.limit)


def _any_of(name: str, description: str, example: int) -> Parameter:
    described = f"{description} Of up to {MAX_LISTED_IDS} ids, separated by commas, any one matches."
    return ids_parameter(name, described, str(example), at_most=MAX_LISTED_IDS)


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
    _any_of("user_ids", "Filter by assigned users.", 7),
    _any_of("tag_id", "Filter by tag.", 1),
    *(_field_filter(field, field.filter) for field in CUSTOMER_FIELDS.values() if field.filter),
    choices_parameter(
        "without",
        "Customers for whom all these fields, separated by commas, are empty.",
        "gender,country_id",
        options=tuple(WITHOUT_OPTIONS),
    ),
    day_parameter(
        "birthday_from",
        "The first day of a range of birthdays, as month and day. Needs `birthday_to`. If it is later in the year than"
        " `birthday_to`, the range is across the end of the year.",
        "12-20",
    ),
    day_parameter("birthday_to", "The last day of a range of birthdays, included. Needs `birthday_from`.", "01-05"),
    time_parameter("created_since", "Filter by time of creation: this time or later.", "2026-11-07T05:31:56Z"),
    time_parameter("created_until", "Filter by time of creation: before this time.", "2026-12-07T05:31:56Z"),
    time_parameter("updated_since", "Filter by time of the last change: this time or later.", "2026-11-07T05:31:56Z"),
    time_parameter("updated_until", "Filter by time of the last change: before this time.", "2026-12-07T05:31:56Z"),
    ids_parameter(
        "ids", f"Filter by id: up to {MAX_LISTED_IDS} ids, separated by commas.", "1,2", at_most=MAX_LISTED_IDS
    ),
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


ID_LISTS = frozenset(
    {
        *("user_ids", "tag_id"),
        *(field.filter.parameter for field in CUSTOMER_FIELDS.values() if field.filter and field.reference),
    }
)
"""The parameters with one or several ids of which any one matches."""


def check_filters(values: Mapping[str, Any]) -> Mapping[str, str]:
    """Return a message for each parameter that contradicts another one, or that another one needs."""
    return _check_ages(values) | _check_times(values) | _check_birthdays(values)


def _check_ages(values: Mapping[str, Any]) -> dict[str, str]:
    if "min_age" in values and "max_age" in values and values["min_age"] > values["max_age"]:
        return {"min_age": _("min_age {low} is above max_age {high}.", low=values["min_age"], high=values["max_age"])}
    return {}


def _check_times(values: Mapping[str, Any]) -> dict[str, str]:
    ranges = [("created_since", "created_until"), ("updated_since", "updated_until")]
    return {
        since: _("{since} is later than {until}.", since=since, until=until)
        for since, until in ranges
        if since in values and until in values and values[since] > values[until]
    }


def _check_birthdays(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a message for the limit that is missing, if only the other one is given."""
    missing = {"birthday_from", "birthday_to"} - values.keys()
    if len(missing) != 1:
        return {}
    (name,) = missing
    return {name: _("{field} is missing. Give both birthday_from and birthday_to.", field=name)}


DEFAULT_LIMIT = 20
CURSOR_PARAMETERS = {"cursor", "limit"}
COUNTED_PARAMETERS = frozenset(each.name for each in fields(CustomerQuery)) - {"uncounted_filters", "cursor"}
# With numbered pages, `limit` is ignored, so an invalid value is not an error.
PAGE_PARAMETERS = tuple(replace(each, read=str) if each.name == "limit" else each for each in PARAMETERS)


def query_of(values: Mapping[str, Any], *, in_pages: bool) -> CustomerQuery:
    """Return the query for the `values` of parameters, without its cursor.

    Without numbered pages, `limit` is the number of customers per response.
    """
    given = {name: value for name, value in values.items() if name in COUNTED_PARAMETERS}
    filters = _uncounted_filters(values)
    if "user_id" not in given and "user_ids" in filters and len(filters["user_ids"]) == 1:
        (given["user_id"],) = filters.pop("user_ids")
    if "sort_by" in given:
        given.setdefault("sort_order", "asc")
    if not in_pages:
        given["per_page"] = values.get("limit", DEFAULT_LIMIT)
    return CustomerQuery(**given, uncounted_filters=filters or None)


def _uncounted_filters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters of a `CustomerQuery` that the customer counts do not cover."""
    found = {name: values[name] for name in ("ids", "user_ids", *TIME_FILTERS) if name in values}
    for name in ("tag_id", *FILTERED_COLUMNS):
        if name in values:
            value = values[name]
            is_list = isinstance(value, tuple)
            found |= {f"{name}s": value} if is_list and len(value) > 1 else {name: value[0] if is_list else value}
    if "birthday_from" in values:
        found["birthday"] = (values["birthday_from"], values["birthday_to"])
    return found | {f"without_{name}": True for name in values.get("without", ())}


def is_in_pages(query: Query) -> bool:
    """Tell whether the request asks for numbered pages.

    It does unless it has `cursor` or `limit`, and neither `page` nor `per_page`.
    """
    return not query.names & CURSOR_PARAMETERS or bool(query.names & {"page", "per_page"})


def parameters_for(*, in_pages: bool) -> tuple[Parameter, ...]:
    """Return the parameters of the list, with numbered pages or without."""
    return PAGE_PARAMETERS if in_pages else PARAMETERS
