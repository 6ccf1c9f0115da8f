"""The SQL of the customer statistics: one statement for each set of groups, which reads the counts and their deltas."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, cast, func, literal_column, select, union_all

from regulars.customers.counts.group_counts import CHANNEL, COUNTRY, CREATED_MONTH, TAG
from regulars.customers.counts.totals import (
    ALL_BIRTH_DATES,
    ALL_USERS,
    IS_LISTED_DELTA,
    NO_USER,
    UNKNOWN_BIRTH_DATE,
    YEAR_FACTOR,
)
from regulars.db.statement import Statement
from regulars.db.tables import count_deltas, customer_counts, customer_group_counts, group_count_deltas, memberships

Group = Literal["gender", "age", "created_month", "channel", "country", "user", "tag"]
GROUPS: tuple[Group, ...] = get_args(Group)

AGE_BAND = 5
"""The number of ages in a band of the age statistics."""

BIRTH_YEAR, NEAR_BIRTHDAY = "birth_year", "near_birthday"
"""Kinds of rows from which the ages follow: the births in each year, and the births on some days of the years in which
a band of ages ends today. The parameters `first_day` and `last_day` are the first and last of these days, such as 101
and 503."""

Part = Select[tuple[str, int, str, int]]

YEAR = literal_column(str(YEAR_FACTOR), BigInteger)


def _number(number: int) -> ColumnElement[int]:
    return literal_column(str(number), BigInteger)


def _part(kind: str, value: ColumnElement[Any], gender: ColumnElement[Any], count: ColumnElement[Any]) -> Part:
    return select(
        literal_column(f"'{kind}'").label("kind"),
        cast(value, BigInteger).label("value"),
        gender.label("gender"),
        cast(count, BigInteger).label("count"),
    )


def _is_listed(counts: Any, user: ColumnElement[int]) -> Sequence[ColumnElement[bool]]:
    return (
        counts.c.tenant_id == bindparam("tenant_id"),
        counts.c.trashed == literal_column("0"),
        counts.c.user_id == user,
    )


def _in_year(year: ColumnElement[int], name: str) -> ColumnElement[int]:
    """Return the number of the day `name` of a year."""
    return year * YEAR + cast(bindparam(name), BigInteger)


def _genders() -> Sequence[Part]:
    counts = customer_counts
    stored = _part("gender", _number(0), counts.c.gender, counts.c.count)
    pending = _part("gender", _number(0), count_deltas.c.gender, count_deltas.c.change)
    is_of_all = (*_is_listed(counts, _number(ALL_USERS)), counts.c.period == _number(ALL_BIRTH_DATES))
    return stored.where(*is_of_all), pending.where(*IS_LISTED_DELTA)


def _ages() -> Sequence[Part]:
    years, days = customer_counts.alias("years"), customer_counts.alias("days")
    is_year = (*_is_listed(years, _number(ALL_USERS)), years.c.period.between(_number(1), YEAR - _number(1)))
    age = cast(bindparam("year"), BigInteger) - years.c.period
    edges = select(years.c.period.label("year")).distinct().where(*is_year, age % _number(AGE_BAND) == _number(0))
    edge = edges.subquery("edges")
    is_near = days.c.period.between(_in_year(edge.c.year, "first_day"), _in_year(edge.c.year, "last_day"))
    near = _part(NEAR_BIRTHDAY, edge.c.year, days.c.gender, days.c.count).join_from(edge, days, is_near)
    born = count_deltas.c.date_of_birth
    year = cast(born, BigInteger) // YEAR
    has_birth_date = (*IS_LISTED_DELTA, born != _number(UNKNOWN_BIRTH_DATE))
    is_near_delta = born.between(_in_year(year, "first_day"), _in_year(year, "last_day"))
    pending = (year, count_deltas.c.gender, count_deltas.c.change)
    return (
        _part(BIRTH_YEAR, years.c.period, years.c.gender, years.c.count).where(*is_year),
        near.where(*_is_listed(days, _number(ALL_USERS))),
        _part(BIRTH_YEAR, *pending).where(*has_birth_date),
        _part(NEAR_BIRTHDAY, *pending).where(*has_birth_date, is_near_delta),
    )


def _users() -> Sequence[Part]:
    """Return the parts for users. The counts of each member are looked up one by one, because the counts of all periods
    lie between them in the index."""
    counts, member = customer_counts, memberships.c.user_id
    is_of_member = (*_is_listed(counts, member), counts.c.period == _number(ALL_BIRTH_DATES))
    total = select(func.sum(counts.c.count)).where(*is_of_member).correlate(memberships).scalar_subquery()
    stored = _part("user", member, literal_column("''"), func.coalesce(total, _number(0)))
    pending = _part("user", count_deltas.c.user_id, literal_column("''"), count_deltas.c.change)
    return (
        stored.where(memberships.c.tenant_id == bindparam("tenant_id")),
        pending.where(*IS_LISTED_DELTA, count_deltas.c.user_id != _number(NO_USER)),
    )


def _groups(kind: str) -> Sequence[Part]:
    counts, deltas = customer_group_counts.c, group_count_deltas.c
    stored = _part(kind, counts.value, literal_column("''"), counts.count)
    pending = _part(kind, deltas.value, literal_column("''"), deltas.change)
    name: ColumnElement[str] = literal_column(f"'{kind}'")
    return (
        stored.where(counts.tenant_id == bindparam("tenant_id"), counts.kind == name),
        pending.where(deltas.tenant_id == bindparam("tenant_id"), deltas.kind == name),
    )


PARTS: Mapping[Group, Sequence[Part]] = {
    "gender": _genders(),
    "age": _ages(),
    "created_month": _groups(CREATED_MONTH),
    "channel": _groups(CHANNEL),
    "country": _groups(COUNTRY),
    "user": _users(),
    "tag": _groups(TAG),
}


@lru_cache(maxsize=200)
def statistics_statement(groups: frozenset[Group]) -> Statement:
    """Return the statement for the counts of these groups: rows of kind, value, gender ('' if unknown) and count.

    Its parameters are `tenant_id` and, for ages, `year`, `first_day` and `last_day`.
    """
    parts = [part for group in GROUPS if group in groups for part in PARTS[group]]
    rows = union_all(*parts).subquery("parts")
    key = (rows.c.kind, rows.c.value, rows.c.gender)
    total = func.sum(rows.c.count)
    # PostgreSQL's sum of 64-bit integers is a numeric.
    summed = select(*key, cast(total, BigInteger)).group_by(*key).having(total != literal_column("0"))
    return Statement(summed, replica_ok=True)
