"""The parameters of the list of users, and the listing that they ask for."""

from collections.abc import Mapping
from typing import Any, get_args

from regulars.accounts.directory import SortBy, SortOrder, UserQuery
from regulars.http.query_params import choice_parameter, flag_parameter, integer_parameter, text_parameter

PARAMETERS = (
    text_parameter(
        "search",
        "Every word must occur somewhere in the user's name or e-mail address. Letter case, accents and dotted or"
        " dotless i make no difference.",
        "zeynep",
        at_most=255,
    ),
    integer_parameter("per_page", "The number of users per page.", 15, low=1, high=100, default=15),
    integer_parameter("page", "The page number. A page past the end has no rows.", 1, low=1, default=1),
    choice_parameter(
        "sort_by",
        "Sort by a field. Without it the newest `created_at` comes first.",
        "name",
        options=get_args(SortBy),
    ),
    choice_parameter("sort_order", "`asc` where `sort_by` is given, else `desc`.", "asc", options=get_args(SortOrder)),
    flag_parameter("trashed", "`true`: only users who are members no longer; otherwise only those who are."),
)


def listing_of(values: Mapping[str, Any]) -> UserQuery:
    """The listing that the parameters' `values` ask for."""
    defaults: dict[str, Any] = {"sort_order": "asc"} if "sort_by" in values else {}
    return UserQuery(**(defaults | dict(values)))
