"""What two customers of a tenant should not share: phone number, e-mail address, identity number.

A tenant may ask that they never do (`tenants.unique_fields`); who is in the trash does not count.
"""

import string
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Text, any_, bindparam, collate, column, func, select

from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import customers, tenants
from regulars.errors import NotFound

UNIQUE = ("phone_number", "email", "identity_number")
TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

RULES = Statement(select(tenants.c.unique_fields).where(tenants.c.id == bindparam("tenant_id")))


def _holders(dialect: str, field: str) -> Statement:
    stored = customers.c[field]
    key: Any = stored
    if field == "email":
        key = func.lower(stored if dialect == "sqlite" else collate(stored, "C"), type_=Text)
    if dialect == "sqlite":
        among = key.in_(select(column("value")).select_from(func.json_each(bindparam("keys"))))
    else:
        among = key == any_(bindparam("keys", type_=ARRAY(Text)))
    conditions = (
        customers.c.tenant_id == bindparam("tenant_id"),
        customers.c.deleted_at.is_(None),
        stored.is_not(None),
    )
    return Statement(select(stored, customers.c.id).where(*conditions, among).order_by(customers.c.id))


ON_SQLITE = {field: _holders("sqlite", field) for field in UNIQUE}
ON_POSTGRESQL = [_holders("postgresql", field) for field in UNIQUE]


def unique_fields_of(database: Database, tenant_id: int) -> tuple[str, ...]:
    """The fields that the tenant wants to be unique. Raises `NotFound` where there is no such tenant."""
    row = database.fetch_one(RULES, {"tenant_id": tenant_id})
    if row is None:
        raise NotFound(f"There is no tenant {tenant_id}; 'regulars tenant list' shows them.")
    return tuple(field for field in UNIQUE if field in row[0].split(","))


def key_of(field: str, value: str) -> str:
    """What two values of the field are the same by: of an e-mail address the letter case makes no difference."""
    return value.translate(TO_LOWER) if field == "email" else value


def holders_of(database: Database, tenant_id: int, field: str, keys: Collection[str]) -> Mapping[str, list[int]]:
    """The customers, not in the trash, that have each of `keys` (as of `key_of`), in the order of their ids."""
    if database.dialect == "sqlite":
        statement, sent = ON_SQLITE[field], msgspec.json.encode(list(keys)).decode()
    else:
        statement, sent = ON_POSTGRESQL[UNIQUE.index(field)], list(keys)  # type: ignore[assignment]
    found: dict[str, list[int]] = {key: [] for key in keys}
    for value, customer_id in database.fetch_all(statement, {"tenant_id": tenant_id, "keys": sent}):
        found[key_of(field, value)].append(customer_id)
    return found
