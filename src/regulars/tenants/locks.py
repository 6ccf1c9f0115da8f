"""Locks of a tenant and of its customers. (SQLite has only one writer at a time anyway.)

Lock order: tenant, then customers.
"""

from sqlalchemy import bindparam, literal_column, select

from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import change_counters, tenants
from regulars.errors import NotFound
from regulars.i18n import _

# Statements that only refer to the tenant, such as the insert of a customer, do not wait for this lock.
LOCK_TENANT = Statement(
    select(tenants.c.id).where(tenants.c.id == bindparam("tenant_id")).with_for_update(key_share=True)
)


LOCK_COUNTER = Statement(
    upsert(change_counters)
    .values(tenant_id=bindparam("tenant_id"), last_position=literal_column("0"))
    .on_conflict_do_update(
        index_elements=[change_counters.c.tenant_id], set_={"last_position": change_counters.c.last_position}
    )
)


def lock_tenant(database: Database, tenant_id: int) -> None:
    """Lock the tenant, its members and channels until the transaction ends. Raise `NotFound` if it does not exist."""
    if not 0 < tenant_id < 2**63 or database.fetch_one(LOCK_TENANT, {"tenant_id": tenant_id}) is None:
        raise NotFound(_("There is no tenant {id}.", id=tenant_id))


def lock_customers(database: Database, tenant_id: int) -> None:
    """Lock the tenant's customers for writing until the transaction ends."""
    # All transactions that write customers of the tenant lock this row.
    with database.waiting():
        database.execute(LOCK_COUNTER, {"tenant_id": tenant_id})
