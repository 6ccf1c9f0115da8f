"""Locks of a tenant and of its customers. (SQLite has only one writer at a time anyway.)

Lock order: tenant, then customers.
"""

from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, select

from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import change_counters, tenants
from regulars.errors import NotFound
from regulars.i18n import _

# FOR NO KEY UPDATE: inserts of rows with a foreign key to the tenant, such as customers, do not wait for this lock.
LOCK_TENANT = Statement(
    select(tenants.c.id).where(tenants.c.id == bindparam("tenant_id")).with_for_update(key_share=True)
)


_new_counter = upsert(change_counters).values(
    tenant_id=bindparam("tenant_id"),
    last_position=literal_column("0"),
    last_customer_id=bindparam("new_customers"),
    last_tag_id=bindparam("new_tags"),
)
LOCK_COUNTER = Statement(
    _new_counter.on_conflict_do_update(
        index_elements=[change_counters.c.tenant_id],
        set_={
            name: change_counters.c[name] + _new_counter.excluded[name] for name in ("last_customer_id", "last_tag_id")
        },
    ).returning(change_counters.c.last_customer_id, change_counters.c.last_tag_id)
)


class LastIds(NamedTuple):
    """The highest ids that customers and tags of a tenant have or had, including reserved ids."""

    customer: int
    tag: int


def lock_tenant(database: Database, tenant_id: int) -> None:
    """Lock the tenant, its members and channels until the transaction ends. Raise `NotFound` if it does not exist."""
    if not 0 < tenant_id < 2**63 or database.fetch_one(LOCK_TENANT, {"tenant_id": tenant_id}) is None:
        raise NotFound(_("There is no tenant {id}.", id=tenant_id))


def lock_customers(database: Database, tenant_id: int, *, new_customers: int = 0, new_tags: int = 0) -> LastIds:
    """Lock the tenant's customers and tags against other writers until the transaction ends. Return the highest ids.

    Reserve `new_customers` and `new_tags` ids first. A transaction that calls `customers.change_log.record_changes` for
    its new customers need not reserve their ids: that function raises the highest id itself. Raise `Unavailable` if too
    many threads are waiting for locks.
    """
    # The statement locks the counter row of the tenant, as all transactions do that write its customers.
    values = {"tenant_id": tenant_id, "new_customers": new_customers, "new_tags": new_tags}
    (row,) = database.fetch_all(LOCK_COUNTER, values)
    return LastIds(*row)
