"""Check whether a field can be made unique: no two customers of the tenant outside the trash have the same value."""

from sqlalchemy import ColumnElement, Text, bindparam, func, literal_column, select

from regulars.db.database import Database
from regulars.db.dialects import ascii_lower
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.tenants.validation import UNIQUE


def key_column(field: str) -> ColumnElement[str]:
    """Return the indexed expression for comparing values of a field. E-mail addresses are compared without case."""
    return ascii_lower(customers.c.email) if field == "email" else customers.c[field]


def has_value(field: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for customers of the tenant, outside the trash, with a value in the field."""
    return (
        customers.c.tenant_id == bindparam("tenant_id"),
        customers.c.deleted_at.is_(None),
        customers.c[field].is_not(None),
    )


def _repeated(field: str) -> Statement:
    key = key_column(field)
    repeated = select(key.label("key")).where(*has_value(field)).group_by(key)
    return Statement(repeated.having(func.count() > literal_column("1")).limit(literal_column("1")))


def _holders(field: str) -> Statement:
    having = select(customers.c.id).where(*has_value(field), key_column(field) == bindparam("key", type_=Text))
    return Statement(having.order_by(customers.c.id).limit(literal_column("2")))


FIND_REPEATED_KEY = {field: _repeated(field) for field in UNIQUE}
FIND_PAIR = {field: _holders(field) for field in UNIQUE}


def find_pair(database: Database, tenant_id: int, field: str) -> tuple[int, int] | None:
    """Return the ids of two customers of the tenant with the same value in a field, or None."""
    # With millions of customers this query is slow, so use a stream, which has no time limit.
    for (key,) in list(database.stream(FIND_REPEATED_KEY[field], {"tenant_id": tenant_id})):
        rows = database.fetch_all(FIND_PAIR[field], {"tenant_id": tenant_id, "key": key})
        return rows[0][0], rows[1][0]
    return None
