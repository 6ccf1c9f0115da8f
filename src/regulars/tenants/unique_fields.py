"""What two customers are the same by, in a field that a tenant may want to be unique; and whether it can be from now
on: no two who are not in the trash have the same."""

from sqlalchemy import ColumnElement, Text, bindparam, func, literal_column, select

from regulars.db.database import Database
from regulars.db.dialects import ascii_lower
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.tenants.validation import UNIQUE


def key_column(field: str) -> ColumnElement[str]:
    """What two values of the field are the same by, as the indexes have it: of an e-mail address the letter case makes
    no difference."""
    return ascii_lower(customers.c.email) if field == "email" else customers.c[field]


def held(field: str) -> tuple[ColumnElement[bool], ...]:
    """The conditions for a tenant's customers, not in the trash, who have something in the field."""
    return (
        customers.c.tenant_id == bindparam("tenant_id"),
        customers.c.deleted_at.is_(None),
        customers.c[field].is_not(None),
    )


def _repeated(field: str) -> Statement:
    key = key_column(field)
    repeated = select(key.label("key")).where(*held(field)).group_by(key)
    return Statement(repeated.having(func.count() > literal_column("1")).limit(literal_column("1")))


def _holders(field: str) -> Statement:
    having = select(customers.c.id).where(*held(field), key_column(field) == bindparam("key", type_=Text))
    return Statement(having.order_by(customers.c.id).limit(literal_column("2")))


FIND_REPEATED_KEY = {field: _repeated(field) for field in UNIQUE}
FIND_PAIR = {field: _holders(field) for field in UNIQUE}


def find_pair(database: Database, tenant_id: int, field: str) -> tuple[int, int] | None:
    """The ids of two of the tenant's customers who have the same in a field; None where no two do."""
    # A stream has no time limit: with millions of customers it takes its time.
    for (key,) in list(database.stream(FIND_REPEATED_KEY[field], {"tenant_id": tenant_id})):
        rows = database.fetch_all(FIND_PAIR[field], {"tenant_id": tenant_id, "key": key})
        return rows[0][0], rows[1][0]
    return None
