"""The queue of jobs: rows of the database that any process can claim.

A process claims a job for `LEASE` and renews the claim while it works. If the process ends, another one claims the job
after that time and continues at its checkpoint. A step of a job and its checkpoint are written in one transaction,
which fails if the claim has been lost. So each step is done exactly once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import Text, bindparam, delete, func, insert, literal_column, null, or_, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import without_index
from regulars.db.statement import Row, Statement
from regulars.db.tables import jobs
from regulars.errors import Conflict, NotFound
from regulars.i18n import _, from_builtins, to_builtins
from regulars.permissions import Actor
from regulars.security.tokens import is_id, new_id

JobKind = Literal["detect", "preview", "import", "undo", "export", "empty_trash", "bulk_change", "undo_bulk_change"]
JobState = Literal["queued", "running", "completed", "failed", "cancelled"]
JOB_STATES: tuple[str, ...] = get_args(JobState)
LEASE = timedelta(seconds=30)
RUNNING_PER_TENANT = 2
"""Number of jobs of a tenant that run at the same time."""

JobData = dict[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job. Times are UTC."""

    tenant_id: int
    id: str
    kind: JobKind
    state: JobState
    actor: Actor
    """The user and the application that started it."""
    arguments: JobData
    checkpoint: JobData | None
    """What has been done, as the job itself describes it."""
    result: JobData | None
    error: str | None
    """Why the job failed or, if it is queued, why it is tried again later."""
    done: int
    total: int | None
    """The numbers of done and of all steps. The total may be unknown."""
    attempts: int
    """The number of claims since the last checkpoint."""
    claim: str | None
    cancelled_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Tell whether the job is queued or running."""
        return self.state in ("queued", "running")

    @property
    def percent(self) -> int | None:
        """The share of done steps in percent, or None if the total is unknown."""
        if self.state == "completed":
            return 100
        return min(99, self.done * 100 // self.total) if self.total else None


JOB_COLUMNS = (
    "tenant_id",
    "id",
    "kind",
    "state",
    "user_id",
    "client_id",
    "arguments",
    "checkpoint",
    "result",
    "error",
    "done",
    "total",
    "attempts",
    "claim",
    "cancelled_at",
    "created_at",
    "started_at",
    "finished_at",
)
COLUMNS = tuple(jobs.c[name] for name in JOB_COLUMNS)
IS_OF_TENANT = jobs.c.tenant_id == bindparam("tenant_id")
IS_JOB = (jobs.c.tenant_id == bindparam("of_tenant"), jobs.c.id == bindparam("of_job"))
IS_CLAIMED = (*IS_JOB, jobs.c.claim == bindparam("of_claim"), jobs.c.state == "running")
IS_ACTIVE = jobs.c.state.in_([literal_column("'queued'"), literal_column("'running'")])
HAS_FAILED = jobs.c.state.in_([literal_column("'failed'"), literal_column("'cancelled'")])
IS_DUE = (
    IS_ACTIVE,
    jobs.c.due_at <= bindparam("now", type_=jobs.c.due_at.type),
)
INSERT_JOB = Statement(insert(jobs).values({name: bindparam(name) for name in (*JOB_COLUMNS, "due_at")}))
GET_JOB = Statement(select(*COLUMNS).where(IS_OF_TENANT, jobs.c.id == bindparam("id")))
LIST_JOBS = Statement(
    select(*COLUMNS)
    .where(
        IS_OF_TENANT,
        jobs.c.id < bindparam("before"),
        or_(bindparam("state", type_=Text) == literal_column("''"), jobs.c.state == bindparam("state")),
        or_(bindparam("kind", type_=Text) == literal_column("''"), jobs.c.kind == bindparam("kind")),
    )
    .order_by(jobs.c.id.desc())
    .limit(bindparam("limit"))
)
# The index on `due_at` has only queued and running jobs. Otherwise SQLite reads all jobs in the order of the groups.
_tenant_id = without_index(jobs.c.tenant_id)
FIND_DUE = Statement(select(jobs.c.tenant_id, func.min(jobs.c.id)).where(*IS_DUE).group_by(_tenant_id))
COUNT_RUNNING = Statement(
    select(jobs.c.tenant_id, func.count())
    .where(IS_ACTIVE, jobs.c.state == "running", jobs.c.due_at > bindparam("now", type_=jobs.c.due_at.type))
    .group_by(_tenant_id)
)
CLAIM_JOB = Statement(
    update(jobs)
    .where(*IS_JOB, *IS_DUE)
    .values(
        state="running",
        claim=bindparam("new_claim"),
        due_at=bindparam("until"),
        attempts=jobs.c.attempts + literal_column("1"),
        started_at=func.coalesce(jobs.c.started_at, bindparam("now", type_=jobs.c.due_at.type)),
    )
)
RENEW_CLAIM = Statement(
    update(jobs)
    .where(*IS_CLAIMED)
    .values(due_at=bindparam("until"), done=bindparam("new_done"), total=bindparam("new_total"))
    .returning(jobs.c.cancelled_at)
)
SAVE_CHECKPOINT = Statement(
    update(jobs)
    .where(*IS_CLAIMED)
    .values(
        checkpoint=bindparam("new_checkpoint"),
        done=bindparam("new_done"),
        total=bindparam("new_total"),
        due_at=bindparam("until"),
        attempts=literal_column("1"),
        error=null(),
    )
    .returning(jobs.c.cancelled_at)
)
END_JOB = Statement(
    update(jobs)
    .where(*IS_CLAIMED)
    .values(
        state=bindparam("new_state"),
        result=bindparam("new_result"),
        error=bindparam("new_error"),
        done=bindparam("new_done"),
        total=bindparam("new_total"),
        finished_at=bindparam("now"),
        claim=null(),
    )
)
POSTPONE_JOB = Statement(
    update(jobs)
    .where(*IS_CLAIMED)
    .values(state="queued", error=bindparam("new_error"), due_at=bindparam("until"), claim=null())
)
CANCEL_JOB = Statement(
    update(jobs)
    .where(*IS_JOB, IS_ACTIVE)
    .values(cancelled_at=func.coalesce(jobs.c.cancelled_at, bindparam("now", type_=jobs.c.due_at.type)))
)
CANCEL_QUEUED = Statement(
    update(jobs).where(*IS_JOB, jobs.c.state == "queued").values(state="cancelled", finished_at=bindparam("now"))
)
RETRY_JOB = Statement(
    update(jobs)
    .where(*IS_JOB, HAS_FAILED)
    .values(
        state="queued",
        error=null(),
        due_at=bindparam("now"),
        cancelled_at=null(),
        finished_at=null(),
        attempts=literal_column("0"),
        claim=null(),
    )
)
DELETE_JOBS = Statement(
    delete(jobs).where(jobs.c.tenant_id == bindparam("of_tenant"), jobs.c.arguments == bindparam("of_arguments"))
)
DELETE_OLD_EXPORTS = Statement(
    delete(jobs).where(
        jobs.c.tenant_id == bindparam("of_tenant"),
        jobs.c.kind == "export",
        jobs.c.finished_at < bindparam("before", type_=jobs.c.finished_at.type),
    )
)


def create_job(
    database: Database,
    tenant_id: int,
    actor: Actor,
    kind: JobKind,
    arguments: JobData,
    *,
    job_id: str | None = None,
    claim: str | None = None,
    checkpoint: JobData | None = None,
) -> Job:
    """Queue a job, and return it. With `claim`, the job is claimed immediately: the caller runs it itself.

    It starts at `checkpoint`, which another job has reached.
    """
    now = utc_now()
    job_id = job_id or new_id()
    values = dict.fromkeys(JOB_COLUMNS) | {
        "tenant_id": tenant_id,
        "id": job_id,
        "kind": kind,
        "state": "running" if claim else "queued",
        "user_id": actor.user_id,
        "client_id": actor.client_id,
        "arguments": _encode(arguments),
        "checkpoint": None if checkpoint is None else _encode(checkpoint),
        "done": 0,
        "attempts": 1 if claim else 0,
        "claim": claim,
        "due_at": now + LEASE if claim else now,
        "created_at": now,
        "started_at": now if claim else None,
    }
    database.execute(INSERT_JOB, values)
    return get_job(database, tenant_id, job_id)


def get_job(database: Database, tenant_id: int, job_id: str) -> Job:
    """Return a job of the tenant. Raise `NotFound` if it does not exist."""
    row = database.fetch_one(GET_JOB, {"tenant_id": tenant_id, "id": job_id}) if is_id(job_id) else None
    if row is None:
        raise NotFound(_("There is no job {id}.", id=job_id))
    return job_of(row)


def list_jobs(
    database: Database,
    tenant_id: int,
    *,
    before: str = "~",
    state: JobState | None = None,
    kind: JobKind | None = None,
    limit: int = 100,
) -> list[Job]:
    """Return the newest jobs of the tenant with an id before `before`, newest first.

    With `state` or `kind`, return only jobs that have it.
    """
    values = {"tenant_id": tenant_id, "before": before, "state": state or "", "kind": kind or "", "limit": limit}
    return [job_of(row) for row in database.fetch_all(LIST_JOBS, values)]


def cancel_job(database: Database, tenant_id: int, job_id: str) -> Job:
    """Cancel a job, and return it. A running job stops after its current step.

    Raise `NotFound` if it does not exist, and `Conflict` if it has ended.
    """
    values = {"of_tenant": tenant_id, "of_job": job_id, "now": utc_now()}
    with database.transaction():
        is_active = database.execute(CANCEL_JOB, values)
        database.execute(CANCEL_QUEUED, values)
        job = get_job(database, tenant_id, job_id)
    if not is_active:
        raise Conflict(_("Job {id} has ended ({state}), so it cannot be cancelled.", id=job_id, state=job.state))
    return job


def retry_job(database: Database, tenant_id: int, job_id: str) -> Job:
    """Queue a failed or cancelled job again, and return it. It continues at its checkpoint.

    Raise `NotFound` if it does not exist, and `Conflict` if it has not failed.
    """
    values = {"of_tenant": tenant_id, "of_job": job_id, "now": utc_now()}
    is_queued = database.execute(RETRY_JOB, values)
    job = get_job(database, tenant_id, job_id)
    if not is_queued:
        state = job.state
        raise Conflict(_("Job {id} is {state}. Only a failed or cancelled job can be retried.", id=job_id, state=state))
    return job


def claim_next(database: Database) -> Job | None:
    """Claim a job that is due, and return it; None if there is none.

    Tenants with fewer running jobs come first, and no tenant has more than `RUNNING_PER_TENANT`.
    """
    due = database.fetch_all(FIND_DUE, {"now": utc_now()})
    if not due:
        return None
    running: dict[int, int] = dict(database.fetch_all(COUNT_RUNNING, {"now": utc_now()}))
    for tenant_id, job_id in sorted(due, key=lambda row: (running.get(row[0], 0), row[1])):
        if running.get(tenant_id, 0) < RUNNING_PER_TENANT and (job := _claim(database, tenant_id, job_id)):
            return job
    return None


def _claim(database: Database, tenant_id: int, job_id: str) -> Job | None:
    now, claim = utc_now(), new_id()
    values = {"of_tenant": tenant_id, "of_job": job_id, "now": now, "until": now + LEASE, "new_claim": claim}
    return get_job(database, tenant_id, job_id) if database.execute(CLAIM_JOB, values) else None


def renew_claim(database: Database, job: Job, done: int, total: int | None) -> None:
    """Renew the claim of a job, and store its progress. Raise `ClaimLost` or `JobCancelled`."""
    values = {"new_done": done, "new_total": total, "until": utc_now() + LEASE}
    _check_continues(database.fetch_one(RENEW_CLAIM, _claimed(job) | values))


def _check_continues(row: Row | None) -> None:
    if row is None:
        raise ClaimLost
    if row[0] is not None:
        raise JobCancelled


class ClaimLost(Exception):
    """Another process has claimed the job, or the job has ended."""


class JobCancelled(Exception):
    """Somebody has cancelled the job."""


def save_checkpoint(database: Database, job: Job, checkpoint: JobData, done: int, total: int | None) -> None:
    """Store what has been done, in the transaction that does it, and renew the claim.

    Raise `ClaimLost` or `JobCancelled` if the job must not continue. Then the transaction must be rolled back.
    """
    values = {
        "new_checkpoint": _encode(checkpoint),
        "new_done": done,
        "new_total": total,
        "until": utc_now() + LEASE,
    }
    _check_continues(database.fetch_one(SAVE_CHECKPOINT, _claimed(job) | values))


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended: its state, and its result or the reason of its failure."""

    state: JobState
    result: JobData | None = None
    error: str | None = None


