"""Statements on customers other than the list."""

from sqlalchemy import bindparam, select

from regulars.customers.schemas import Customer, customer_of
from regulars.customers.statements import FIELDS
from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import countries, customers, users
from regulars.errors import NotFound

ONE = Statement(
    select(*FIELDS)
    .select_from(
        customers.outerjoin(countries, countries.c.id == customers.c.country_id).outerjoin(
            users, users.c.id == customers.c.user_id
        )
    )
    .where(customers.c.tenant_id == bindparam("tenant_id"), customers.c.id == bindparam("id")),
    as_json=True,
    may_lag=True,
)


def get_customer(database: Database, tenant_id: int, customer_id: int) -> Customer:
    """The customer, in the trash or not. Raises `NotFound` where this tenant has none of that id."""
    row = database.fetch_one(ONE, {"tenant_id": tenant_id, "id": customer_id})
    if row is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return customer_of(row)
