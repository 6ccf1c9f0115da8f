"""Exact totals of the customer list for every filter except the search.

A transaction that writes customers adds rows to `count_deltas`: one for each customer that was added to or removed
from a combination of filters. `merge_count_deltas` adds them to `customer_counts`, which holds sums for each user and
for all users, by gender, for all dates of birth, each year and each day. A total is the sum of matching rows of both
tables, read by one statement and therefore from one snapshot.
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

EVERYONE = NOBODY = 0
ALL_OF_LIFE = UNKNOWN = 0
DAYS_PER_YEAR = 10_000
"""Days are numbered as they are written, 1980-03-17 as 19800317, and years as 1980: no two are the same number."""


class Delta(NamedTuple):
    """A customer came (`change` 1) or went (-1)."""

    trashed: int
    user_id: int
    gender: str
    date_of_birth: int
    created_at: datetime
    customer_id: int
    change: int


def number_of(day: date) -> int:
    """The number of a day."""
    return (day.year * 100 + day.month) * 100 + day.day


DELTA_COLUMNS = ("tenant_id", *Delta._fields)


def add_deltas(database: Database, tenant_id: int, deltas: Iterable[Delta]) -> None:
    """Note `deltas` for `tenant_id`; belongs in the transaction that changes the customers."""
    database.load(count_deltas, DELTA_COLUMNS, [(tenant_id, *delta) for delta in deltas])


OF_TENANT = count_deltas.c.tenant_id == bindparam("tenant_id")


PERIODS = ("first_days", "years", "last_days")
EARLIEST, LATEST = number_of(date.min), number_of(date.max)
NONE = (1, 0)


def ages(born_after: date | None, born_until: date | None) -> dict[str, int]:
    """The days of birth after the one and up to the other date, as values: the whole years among them, and the days
    before and after those."""
    start = number_of(born_after) + 1 if born_after else EARLIEST
    end = number_of(born_until) if born_until else LATEST
    first_year, last_year = start // DAYS_PER_YEAR, end // DAYS_PER_YEAR
    if first_year >= last_year:
        ranges = {"days": (start, end), "first_days": (start, end), "years": NONE, "last_days": NONE}
    else:
        ranges = {
            "days": (start, end),
            "first_days": (start, first_year * DAYS_PER_YEAR + DAYS_PER_YEAR - 1),
            "years": (first_year + 1, last_year - 1),
            "last_days": (last_year * DAYS_PER_YEAR, end),
        }
    return {f"{name}_{bound}": pair[bound == "until"] for name, pair in ranges.items() for bound in ("from", "until")}


def total_of(*, of_user: bool, of_gender: bool, of_ages: bool) -> ColumnElement[int]:
    """The scalar expression for how many customers there are, given the values `tenant_id` and `trashed`, and where
    they are wanted `user_id`, `gender` and those of `ages`."""
    cells = [
        customer_counts.c.tenant_id == bindparam("tenant_id"),
        customer_counts.c.trashed == bindparam("trashed"),
        customer_counts.c.user_id == (bindparam("user_id") if of_user else literal_column(str(EVERYONE))),
    ]
    noted = [OF_TENANT, count_deltas.c.trashed == bindparam("trashed")]
    if of_user:
        noted.append(count_deltas.c.user_id == bindparam("user_id"))
    if of_gender:
        cells.append(customer_counts.c.gender == bindparam("gender"))
        noted.append(count_deltas.c.gender == bindparam("gender"))
    periods = [customer_counts.c.period == literal_column(str(ALL_OF_LIFE))]
    if of_ages:
        periods = [
            customer_counts.c.period.between(bindparam(f"{name}_from"), bindparam(f"{name}_until")) for name in PERIODS
        ]
        noted.append(count_deltas.c.date_of_birth.between(bindparam("days_from"), bindparam("days_until")))
    total = _sum(count_deltas.c.change, noted)
    for period in periods:
        total = total + _sum(customer_counts.c.count, [*cells, period])
    # PostgreSQL adds 64-bit integers up to a numeric; it is a count, so it fits.
    return cast(total, BigInteger)


def _sum(column: ColumnElement[int], conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[int]:
    return select(func.coalesce(func.sum(column), literal_column("0"))).where(*conditions).scalar_subquery()
