"""Exact totals of the customer list for the filters `trashed`, `user_id`, `gender`, `min_age` and `max_age`.

A transaction that writes customers appends rows to `count_deltas`: 1 for a customer that matches a combination of these
filters from now on, -1 for one that no longer does. `merge_count_deltas` adds them to the summary table
`customer_counts`. This table has a count for each combination of user (or all users), gender and period of birth: a
day, a year or any time. A total is the sum of the matching rows of both tables. One statement reads both, from one
snapshot.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)

from regulars.db.database import Database
from regulars.db.tables import count_deltas, customer_counts

ALL_USERS = NO_USER = 0
ALL_BIRTH_DATES = UNKNOWN_BIRTH_DATE = 0
YEAR_FACTOR = 10_000
"""The number of the day 1980-03-17 is 19800317; divided by this factor, it is 1980, the number of the year. Numbers of
days and years never coincide."""


class CountDelta(NamedTuple):
    """A change of the counts by 1 or -1 for a customer, with the customer's values of the counted fields."""

    trashed: int
    user_id: int
    gender: str
    date_of_birth: int
    created_at: datetime
    customer_id: int
    change: int


def number_of_day(day: date) -> int:
    """Return the number of a day, such as 19800317."""
    return (day.year * 100 + day.month) * 100 + day.day


DELTA_COLUMNS = ("tenant_id", *CountDelta._fields)


def add_count_deltas(database: Database, tenant_id: int, deltas: Iterable[CountDelta]) -> None:
    """Store `deltas`. Call it in the transaction that changes the customers."""
    database.load(count_deltas, DELTA_COLUMNS, [(tenant_id, *delta) for delta in deltas])


IS_DELTA_OF_TENANT = count_deltas.c.tenant_id == bindparam("tenant_id")
IS_LISTED_DELTA = (IS_DELTA_OF_TENANT, count_deltas.c.trashed == literal_column("0"))

PERIODS = ("first_days", "years", "last_days")
FIRST_DAY, LAST_DAY = number_of_day(date.min), number_of_day(date.max)
EMPTY_RANGE = (1, 0)


def birth_date_values(born_after: date | None, born_until: date | None) -> dict[str, int]:
    """Return the parameters of `total_expression` for dates of birth after `born_after` and up to `born_until`.

    None means no limit. The parameters are the bounds of four ranges: `days` is the whole range, and `first_days`,
    `years` and `last_days` divide it into whole years and the days before and after them.
    """
    start = number_of_day(born_after) + 1 if born_after else FIRST_DAY
    end = number_of_day(born_until) if born_until else LAST_DAY
    first_year, last_year = start // YEAR_FACTOR, end // YEAR_FACTOR
    if first_year >= last_year:
        ranges = {"days": (start, end), "first_days": (start, end), "years": EMPTY_RANGE, "last_days": EMPTY_RANGE}
    else:
        ranges = {
            "days": (start, end),
            "first_days": (start, first_year * YEAR_FACTOR + YEAR_FACTOR - 1),
            "years": (first_year + 1, last_year - 1),
            "last_days": (last_year * YEAR_FACTOR, end),
        }
    return {f"{name}_{bound}": pair[bound == "until"] for name, pair in ranges.items() for bound in ("from", "until")}


def total_expression(*, by_user: bool, by_gender: bool, by_birth_date: bool) -> ColumnElement[int]:
    """Return the scalar expression for the number of customers, with the requested filters.

    Its parameters are `tenant_id`, `trashed` and, for these filters, `user_id`, `gender` and those of
    `birth_date_values`.
    """
    counted = [
        customer_counts.c.tenant_id == bindparam("tenant_id"),
        customer_counts.c.trashed == bindparam("trashed"),
        customer_counts.c.user_id == (bindparam("user_id") if by_user else literal_column(str(ALL_USERS))),
    ]
    pending = [IS_DELTA_OF_TENANT, count_deltas.c.trashed == bindparam("trashed")]
    if by_user:
        pending.append(count_deltas.c.user_id == bindparam("user_id"))
    if by_gender:
        counted.append(customer_counts.c.gender == bindparam("gender"))
        pending.append(count_deltas.c.gender == bindparam("gender"))
    periods = [customer_counts.c.period == literal_column(str(ALL_BIRTH_DATES))]
    if by_birth_date:
        periods = [
            customer_counts.c.period.between(bindparam(f"{name}_from"), bindparam(f"{name}_until")) for name in PERIODS
        ]
        pending.append(count_deltas.c.date_of_birth.between(bindparam("days_from"), bindparam("days_until")))
    total = _sum(count_deltas.c.change, pending)
    for period in periods:
        total = total + _sum(customer_counts.c.count, [*counted, period])
    # PostgreSQL's sum of 64-bit integers is a numeric.
    return cast(total, BigInteger)


def _sum(column: ColumnElement[int], conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[int]:
    return select(func.coalesce(func.sum(column), literal_column("0"))).where(*conditions).scalar_subquery()