def end_job(database: Database, job: Job, end: JobEnd, done: int = 0, total: int | None = None) -> None:
    """Let a job end. Raise `ClaimLost`."""
    values = {
        "new_state": end.state,
        "new_result": None if end.result is None else _encode(end.result),
        "new_error": None if end.error is None else _encode(to_builtins(end.error)),
        "new_done": done,
        "new_total": total,
        "now": utc_now(),
    }
    if not database.execute(END_JOB, _claimed(job) | values):
        raise ClaimLost


def postpone_job(database: Database, job: Job, error: str, delay: timedelta) -> None:
    """Let a job continue later, for a reason, which may be empty. Do nothing if its claim has been lost."""
    values = {"new_error": _encode(to_builtins(error)) if error else None, "until": utc_now() + delay}
    database.execute(POSTPONE_JOB, _claimed(job) | values)


def delete_jobs(database: Database, tenant_id: int, import_id: str) -> None:
    """Delete the jobs of an import. One that is running ends, because it loses its claim."""
    arguments = _encode({"import_id": import_id})
    database.execute(DELETE_JOBS, {"of_tenant": tenant_id, "of_arguments": arguments})


def delete_old_exports(database: Database, tenant_id: int, before: datetime) -> None:
    """Delete the export jobs of a tenant that ended before a time."""
    database.execute(DELETE_OLD_EXPORTS, {"of_tenant": tenant_id, "before": before})


def _claimed(job: Job) -> dict[str, Any]:
    return {"of_tenant": job.tenant_id, "of_job": job.id, "of_claim": job.claim}


def _encode(value: Mapping[str, Any] | str) -> str:
    return msgspec.json.encode(value).decode()


def job_of(row: Row) -> Job:
    """Return the job in a row of `COLUMNS`."""
    values = dict(zip(JOB_COLUMNS, row, strict=True))
    actor = Actor(values.pop("user_id"), values.pop("client_id"))
    for name in ("arguments", "checkpoint", "result"):
        values[name] = values[name] and msgspec.json.decode(values[name])
    values["error"] = values["error"] and from_builtins(msgspec.json.decode(values["error"]))
    return Job(actor=actor, **values)
