"""Unique values: a phone number, e-mail address or identity number that two customers of a tenant should not share.

A tenant may require some of them to be unique (`unique_fields`). Customers in the trash do not count.
"""

import string
from collections.abc import Collection, Mapping

from sqlalchemy import select

from regulars.db.database import Database
from regulars.db.dialects import one_of, without_index
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.tenants.unique_fields import has_value, key_column
from regulars.tenants.validation import UNIQUE

ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


FIND_HOLDERS = {
    field: Statement(
        select(customers.c[field], customers.c.id)
        .where(*has_value(field), one_of(key_column(field), "keys"))
        # Otherwise SQLite may read all customers in the order of their ids.
        .order_by(without_index(customers.c.id))
    )
    for field in UNIQUE
}


def key_of(field: str, value: str) -> str:
    """Return the key for comparing values of the field. E-mail addresses are case-insensitive."""
    return value.translate(ASCII_LOWER) if field == "email" else value


def holders_of(database: Database, tenant_id: int, field: str, keys: Collection[str]) -> Mapping[str, list[int]]:
    """Return, for each of `keys` (see `key_of`), the ids of its holders outside the trash, in ascending order."""
    found: dict[str, list[int]] = {key: [] for key in keys}
    for value, customer_id in database.fetch_all(FIND_HOLDERS[field], {"tenant_id": tenant_id, "keys": list(keys)}):
        found[key_of(field, value)].append(customer_id)
    return found
