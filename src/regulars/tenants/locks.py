"""Being the only one who changes what belongs to a tenant. (SQLite has one writer at a time anyway.)

Who needs both takes the tenant first, then its customers.
"""

from sqlalchemy import bindparam, literal_column, select

from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import change_counters, tenants
from regulars.errors import NotFound

# Whoever only refers to the tenant, such as a new customer, need not wait.
HOLD = Statement(select(tenants.c.id).where(tenants.c.id == bindparam("tenant_id")).with_for_update(key_share=True))


LOCK_COUNTER = Statement(
    upsert(change_counters)
    .values(tenant_id=bindparam("tenant_id"), last=literal_column("0"))
    .on_conflict_do_update(index_elements=[change_counters.c.tenant_id], set_={"last": change_counters.c.last})
)


def lock_tenant(database: Database, tenant_id: int) -> None:
    """Be the only one who changes the tenant, its members or its channels, until the transaction ends.

    Raises `NotFound` where there is no such tenant.
    """
    if not 0 < tenant_id < 2**63 or database.fetch_one(HOLD, {"tenant_id": tenant_id}) is None:
        raise NotFound(f"There is no tenant {tenant_id}.")


def lock_customers(database: Database, tenant_id: int) -> None:
    """Be the only one who writes the tenant's customers, until the transaction ends."""
    # Each of their writers holds this row.
    with database.waiting():
        database.execute(LOCK_COUNTER, {"tenant_id": tenant_id})
