"""Everything stored about a person, for subject access requests (GDPR, article 15; KVKK, article 11)."""

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
from regulars.i18n import _

MAX_CHANGES = 1_000_000


class HeldCustomer(Struct, frozen=True):
    """A customer with everything stored about it."""

    customer: Customer
    phone_number_as_typed: str | None
    default_channel: str | None
    tags: list[Tag]
    history: list[CustomerChange]


class PersonalData(Struct, frozen=True):
    """The customer of a person, and all customers that were merged into it, directly or not."""

    customer: HeldCustomer
    merged: list[HeldCustomer]


GET_PERSONAL_DATA = Statement(
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
    """Return everything stored about a customer, in the trash or not, from one snapshot.

    Raise `NotFound` if the customer does not exist.
    """
    with snapshot(database):
        others = merged_into(database, tenant_id, customer_id)
        return PersonalData(
            _held(database, tenant_id, customer_id), [_held(database, tenant_id, number) for number in others]
        )


def _held(database: Database, tenant_id: int, customer_id: int) -> HeldCustomer:
    row = database.fetch_one(GET_PERSONAL_DATA, {"tenant_id": tenant_id, "id": customer_id})
    if row is None:
        raise NotFound(_("There is no customer {id}.", id=customer_id))
    tags = tags_of(database, tenant_id, [customer_id])[customer_id]
    history = list_history(database, tenant_id, customer_id, 0, MAX_CHANGES)
    return HeldCustomer(customer_of(row[:-2]), row[-2], row[-1], list(tags), history)
