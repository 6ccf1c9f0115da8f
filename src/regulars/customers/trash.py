"""The trash of a tenant, emptied of what has been in it for long."""

from datetime import datetime

from sqlalchemy import bindparam, literal_column, select

from regulars.customers.editing import purge_customer
from regulars.customers.edits import editing
from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import customers
from regulars.principal import Actor

BATCH = 500
OLD = Statement(
    select(customers.c.id)
    .where(
        customers.c.tenant_id == bindparam("tenant_id"),
        customers.c.deleted_at.is_not(None),
        customers.c.deleted_at < bindparam("before", type_=customers.c.deleted_at.type),
    )
    .order_by(customers.c.created_at, customers.c.id)
    .limit(literal_column(str(BATCH)))
)


def empty_trash(database: Database, tenant_id: int, before: datetime, actor: Actor) -> int:
    """Purge the tenant's customers who were put into the trash before that moment; how many.

    They go in batches, each in a transaction of its own, between which others can write.
    """
    purged = 0
    while True:
        with editing(database, tenant_id, actor) as edits:
            old = [number for (number,) in database.fetch_all(OLD, {"tenant_id": tenant_id, "before": before})]
            edits.preload(old)
            for number in old:
                purge_customer(edits, number)
        purged += len(old)
        if len(old) < BATCH:
            return purged
