"""Read one customer."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import bindparam, select

from regulars.customers.schemas import CUSTOMER_COLUMNS, CUSTOMER_TABLES, Customer, customer_of
from regulars.customers.tags import tags_of
from regulars.customers.write.change_set import merged
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.errors import NotFound
from regulars.i18n import _

GET_CUSTOMER = Statement(
    select(*CUSTOMER_COLUMNS, customers.c.version, customers.c.merged_into_id)
    .select_from(CUSTOMER_TABLES)
    .where(customers.c.tenant_id == bindparam("tenant_id"), customers.c.id == bindparam("id")),
    rows_as_json=True,
    replica_ok=True,
)


class Found(NamedTuple):
    """A customer and its version."""

    customer: Customer
    version: int


def get_customer(database: Database, tenant_id: int, customer_id: int, *, with_tags: bool = False) -> Found:
    """Return the customer, in the trash or not, with tags if requested.

    Raise `NotFound` if the tenant has no such customer, and `Gone` if it was merged into another.
    """
    row = database.fetch_one(GET_CUSTOMER, {"tenant_id": tenant_id, "id": customer_id})
    if row is None:
        raise NotFound(_("There is no customer {id}.", id=customer_id))
    *values, version, merged_into_id = row
    if merged_into_id is not None:
        raise merged(customer_id, merged_into_id)
    customer = customer_of(tuple(values))
    return Found(with_tags_of(database, tenant_id, [customer])[0] if with_tags else customer, version)


def with_tags_of(database: Database, tenant_id: int, found: Sequence[Customer]) -> list[Customer]:
    """Return copies of the customers, with their tags."""
    tags = tags_of(database, tenant_id, [customer.id for customer in found])
    return [replace(customer, tags=list(tags[customer.id])) for customer in found]


def check_customer(database: Database, tenant_id: int, customer_id: int) -> None:
    """Raise `NotFound` if the tenant has no such customer. Accept customers that were merged into others."""
    if database.fetch_one(GET_CUSTOMER, {"tenant_id": tenant_id, "id": customer_id}) is None:
        raise NotFound(_("There is no customer {id}.", id=customer_id))
