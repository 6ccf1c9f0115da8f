"""Pairs of customers that may be the same person: the same phone number, e-mail address or identity number, or a
similar name and the same date of birth.

An index has customers with equal values next to each other. It is read in order until enough pairs are found, so
customers are never all compared with each other. If few values are shared, the whole index is read: a million entries
take 0.2 seconds. Similar names are found by the first letters of first and last name, in either order, and then
compared. The customers that resemble one person are looked up in the same indexes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from difflib import SequenceMatcher
from itertools import combinations, groupby
from math import prod
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, func, literal_column, select

from regulars.customers.dismissals import dismissed_pairs
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.write.uniqueness import key_of
from regulars.db.database import Database
from regulars.db.dialects import first_letters, greatest, least
from regulars.db.statement import Row, Statement, Values
from regulars.db.tables import customers
from regulars.tenants.unique_fields import has_value, key_column
from regulars.text import FOLDED_NAME_END, fold, sort_key

Reason = Literal["identity_number", "email", "phone_number", "name_and_date_of_birth", "name"]
WEIGHTS: Mapping[Reason, float] = {
    "identity_number": 0.95,
    "email": 0.9,
    "phone_number": 0.8,
    "name_and_date_of_birth": 0.75,
}
"""Probability that two customers who share the value are the same person. Families share phone numbers."""
NAME_WEIGHT = 0.3
"""The same for the name alone, which is compared only for one person."""
NAMES_COMPARED = 20
MAX_GROUP_SIZE = 10
"""A value that more customers share, such as the phone number of a company, is ignored."""
NAME_GROUPS_PER_PAIR = 20
"""Number of groups with equal first letters to read for each wanted pair. Most names in a group differ."""
MIN_SIMILARITY = 0.9
PAIR_COLUMNS = ("id", "first_name", "last_name", "phone_number", "email", "identity_number", "date_of_birth")


class Similar(NamedTuple):
    """A customer that may be a given person, with the probability (0 to 1) and the reasons."""

    customer_id: int
    score: float
    reasons: list[Reason]


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


def _same_value(reason: Reason) -> Statement:
    """Return the statement for the customers with the given `_keys`, one more than are compared."""
    keys = [key == bindparam(f"key_{number}", type_=key.type) for number, key in enumerate(_keys(reason))]
    of_tenant = has_value("date_of_birth" if reason == "name_and_date_of_birth" else reason)
    limit: ColumnElement[int] = literal_column(str(MAX_GROUP_SIZE + 1))
    found = select(*(customers.c[name] for name in PAIR_COLUMNS)).where(*of_tenant, *keys)
    return Statement(found.limit(limit), replica_ok=True)


FIND_SAME_VALUE = {reason: _same_value(reason) for reason in WEIGHTS}
GET_VALUES = Statement(
    select(*(customers.c[name] for name in PAIR_COLUMNS)).where(
        customers.c.tenant_id == bindparam("tenant_id"),
        customers.c.id == bindparam("id"),
        customers.c.deleted_at.is_(None),
    ),
    replica_ok=True,
)


def find_duplicates(database: Database, tenant_id: int, limit: int) -> list[Pair]:
    """Return at most `limit` pairs, most likely first, without those that were dismissed.

    Only the first groups for each reason are searched.
    """
    dismissed = dismissed_pairs(database, tenant_id)
    found: dict[tuple[int, int], Pair] = {}
    for reason, statement in FIND_GROUPS.items():
        groups = limit * NAME_GROUPS_PER_PAIR if reason == "name_and_date_of_birth" else limit
        # Each dismissed pair is in at most one of these groups.
        asked = {"tenant_id": tenant_id, "groups": groups + len(dismissed)}
        for first, second in _pairs(database.fetch_all(statement, asked)):
            ids = first[0], second[0]
            if ids not in found and ids not in dismissed and (weights := _weights(_values(first), _values(second))):
                found[ids] = Pair(*ids, _score(weights), list(weights))
    return sorted(found.values(), key=lambda pair: (-pair.score, pair.first_id, pair.second_id))[:limit]


def find_duplicates_of(database: Database, tenant_id: int, customer_id: int) -> list[Pair]:
    """Return the pairs of one customer, most likely first, without those that were dismissed.

    If the customer does not exist or is in the trash, return an empty list.
    """
    row = database.fetch_one(GET_VALUES, {"tenant_id": tenant_id, "id": customer_id})
    if row is None:
        return []
    dismissed = dismissed_pairs(database, tenant_id)
    similar = _find_similar(database, tenant_id, _values(row))
    pairs = [
        Pair(min(customer_id, number), max(customer_id, number), score, reasons) for number, score, reasons in similar
    ]
    return [pair for pair in pairs if pair[:2] not in dismissed]


def find_same_person(database: Database, tenant_id: int, values: Values, today: date) -> list[Similar]:
    """Return the customers that may be a person who is not a customer yet, most likely first.

    `values` are those of `PAIR_COLUMNS` that are known, except the id, as they are stored. Unlike in pairs, a similar
    first and last name is a reason of its own. `today` is the date in the tenant's time zone.
    """
    known: Values = dict.fromkeys(PAIR_COLUMNS) | {"id": 0, **values}
    similar = _find_similar(database, tenant_id, known)
    if known["first_name"] and known["last_name"]:
        found = {each.customer_id for each in similar}
        named = _find_same_name(database, tenant_id, known, today)
        similar += [each for each in named if each.customer_id not in found]
    return similar


def _find_similar(database: Database, tenant_id: int, values: Values) -> list[Similar]:
    found: dict[int, Similar] = {}
    for reason, statement in FIND_SAME_VALUE.items():
        keys = _key_values(reason, values)
        if None in keys:
            continue
        asked = {f"key_{number}": key for number, key in enumerate(keys)}
        others = [_values(row) for row in database.fetch_all(statement, asked | {"tenant_id": tenant_id})]
        for other in others if len(others) <= MAX_GROUP_SIZE else ():
            if other["id"] != values["id"] and (weights := _weights(values, other)):
                found[other["id"]] = Similar(other["id"], _score(weights), list(weights))
    return sorted(found.values(), key=lambda each: (-each.score, each.customer_id))


def _key_values(reason: Reason, values: Values) -> Sequence[Any]:
    """Return the values of `_keys` for a person. One of them is None if the person lacks a value."""
    if reason != "name_and_date_of_birth":
        return [None if values[reason] is None else key_of(reason, values[reason])]
    letters = [(sort_key(values[name]) or "").partition(FOLDED_NAME_END)[0][:3] for name in ("first_name", "last_name")]
    return [values["date_of_birth"], *sorted(letters)]


def _find_same_name(database: Database, tenant_id: int, values: Values, today: date) -> list[Similar]:
    name = f"{values['first_name']} {values['last_name']}"
    page = fetch_page(database, tenant_id, CustomerQuery(search=name, per_page=NAMES_COMPARED), today)
    found = []
    for customer in page.customers:
        other = {"first_name": customer.first_name, "last_name": customer.last_name}
        if (similarity := _name_similarity(values, other)) >= MIN_SIMILARITY:
            found.append(Similar(customer.id, round(NAME_WEIGHT * similarity, 4), ["name"]))
    return sorted(found, key=lambda each: (-each.score, each.customer_id))


def _values(row: Row) -> Values:
    return dict(zip(PAIR_COLUMNS, row, strict=False))


def _score(weights: Mapping[Reason, float]) -> float:
    return round(1 - prod(1 - weight for weight in weights.values()), 4)


def _pairs(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    for _, group in groupby(rows, key=lambda row: row[len(PAIR_COLUMNS) :]):
        yield from combinations(group, 2)


def _weights(one: Values, other: Values) -> dict[Reason, float]:
    """Return all reasons for which two customers may be the same person, with their weights."""
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
