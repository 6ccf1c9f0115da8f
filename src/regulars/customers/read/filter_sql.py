"""The filters of the customer list that the customer counts do not cover. With one of them, matches must be counted."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, select

from regulars.customers.fields import FILTERED_COLUMNS
from regulars.db.dialects import month_and_day, one_of
from regulars.db.tables import customer_tags, customers

TIME_FILTERS = {f"{name}_{bound}": f"{name}_at" for name in ("created", "updated") for bound in ("since", "until")}
"""The column of each filter by time: from `…_since` on, and before `…_until`."""
WITHOUT_OPTIONS = {"gender": "gender", "date_of_birth": "date_of_birth", "user_id": "user_id", **FILTERED_COLUMNS}
"""The columns that a customer of the list can be without, by the name that the API uses."""
EMPTY_FILTERS = {f"without_{name}": column for name, column in WITHOUT_OPTIONS.items()}
LIST_FILTERS = {f"{name}s": column for name, column in {"user_id": "user_id", **FILTERED_COLUMNS}.items()}
"""The column of each filter by several values: customers with any of them match."""
TAG_FILTERS = frozenset({"tag_id", "tag_ids"})
UNCOUNTED_FILTERS = frozenset(
    {"ids", "birthday", *TAG_FILTERS, *TIME_FILTERS, *FILTERED_COLUMNS, *LIST_FILTERS, *EMPTY_FILTERS}
)
FILTER_ORDER: Mapping[str, str] = {
    **TIME_FILTERS,
    **dict.fromkeys(
        (*FILTERED_COLUMNS, "without_user_id", *(f"without_{name}" for name in FILTERED_COLUMNS)), "created_at"
    ),
}
"""The sort key by which the index of a filter is ordered, too."""

YEAR = [f"{date(2000, 1, 1) + timedelta(number):%m-%d}" for number in range(366)]
"""Every day of a leap year, as text."""


def days_between(first: str, last: str) -> list[int]:
    """Return the days of the year from `first` to `last`, such as `12-20`, as numbers, such as 1220. Both are included.

    If `first` is later in the year than `last`, the days are those across the end of the year.
    """
    if first <= last:
        days = [day for day in YEAR if first <= day <= last]
    else:
        days = [day for day in YEAR if day >= first or day <= last]
    return [int(day.replace("-", "")) for day in days]


def filter_condition(
    name: str, column: Callable[[str], ColumnElement[Any]], *, check_each: bool
) -> ColumnElement[bool]:
    """Return the condition of a filter in `UNCOUNTED_FILTERS`, whose value is the parameter of the same name.

    `column` returns the expression for a column of customers. With `check_each`, other conditions or the order find the
    customers, and tags are looked up for each of them.
    """
    if name in TAG_FILTERS:
        return _tag_condition(name, check_each=check_each)
    if name == "ids":
        return one_of(customers.c.id, name)
    if name == "birthday":
        born = column("date_of_birth")
        # The index has only customers with a date of birth.
        return and_(born.is_not(None), one_of(month_and_day(born), name))
    return _column_condition(name, column)


def _column_condition(name: str, column: Callable[[str], ColumnElement[Any]]) -> ColumnElement[bool]:
    if name in TIME_FILTERS:
        moment, value = column(TIME_FILTERS[name]), bindparam(name, type_=customers.c.created_at.type)
        return moment >= value if name.endswith("_since") else moment < value
    if name in LIST_FILTERS:
        return one_of(column(LIST_FILTERS[name]), name)
    if name in EMPTY_FILTERS:
        return column(EMPTY_FILTERS[name]).is_(None)
    return column(FILTERED_COLUMNS[name]) == bindparam(name)


def _tag_condition(name: str, *, check_each: bool) -> ColumnElement[bool]:
    """Return the condition for customers with the tag or, for `tag_ids`, with any of the tags.

    For one tag it is a join, which can start with the tag or with the customers and stop early; with IN, SQLite would
    first collect all customers of the tag. A join with several tags would return some customers twice.
    """
    tag = customer_tags.c.tag_id
    is_tagged = and_(
        customer_tags.c.tenant_id == bindparam("tenant_id"),
        tag == bindparam(name) if name == "tag_id" else one_of(tag, name),
    )
    is_of_customer = customer_tags.c.customer_id == customers.c.id
    if check_each:
        return select(tag).where(is_tagged, is_of_customer).correlate(customers).exists()
    if name == "tag_id":
        return and_(is_tagged, is_of_customer)
    return customers.c.id.in_(select(customer_tags.c.customer_id).where(is_tagged))
