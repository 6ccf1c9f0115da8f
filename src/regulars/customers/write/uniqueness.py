"""What two customers of a tenant should not share: phone number, e-mail address, identity number.

A tenant may ask that they never do (`tenants.unique_fields`); who is in the trash does not count.
"""

import string
from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Text, any_, bindparam, column, func, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.tenants.unique_fields import held, key_column
from regulars.tenants.validation import UNIQUE

TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def _holders(dialect: str, field: str) -> Statement:
    key = key_column(dialect, field)
    among: ColumnElement[bool]
    if dialect == "sqlite":
        among = key.in_(select(column("value")).select_from(func.json_each(bindparam("keys"))))
    else:
        among = key == any_(bindparam("keys", type_=ARRAY(Text)))
    found = select(customers.c[field], customers.c.id).where(*held(field), among)
    return Statement(found.order_by(customers.c.id))


ON_SQLITE = {field: _holders("sqlite", field) for field in UNIQUE}
ON_POSTGRESQL = [_holders("postgresql", field) for field in UNIQUE]


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
