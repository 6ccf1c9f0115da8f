"""The bulk changes of a tenant, as they are stored."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, insert, literal_column, null, select, update

from regulars.clock import utc_now
from regulars.customers.issues import delete_issues
from regulars.customers.read.list import CustomerQuery
from regulars.customers.read.stored_query import query_from_builtins, query_to_builtins
from regulars.customers.undo.positions import delete_positions
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import bulk_changes, jobs
from regulars.errors import Conflict, NotFound
from regulars.i18n import _
from regulars.jobs.queue import COLUMNS as JOB_COLUMNS
from regulars.jobs.queue import Job, create_job, get_job, job_of
from regulars.permissions import Actor
from regulars.security.tokens import is_id, new_id

UNDO_PERIOD = timedelta(days=30)
"""How long everything needed to undo a bulk change is kept."""

BulkAction = Literal["update", "trash", "restore"]
BULK_ACTIONS: tuple[BulkAction, ...] = get_args(BulkAction)
BulkChangeState = Literal["running", "completed", "failed", "cancelled", "undoing", "undone"]
ACTIVE_STATES: Mapping[str, BulkChangeState] = {"bulk_change": "running", "undo_bulk_change": "undoing"}
ENDED_STATES: Mapping[tuple[str, str], BulkChangeState] = {
    ("bulk_change", "completed"): "completed",
    ("bulk_change", "failed"): "failed",
    ("bulk_change", "cancelled"): "cancelled",
    ("undo_bulk_change", "completed"): "undone",
    ("undo_bulk_change", "failed"): "completed",
    ("undo_bulk_change", "cancelled"): "completed",
}
"""The state of a bulk change by the kind and the state of its last job, which has ended."""


class CustomerEdit(Struct, frozen=True):
    """What a bulk change does with each customer. An `update` sets values, and adds and removes tags by id."""

    action: BulkAction
    values: dict[str, int | None] = {}
    add_tags: tuple[int, ...] = ()
    remove_tags: tuple[int, ...] = ()


class BulkCounts(Struct):
    """The numbers of customers by what a bulk change has done with them."""

    changed: int = 0
    unchanged: int = 0
    refused: int = 0


class BulkChange(NamedTuple):
    """A bulk change, with its last job. Times are UTC."""

    tenant_id: int
    id: str
    actor: Actor
    """The user and the application that asked for it."""
    query: CustomerQuery | None
    """Which customers are changed. None after they have been found."""
    edit: CustomerEdit
    counts: BulkCounts
    undo_result: dict[str, int] | None
    created_at: datetime
    undo_until: datetime | None
    """When it can no longer be undone. None after that."""
    job: Job

    @property
    def state(self) -> BulkChangeState:
        """What happens with the bulk change, or what happened last."""
        if self.job.is_active:
            return ACTIVE_STATES[self.job.kind]
        return ENDED_STATES[self.job.kind, self.job.state]

    @property
    def is_over(self) -> bool:
        """Tell whether the period for an undo is over."""
        return self.undo_until is None or self.undo_until < utc_now()


COLUMNS = (
    "tenant_id",
    "id",
    "user_id",
    "client_id",
    "query",
    "change",
    "counts",
    "undo_result",
    "created_at",
    "undo_until",
)
IS_BULK_CHANGE = (bulk_changes.c.tenant_id == bindparam("of_tenant"), bulk_changes.c.id == bindparam("of_bulk_change"))
INSERT_BULK_CHANGE = Statement(
    insert(bulk_changes).values({name: bindparam(name) for name in (*COLUMNS, "job_id")}),
)
GET_BULK_CHANGE = Statement(
    select(*(bulk_changes.c[name] for name in COLUMNS), *JOB_COLUMNS)
    .join_from(
        bulk_changes, jobs, (jobs.c.tenant_id == bulk_changes.c.tenant_id) & (jobs.c.id == bulk_changes.c.job_id)
    )
    .where(*IS_BULK_CHANGE)
)
SET_JOB = Statement(
    update(bulk_changes)
    .where(*IS_BULK_CHANGE, bulk_changes.c.job_id == bindparam("old_job"))
    .values(job_id=bindparam("new_job"))
)
SET_COUNTS = Statement(update(bulk_changes).where(*IS_BULK_CHANGE).values(counts=bindparam("new_counts")))
FORGET_QUERY = Statement(update(bulk_changes).where(*IS_BULK_CHANGE).values(query=null()))
SET_UNDO_RESULT = Statement(update(bulk_changes).where(*IS_BULK_CHANGE).values(undo_result=bindparam("new_result")))
END_UNDO_PERIOD = Statement(update(bulk_changes).where(*IS_BULK_CHANGE).values(query=null(), undo_until=null()))
FIND_EXPIRED = Statement(
    select(bulk_changes.c.tenant_id, bulk_changes.c.id)
    .where(bulk_changes.c.undo_until < bindparam("before", type_=bulk_changes.c.undo_until.type))
    .order_by(bulk_changes.c.undo_until)
    .limit(literal_column("10"))
)


def start_bulk_change(
    database: Database, tenant_id: int, actor: Actor, query: CustomerQuery, edit: CustomerEdit
) -> BulkChange:
    """Queue the job of a bulk change, and return it. `query` finds the customers when the job starts."""
    bulk_change_id = new_id()
    with database.transaction():
        job = create_job(database, tenant_id, actor, "bulk_change", {"bulk_change_id": bulk_change_id})
        values = {
            "tenant_id": tenant_id,
            "id": bulk_change_id,
            "user_id": actor.user_id,
            "client_id": actor.client_id,
            "job_id": job.id,
            "query": _encode(query_to_builtins(query)),
            "change": _encode(edit),
            "counts": _encode(BulkCounts()),
            "undo_result": None,
            "created_at": job.created_at,
            "undo_until": job.created_at + UNDO_PERIOD,
        }
        database.execute(INSERT_BULK_CHANGE, values)
        return get_bulk_change(database, tenant_id, bulk_change_id)


def get_bulk_change(database: Database, tenant_id: int, bulk_change_id: str) -> BulkChange:
    """Return a bulk change of the tenant. Raise `NotFound` if it does not exist."""
    values = {"of_tenant": tenant_id, "of_bulk_change": bulk_change_id}
    row = database.fetch_one(GET_BULK_CHANGE, values) if is_id(bulk_change_id) else None
    if row is None:
        raise NotFound(_("There is no bulk change {id}.", id=bulk_change_id))
    return _bulk_change(row)


def start_undo(database: Database, found: BulkChange, actor: Actor) -> BulkChange:
    """Queue the job that undoes a bulk change, and return the bulk change.

    Raise `Conflict` if it runs, has been undone, or was started more than `UNDO_PERIOD` ago.
    """
    if found.is_over:
        raise Conflict(
            _("Bulk change {id} can no longer be undone: {days} days have passed.", id=found.id, days=UNDO_PERIOD.days)
        )
    if found.state not in ("completed", "failed", "cancelled"):
        raise Conflict(_("Bulk change {id} cannot be undone: its state is {state}.", id=found.id, state=found.state))
    with database.transaction():
        is_last = lock_last_job(database, found.tenant_id, found.id, found.job.id)
        if not is_last or get_job(database, found.tenant_id, found.job.id).is_active:
            raise Conflict(_("Bulk change {id} has been changed by another request. Read it again.", id=found.id))
        job = create_job(database, found.tenant_id, actor, "undo_bulk_change", {"bulk_change_id": found.id})
        database.execute(SET_JOB, _of(found) | {"old_job": found.job.id, "new_job": job.id})
        return get_bulk_change(database, found.tenant_id, found.id)


def lock_last_job(database: Database, tenant_id: int, bulk_change_id: str, job_id: str) -> bool:
    """Lock a bulk change until the transaction ends. Return False if this is not its last job."""
    values = {"of_tenant": tenant_id, "of_bulk_change": bulk_change_id, "old_job": job_id, "new_job": job_id}
    return bool(database.execute(SET_JOB, values))


def set_counts(database: Database, found: BulkChange, counts: BulkCounts) -> None:
    """Store the counts of customers so far."""
    database.execute(SET_COUNTS, _of(found) | {"new_counts": _encode(counts)})


def set_undo_result(database: Database, found: BulkChange, counts: Mapping[str, int]) -> None:
    """Store the counts of an undo."""
    database.execute(SET_UNDO_RESULT, _of(found) | {"new_result": _encode(counts)})


def forget_query(database: Database, found: BulkChange) -> None:
    """Delete the query of a bulk change, which may contain the name of a person."""
    database.execute(FORGET_QUERY, _of(found))


def delete_expired_bulk_changes(database: Database, before: datetime) -> int:
    """Delete what is needed to undo some bulk changes whose period ended before a time. Return their number."""
    expired = database.fetch_all(FIND_EXPIRED, {"before": before})
    for tenant_id, bulk_change_id in expired:
        delete_issues(database, tenant_id, bulk_change_id, "refused", "kept")
        with database.transaction():
            delete_positions(database, tenant_id, bulk_change_id)
            database.execute(END_UNDO_PERIOD, {"of_tenant": tenant_id, "of_bulk_change": bulk_change_id})
    return len(expired)


def _of(found: BulkChange) -> dict[str, Any]:
    return {"of_tenant": found.tenant_id, "of_bulk_change": found.id}


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _bulk_change(row: Row) -> BulkChange:
    tenant_id, number, user_id, client_id, query, edit, counts, undo_result, created_at, undo_until = row[
        : len(COLUMNS)
    ]
    return BulkChange(
        tenant_id=tenant_id,
        id=number,
        actor=Actor(user_id, client_id),
        query=query and query_from_builtins(msgspec.json.decode(query)),
        edit=msgspec.json.decode(edit, type=CustomerEdit),
        counts=msgspec.json.decode(counts, type=BulkCounts),
        undo_result=undo_result and msgspec.json.decode(undo_result),
        created_at=created_at,
        undo_until=undo_until,
        job=job_of(row[len(COLUMNS) :]),
    )
