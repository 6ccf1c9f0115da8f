"""Customers who may be one person: the same phone number, e-mail address or identity number, or nearly the same name
and the same day of birth.

Each is found by an index that has those together who share it, which is read in its order until there are enough:
nobody is compared with everybody. Where few share anything an index is read through: a million entries in a fifth of a
second. Names are looked for by the first letters of both, in either order, and then compared.
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
from regulars.tenants.unique_fields import held, key_column
from regulars.text import fold

Reason = Literal["identity_number", "email", "phone_number", "name_and_date_of_birth"]
WEIGHTS: Mapping[Reason, float] = {
    "identity_number": 0.95,
    "email": 0.9,
    "phone_number": 0.8,
    "name_and_date_of_birth": 0.75,
}
"""How likely two who share it are one person; families share phone numbers."""
MOST_IN_GROUP = 10
"""What more customers share than these says little, like the phone number of a company."""
GROUPS_OF_NAMES = 20
"""So many times the wanted pairs are compared by their names: many begin alike and are not."""
ALIKE = 0.9
SHOWN = ("id", "first_name", "last_name", "phone_number", "email", "identity_number", "date_of_birth")


class Pair(NamedTuple):
    """Two customers who may be one person, how likely that is (0 to 1), and by what they were found."""

    first_id: int
    second_id: int
    score: float
    reasons: list[Reason]


def _keys(reason: Reason) -> Sequence[ColumnElement[Any]]:
    """What those who are found by it have the same, as the index has it."""
    if reason != "name_and_date_of_birth":
        return [key_column(reason)]
    letters = [first_letters(customers.c[name]) for name in ("first_name_key", "last_name_key")]
    return [customers.c.date_of_birth, least(*letters), greatest(*letters)]


def _statement(reason: Reason) -> Statement:
    """The customers of the first groups, each with what they share, group by group."""
    keys = [key.label(f"key_{number}") for number, key in enumerate(_keys(reason))]
    of_tenant = held("date_of_birth" if reason == "name_and_date_of_birth" else reason)
    several = func.count().between(literal_column("2"), literal_column(str(MOST_IN_GROUP)))
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
    found = select(*(customers.c[name] for name in SHOWN), *groups.c)
    return Statement(
        found.select_from(groups.join(customers, same)).where(*of_tenant).order_by(*groups.c, customers.c.id),
        replica_ok=True,
    )


FIND_GROUPS = {reason: _statement(reason) for reason in WEIGHTS}


def find_duplicates(database: Database, tenant_id: int, limit: int) -> list[Pair]:
    """The likeliest pairs, at most so many, among those that are found first by each of the reasons."""
    found: dict[tuple[int, int], Pair] = {}
    for reason, statement in FIND_GROUPS.items():
        groups = limit * GROUPS_OF_NAMES if reason == "name_and_date_of_birth" else limit
        for first, second in _pairs(database.fetch_all(statement, {"tenant_id": tenant_id, "groups": groups})):
            ids = first[0], second[0]
            if ids not in found and (weights := _weights(first, second)):
                score = 1 - prod(1 - weight for weight in weights.values())
                found[ids] = Pair(*ids, round(score, 4), list(weights))
    return sorted(found.values(), key=lambda pair: (-pair.score, pair.first_id, pair.second_id))[:limit]


def _pairs(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    for _, group in groupby(rows, key=lambda row: row[len(SHOWN) :]):
        yield from combinations(group, 2)


def _weights(first: Row, second: Row) -> dict[Reason, float]:
    """All that two customers share, with its weight, by whatever they were found."""
    one, other = (dict(zip(SHOWN, row, strict=False)) for row in (first, second))
    found: dict[Reason, float] = {}
    for reason, weight in WEIGHTS.items():
        if reason == "name_and_date_of_birth":
            is_same_day = one["date_of_birth"] is not None and one["date_of_birth"] == other["date_of_birth"]
            if is_same_day and (alike := _likeness(one, other)) >= ALIKE:
                found[reason] = weight * alike
        elif None not in (one[reason], other[reason]) and key_of(reason, one[reason]) == key_of(reason, other[reason]):
            found[reason] = weight
    return found


def _likeness(one: Values, other: Values) -> float:
    """How alike two names are, from 0 to 1, whatever comes first."""
    names = [sorted(fold(f"{each['first_name']} {each['last_name'] or ''}").split()) for each in (one, other)]
    return SequenceMatcher(None, " ".join(names[0]), " ".join(names[1]), autojunk=False).ratio()
