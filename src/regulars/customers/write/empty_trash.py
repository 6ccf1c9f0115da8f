"""Purge customers that have been in the trash for a long time."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, tuple_

from regulars.customers.counts.page_checkpoints import LIST_START
from regulars.customers.write.change_set import open_change_set
from regulars.customers.write.commands import purge_customer
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import customers
from regulars.jobs.queue import Job, JobData, create_job
from regulars.jobs.transactions import in_transactions
from regulars.jobs.worker import JobRun
from regulars.permissions import Actor

CUSTOMERS_PER_BATCH = 256
TRASH_ORDER = (customers.c.created_at, customers.c.id)
LIST_OLD_TRASH = Statement(
    select(*TRASH_ORDER)
    .where(
        customers.c.tenant_id == bindparam("tenant_id"),
        customers.c.deleted_at.is_not(None),
        customers.c.deleted_at < bindparam("before", type_=customers.c.deleted_at.type),
        customers.c.merged_into_id.is_(None),
        tuple_(*TRASH_ORDER) > tuple_(bindparam("created_at", type_=customers.c.created_at.type), bindparam("id")),
    )
    .order_by(*TRASH_ORDER)
    .limit(bindparam("limit"))
)


def empty_trash(database: Database, tenant_id: int, before: datetime, actor: Actor) -> int:
    """Purge customers of the tenant that were moved to the trash before a given time. Return their number.

    Customers that were merged into others stay, because requests for them get the id of the other customer. They are
    deleted when the other customer is erased. Each batch has its own transaction, so that other writers do not wait
    long.
    """
    return sum(
        _purge(database, tenant_id, numbers, before, actor) for numbers in _old_trash(database, tenant_id, before)
    )


def _old_trash(database: Database, tenant_id: int, before: datetime) -> Iterator[list[int]]:
    """Yield the ids of customers in batches. Each starts after the previous one, so the trash is read only once."""
    last: Row = (LIST_START, 0)
    asked = {"tenant_id": tenant_id, "before": before, "limit": CUSTOMERS_PER_BATCH}
    while old := database.fetch_all(LIST_OLD_TRASH, asked | {"created_at": last[0], "id": last[1]}):
        yield [number for _, number in old]
        last = old[-1]


def start_emptying(database: Database, tenant_id: int, actor: Actor, before: datetime) -> Job:
    """Queue a job that does the same as `empty_trash`, and return it."""
    return create_job(database, tenant_id, actor, "empty_trash", {"before": before.isoformat()})


def empty_trash_job(run: JobRun) -> JobData:
    """Purge customers as `start_emptying` has asked, and return their number."""
    before = datetime.fromisoformat(run.job.arguments["before"])
    purged: int = run.checkpoint.get("purged", 0)

    def purge(batches: Sequence[Collection[int]]) -> None:
        nonlocal purged
        for numbers in batches:
            purged += _purge(run.database, run.job.tenant_id, numbers, before, run.job.actor)
        run.save({"purged": purged}, purged, None)

    for _transaction in in_transactions(run, _old_trash(run.database, run.job.tenant_id, before), purge):
        pass
    return {"purged": purged}


def _purge(database: Database, tenant_id: int, ids: Collection[int], before: datetime, actor: Actor) -> int:
    """Purge these customers, except those that have been restored in the meantime. Return the number of purged ones."""
    with open_change_set(database, tenant_id, actor) as changes:
        changes.preload(ids)
        found = [record for number in ids if (record := changes.find(number)) is not None]
        old = [record.id for record in found if record.deleted_at is not None and record.deleted_at < before]
        for number in old:
            purge_customer(changes, number)
    return len(old)
