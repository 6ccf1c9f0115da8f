"""Pairs of customers that may be the same person: the same phone number, e-mail address or identity number, or a
similar name and the same date of birth.

An index has customers with equal values next to each other. It is read in order until enough pairs are found, so
customers are never all compared with each other. If few values are shared, the whole index is read: a million entries
take 0.2 seconds. Similar names are found by the first letters of first and last name, in either order, and then
compared.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import combinations, groupby
from math import prod
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, func, literal_column, select

from regulars.customers.write.uniqueness import key_of
from regulars.db.database import Database
from regulars.db.dialects import first_letters, greatest, least
from regulars.db.statement import Row, Statement, Values
from regulars.db.tables import customers
from regulars.tenants.unique_fields import has_value, key_column
from regulars.text import fold

Reason = Literal["identity_number", "email", "phone_number", "name_and_date_of_birth"]
WEIGHTS: Mapping[Reason, float] = {
    "identity_number": 0.95,
    "email": 0.9,
    "phone_number": 0.8,
    "name_and_date_of_birth": 0.75,
}
"""Probability that two customers who share the value are the same person. Families share phone numbers."""
MAX_GROUP_SIZE = 10
"""A value that more customers share, such as the phone number of a company, is ignored."""
NAME_GROUPS_PER_PAIR = 20
"""Number of groups with equal first letters to read for each wanted pair. Most names in a group differ."""
MIN_SIMILARITY = 0.9
PAIR_COLUMNS = ("id", "first_name", "last_name", "phone_number", "email", "identity_number", "date_of_birth")


class Pair(NamedTuple):
    """Two customers that may be the same person, with the probability (0 to 1) and the reasons."""

    first_id: int
    second_id: int
    score: float
    reasons: list[Reason]


def _keys(reason: Reason) -> Sequence[ColumnElement[Any]]:
    """Return the columns or expressions of the index whose values are equal for a pair with this reason."""
    if reason != "name_and_date_of_birth":
        return [key_column(reason)]
    letters = [first_letters(customers.c[name]) for name in ("first_name_key", "last_name_key")]
    return [customers.c.date_of_birth, least(*letters), greatest(*letters)]


def _statement(reason: Reason) -> Statement:
    """Return the statement for the customers of the first groups with equal `_keys`, ordered by group and id."""
    keys = [key.label(f"key_{number}") for number, key in enumerate(_keys(reason))]
    of_tenant = has_value("date_of_birth" if reason == "name_and_date_of_birth" else reason)
    several = func.count().between(literal_column("2"), literal_column(str(MAX_GROUP_SIZE)))
    groups: FromClause = (
        select(*keys)
        .where(*of_tenant)
        .group_by(*(key.element for key in keys))
        .having(several)
        .order_by(*(key.element for key in keys))
        .limit(bindparam("groups"))
        .cte("groups")
    )
    same = and_(*(key.element == groups.c[key.name] for key in keys))
    found = select(*(customers.c[name] for name in PAIR_COLUMNS), *groups.c)
    return Statement(
        found.select_from(groups.join(customers, same)).where(*of_tenant).order_by(*groups.c, customers.c.id),
        replica_ok=True,
    )


FIND_GROUPS = {reason: _statement(reason) for reason in WEIGHTS}


def find_duplicates(database: Database, tenant_id: int, limit: int) -> list[Pair]:
    """Return at most `limit` pairs, most likely first. Only the first groups for each reason are searched."""
    found: dict[tuple[int, int], Pair] = {}
    for reason, statement in FIND_GROUPS.items():
        groups = limit * NAME_GROUPS_PER_PAIR if reason == "name_and_date_of_birth" else limit
        for first, second in _pairs(database.fetch_all(statement, {"tenant_id": tenant_id, "groups": groups})):
            ids = first[0], second[0]
            if ids not in found and (weights := _weights(first, second)):
                score = 1 - prod(1 - weight for weight in weights.values())
                found[ids] = Pair(*ids, round(score, 4), list(weights))
    return sorted(found.values(), key=lambda pair: (-pair.score, pair.first_id, pair.second_id))[:limit]


def _pairs(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    for _, group in groupby(rows, key=lambda row: row[len(PAIR_COLUMNS) :]):
        yield from combinations(group, 2)


def _weights(first: Row, second: Row) -> dict[Reason, float]:
    """Return all reasons for which two customers may be the same person, with their weights."""
    one, other = (dict(zip(PAIR_COLUMNS, row, strict=False)) for row in (first, second))
    found: dict[Reason, float] = {}
    for reason, weight in WEIGHTS.items():
        if reason == "name_and_date_of_birth":
            is_same_day = one["date_of_birth"] is not None and one["date_of_birth"] == other["date_of_birth"]
            if is_same_day and (similarity := _name_similarity(one, other)) >= MIN_SIMILARITY:
                found[reason] = weight * similarity
        elif None not in (one[reason], other[reason]) and key_of(reason, one[reason]) == key_of(reason, other[reason]):
            found[reason] = weight
    return found


def _name_similarity(one: Values, other: Values) -> float:
    """Return the similarity of two names from 0 to 1, regardless of the order of first and last name."""
    names = [sorted(fold(f"{each['first_name']} {each['last_name'] or ''}").split()) for each in (one, other)]
    return SequenceMatcher(None, " ".join(names[0]), " ".join(names[1]), autojunk=False).ratio()
