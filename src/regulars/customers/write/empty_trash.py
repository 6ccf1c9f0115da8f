"""The trash of a tenant, emptied of what has been in it for long."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, select, tuple_

from regulars.customers.counts.page_checkpoints import LIST_START
from regulars.customers.write.change_set import open_change_set
from regulars.customers.write.commands import purge_customer
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import customers
from regulars.permissions import Actor

BATCH = 500
PLACE = (customers.c.created_at, customers.c.id)
OLD = Statement(
    select(*PLACE)
    .where(
        customers.c.tenant_id == bindparam("tenant_id"),
        customers.c.deleted_at.is_not(None),
        customers.c.deleted_at < bindparam("before", type_=customers.c.deleted_at.type),
        customers.c.merged_into_id.is_(None),
        tuple_(*PLACE) > tuple_(bindparam("created_at", type_=customers.c.created_at.type), bindparam("id")),
    )
    .order_by(*PLACE)
    .limit(bindparam("limit"))
)


def empty_trash(database: Database, tenant_id: int, before: datetime, actor: Actor) -> int:
    """Purge the tenant's customers who were put into the trash before that moment; how many. Those who were merged into
    others stay: their ids lead there, and they go when those are erased.

    They go in batches, each in a transaction of its own. They are looked for in between, so that others can write
    meanwhile, and from where the last batch ended, so that the trash is read once.
    """
    purged = 0
    last: Row = (LIST_START, 0)
    asked = {"tenant_id": tenant_id, "before": before, "limit": BATCH}
    while old := database.fetch_all(OLD, asked | {"created_at": last[0], "id": last[1]}):
        purged += _purge(database, tenant_id, [number for _, number in old], before, actor)
        last = old[-1]
    return purged


def _purge(database: Database, tenant_id: int, ids: Collection[int], before: datetime, actor: Actor) -> int:
    """Purge these, but for those whom somebody has brought back meanwhile."""
    with open_change_set(database, tenant_id, actor) as changes:
        changes.preload(ids)
        found = [record for number in ids if (record := changes.find(number)) is not None]
        old = [record.id for record in found if record.deleted_at is not None and record.deleted_at < before]
        for number in old:
            purge_customer(changes, number)
    return len(old)
