"""All that is held about a person, for who asks for it (GDPR, article 15; KVKK, article 11)."""

from msgspec import Struct
from sqlalchemy import bindparam, select

from regulars.customers.change_log import CustomerChange, list_history
from regulars.customers.schemas import CUSTOMER_COLUMNS, CUSTOMER_TABLES, Customer, customer_of
from regulars.customers.tags import Tag, tags_of
from regulars.customers.write.commands import merged_into
from regulars.db.bulk_load import snapshot
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import channels, customers
from regulars.errors import NotFound

MOST_CHANGES = 1_000_000


class HeldCustomer(Struct, frozen=True):
    """A customer with all that is kept of them beside."""

    customer: Customer
    phone_number_as_typed: str | None
    default_channel: str | None
    tags: list[Tag]
    history: list[CustomerChange]


class PersonalData(Struct, frozen=True):
    """A person's customer, and those that were merged into it, one into the other."""

    customer: HeldCustomer
    merged: list[HeldCustomer]


ONE = Statement(
    select(*CUSTOMER_COLUMNS, customers.c.phone_number_as_typed, channels.c.name)
    .select_from(
        CUSTOMER_TABLES.outerjoin(
            channels,
            (channels.c.tenant_id == customers.c.tenant_id) & (channels.c.id == customers.c.default_channel_id),
        )
    )
    .where(customers.c.tenant_id == bindparam("tenant_id"), customers.c.id == bindparam("id"))
)


def personal_data_of(database: Database, tenant_id: int, customer_id: int) -> PersonalData:
    """What is held about a customer, in the trash or not, as of one moment. Raises `NotFound`."""
    with snapshot(database):
        others = merged_into(database, tenant_id, customer_id)
        return PersonalData(
            _held(database, tenant_id, customer_id), [_held(database, tenant_id, number) for number in others]
        )


def _held(database: Database, tenant_id: int, customer_id: int) -> HeldCustomer:
    row = database.fetch_one(ONE, {"tenant_id": tenant_id, "id": customer_id})
    if row is None:
        raise NotFound(f"There is no customer {customer_id}.")
    tags = tags_of(database, tenant_id, [customer_id])[customer_id]
    history = list_history(database, tenant_id, customer_id, 0, MOST_CHANGES)
    return HeldCustomer(customer_of(row[:-2]), row[-2], row[-1], list(tags), history)
