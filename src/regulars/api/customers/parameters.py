"""The parameters of the customer list, and the listing that they ask for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from regulars.customers.read.list import CustomerQuery
from regulars.customers.read.list_sql import SortBy, SortOrder, UncountedFilter
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

INCLUDE = choice_parameter("include", "`tags`: each customer with its tags.", "tags", options=("tags",))
PARAMETERS = (
    text_parameter(
        "search",
        "Every word must occur somewhere in the customer's name, phone number, e-mail address or identity number."
        " Letter case, accents and dotted or dotless i make no difference; a phone number is found however it is"
        " written.",
        "ayşe 0532",
        at_most=255,
    ),
    integer_parameter("per_page", "The number of customers per page.", 15, low=1, high=100, default=15),
    integer_parameter("page", "The page number. A page past the end has no rows.", 1, low=1, default=1),
    choice_parameter(
        "sort_by",
        "Sort by a field; empty values come last. Without it the newest `created_at` comes first.",
        "last_name",
        options=get_args(SortBy),
    ),
    choice_parameter("sort_order", "`asc` where `sort_by` is given, else `desc`.", "asc", options=get_args(SortOrder)),
    choice_parameter("gender", "Filter by gender.", "female", options=get_args(Gender)),
    # Its example goes with every max_age: who tries one parameter after the other does not meet their contradiction.
    integer_parameter("min_age", "At least so many completed years today, in the tenant's time zone.", 0, low=0),
    integer_parameter("max_age", "At most so many completed years today, in the tenant's time zone.", 65, low=0),
    integer_parameter("user_id", "Filter by assigned user.", 7, low=1),
    flag_parameter("trashed", "`true`: only customers in the trash; otherwise only those that are not."),
    time_parameter("updated_since", "Only customers who were changed then or later.", "2026-11-07T05:31:56Z"),
    integer_parameter("tag_id", "Filter by tag.", 1, low=1),
    integer_parameter("channel_id", "Filter by default channel.", 1, low=1),
    integer_parameter("country_id", "Filter by country.", 792, low=1),
    ids_parameter("ids", "Only the customers with these ids, up to 100, with commas between them.", "1,2", at_most=100),
    text_parameter(
        "cursor",
        "A place in this very list, as `links.next`, `links.prev` or `meta.cursor` gave it no more than 30 days ago."
        " The page starts there, and costs no more the farther it is. With `cursor` or `limit`, and neither `page` nor"
        " `per_page`, the answer is `data` and a `meta` of `cursor`, `has_more` and `total`.",
        "",
        at_most=2000,
    ),
    integer_parameter(
        "limit",
        "The number of customers, where there are no pages; beside `page` or `per_page` it does not count.",
        20,
        low=1,
        high=100,
        default=20,
    ),
    INCLUDE,
)


def check_ages(values: Mapping[str, Any]) -> Mapping[str, str]:
    """What is wrong with the ages that are asked for, if they contradict each other."""
    if "min_age" in values and "max_age" in values and values["min_age"] > values["max_age"]:
        return {"min_age": f"The min_age, {values['min_age']}, is above the max_age, {values['max_age']}."}
    return {}


# UncountedFilter pages any limit does, for it does not count.
OF_PAGES = tuple(replace(each, read=str) if each.name == "limit" else each for each in PARAMETERS)
LIMIT = 20
NOT_IN_PAGES = {"cursor", "limit"}
OF_THE_ANSWER = {*NOT_IN_PAGES, "include"}
BESIDE = frozenset(get_args(UncountedFilter))


def listing_of(values: Mapping[str, Any], *, in_pages: bool) -> CustomerQuery:
    """The listing that the parameters' `values` ask for, without its cursor; `limit` counts if there are no pages."""
    asked = {name: value for name, value in values.items() if name not in OF_THE_ANSWER}
    if beside := BESIDE & asked.keys():
        asked["beside"] = {name: asked.pop(name) for name in beside}
    if "sort_by" in asked:
        asked.setdefault("sort_order", "asc")
    if not in_pages:
        asked["per_page"] = values.get("limit", LIMIT)
    return CustomerQuery(**asked)


def is_in_pages(query: Query) -> bool:
    """Whether numbered pages are asked for, and not just a stretch of the list."""
    return not query.names & NOT_IN_PAGES or bool(query.names & {"page", "per_page"})


def parameters_for(*, in_pages: bool) -> tuple[Parameter, ...]:
    """The parameters as they are read, with numbered pages or without."""
    return OF_PAGES if in_pages else PARAMETERS
