"""The imports of a tenant, as they are stored."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec import structs
from sqlalchemy import bindparam, delete, insert, select, update

from regulars.clock import utc_now
from regulars.customers.imports.settings import CHOICE_NAMES, SUGGESTED_NAMES, DetectedFile, ImportSettings
from regulars.customers.issues import delete_issues
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import imports, jobs
from regulars.errors import Conflict, NotFound
from regulars.i18n import Message, _
from regulars.jobs.files import StoredFile, delete_file, set_expiry
from regulars.jobs.queue import COLUMNS as JOB_COLUMNS
from regulars.jobs.queue import Job, JobData, JobKind, create_job, delete_jobs, get_job, job_of
from regulars.permissions import Actor
from regulars.security.tokens import is_id
from regulars.tenants.locks import lock_tenant

UNDO_PERIOD = timedelta(days=30)
"""How long the file of an import is kept, and everything needed to undo the import."""

ImportState = Literal[
    "detecting",
    "unreadable",
    "ready",
    "previewing",
    "importing",
    "imported",
    "failed",
    "cancelled",
    "undoing",
    "undone",
]
ACTIVE_STATES = {"detect": "detecting", "preview": "previewing", "import": "importing", "undo": "undoing"}
ENDED_STATES: dict[tuple[str, str], ImportState] = {
    ("detect", "failed"): "unreadable",
    ("detect", "cancelled"): "cancelled",
    ("import", "completed"): "imported",
    ("import", "failed"): "failed",
    ("import", "cancelled"): "cancelled",
    ("undo", "completed"): "undone",
    ("undo", "failed"): "imported",
    ("undo", "cancelled"): "imported",
}
"""The state of an import by the kind and the state of its last job. It is "ready" otherwise."""


@dataclass(frozen=True, slots=True)
class Import:
    """An import: its file, its settings, its last job, and its results. Times are UTC."""

    tenant_id: int
    id: str
    file_name: str
    file_size: int
    digest: str
    """The SHA-256 digest of the file, in hexadecimal."""
    actor: Actor
    """The user and the application that uploaded the file."""
    settings: ImportSettings
    detected: DetectedFile | None
    preview: dict[str, Any] | None
    result: dict[str, Any] | None
    undo_result: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    undo_until: datetime | None
    """When the file is deleted and the import can no longer be undone. None after that."""
    job: Job

    @property
    def state(self) -> ImportState:
        """What happens with the import, or what happened last."""
        if self.job.is_active:
            return ACTIVE_STATES[self.job.kind]  # type: ignore[return-value]
        return ENDED_STATES.get((self.job.kind, self.job.state), "ready")

    @property
    def counts(self) -> dict[str, Any] | None:
        """The counts of the import; while it runs, or after it was cancelled, those of the rows so far."""
        if self.result is None and self.job.kind == "import" and self.job.checkpoint:
            counts: dict[str, Any] = self.job.checkpoint.get("counts") or {}
            return counts or None
        return self.result

    @property
    def can_be_undone(self) -> bool:
        """Tell whether customers of the import may exist that an undo removes or restores."""
        return self.started_at is not None and self.state in ("imported", "cancelled", "failed") and not self.is_over

    @property
    def is_over(self) -> bool:
        """Tell whether the period for an undo is over."""
        return self.undo_until is None or self.undo_until < utc_now()


CHANGED = _("Import {id} cannot be changed: its state is {state}.", id="", state="")
PREVIEWED = _("Import {id} cannot be previewed: its state is {state}.", id="", state="")
STARTED = _("Import {id} cannot be started: its state is {state}.", id="", state="")
UNDONE = _("Import {id} cannot be undone: its state is {state}.", id="", state="")

IMPORT_FIELDS = (
    "tenant_id",
    "id",
    "file_name",
    "file_size",
    "digest",
    "user_id",
    "client_id",
    "settings",
    "detected",
    "preview",
    "result",
    "undo_result",
    "created_at",
    "started_at",
    "undo_until",
)
IS_IMPORT = (imports.c.tenant_id == bindparam("of_tenant"), imports.c.id == bindparam("of_import"))
INSERT_IMPORT = Statement(insert(imports).values({name: bindparam(name) for name in (*IMPORT_FIELDS, "job_id")}))
_imports = (
    select(*(imports.c[name] for name in IMPORT_FIELDS), *JOB_COLUMNS)
    .join_from(imports, jobs, (jobs.c.tenant_id == imports.c.tenant_id) & (jobs.c.id == imports.c.job_id))
    .where(imports.c.tenant_id == bindparam("of_tenant"))
)
GET_IMPORT = Statement(_imports.where(imports.c.id == bindparam("of_import")))
LIST_IMPORTS = Statement(
    _imports.where(imports.c.id < bindparam("before")).order_by(imports.c.id.desc()).limit(bindparam("limit"))
)
FIND_SAME_FILE = Statement(
    _imports.where(
        imports.c.digest == bindparam("digest"),
        imports.c.id != bindparam("of_import"),
        imports.c.started_at.is_not(None),
        imports.c.undo_result.is_(None),
    ).order_by(imports.c.id.desc())
)
SET_JOB = Statement(
    update(imports).where(*IS_IMPORT, imports.c.job_id == bindparam("old_job")).values(job_id=bindparam("new_job"))
)
DELETE_IMPORT = Statement(delete(imports).where(*IS_IMPORT, imports.c.started_at.is_(None)))
SET_COLUMN = {
    name: Statement(update(imports).where(*IS_IMPORT).values({name: bindparam("new_value")}))
    for name in ("settings", "detected", "preview", "result", "undo_result", "started_at", "undo_until")
}


def create_import(
    database: Database, tenant_id: int, actor: Actor, file: StoredFile, settings: ImportSettings, *, claim: str | None
) -> Import:
    """Create an import of a stored file, and a job that examines the file. Return the import.

    With `claim`, the caller runs the job itself.
    """
    with database.transaction():
        job = create_job(database, tenant_id, actor, "detect", {"import_id": file.id}, claim=claim)
        undo_until = utc_now() + UNDO_PERIOD
        values = dict.fromkeys(IMPORT_FIELDS) | {
            "tenant_id": tenant_id,
            "id": file.id,
            "file_name": file.name,
            "file_size": file.size,
            "digest": file.digest,
            "user_id": actor.user_id,
            "client_id": actor.client_id,
            "settings": _encode(settings),
            "created_at": utc_now(),
            "undo_until": undo_until,
            "job_id": job.id,
        }
        database.execute(INSERT_IMPORT, values)
        set_expiry(database, tenant_id, file.id, undo_until)
        return get_import(database, tenant_id, file.id)


def get_import(database: Database, tenant_id: int, import_id: str) -> Import:
    """Return an import of the tenant. Raise `NotFound` if it does not exist."""
    values = {"of_tenant": tenant_id, "of_import": import_id}
    row = database.fetch_one(GET_IMPORT, values) if is_id(import_id) else None
    if row is None:
        raise NotFound(_("There is no import {id}.", id=import_id))
    return _import(row)


def list_imports(database: Database, tenant_id: int, *, before: str = "~", limit: int = 100) -> list[Import]:
    """Return the newest imports of the tenant with an id before `before`, newest first."""
    values = {"of_tenant": tenant_id, "before": before, "limit": limit}
    return [_import(row) for row in database.fetch_all(LIST_IMPORTS, values)]


def change_settings(
    database: Database, found: Import, settings: ImportSettings, actor: Actor, *, claim: str | None = None
) -> Import:
    """Change the settings of an import before it starts, and return it.

    If its file must be read in another way, it is examined again. Raise `Conflict` if the import has started or if a
    job works on it.
    """
    _check_state(found, ("ready", "unreadable"), CHANGED)
    settings = _without_outdated(found.settings, settings)
    with database.transaction():
        _lock(database, found)
        set_column(database, found, "settings", _encode(settings))
        if settings != found.settings:
            set_result(database, found, "preview", None)
        if found.detected is None or _needs_detection(found.settings, settings):
            _begin(database, found, "detect", actor, claim)
        return get_import(database, found.tenant_id, found.id)


def _without_outdated(before: ImportSettings, settings: ImportSettings) -> ImportSettings:
    """Return new settings without those from before that depend on what has been changed. Detection fills them in."""
    changed = {name for name in ImportSettings.__struct_fields__ if getattr(settings, name) != getattr(before, name)}
    outdated: set[str] = set()
    if not changed.isdisjoint(CHOICE_NAMES):
        outdated = {*SUGGESTED_NAMES}
    elif "mapping" in changed and settings.mapping is not None:
        outdated = {"date_order"} if settings.match_by in ("none", *settings.mapping) else {"date_order", "match_by"}
    return structs.replace(settings, **dict.fromkeys(outdated - changed))


def _needs_detection(before: ImportSettings, settings: ImportSettings) -> bool:
    names = (*CHOICE_NAMES, "mapping", "date_order")
    is_changed = any(getattr(settings, name) != getattr(before, name) for name in names)
    return is_changed or any(getattr(settings, name) is None for name in SUGGESTED_NAMES)


def start_preview(database: Database, found: Import, actor: Actor, *, claim: str | None = None) -> Import:
    """Start a dry run of the import, and return it. Raise `Conflict` if it is not ready."""
    _check_state(found, ("ready",), PREVIEWED)
    with database.transaction():
        _begin(database, found, "preview", actor, claim)
        return get_import(database, found.tenant_id, found.id)


def start_import(
    database: Database, found: Import, actor: Actor, *, is_confirmed: bool, claim: str | None = None
) -> Import:
    """Start the import, and return it.

    Raise `Conflict` if it is not ready or, unless `is_confirmed`, if the same file has been imported before.
    """
    _check_state(found, ("ready",), STARTED)
    with database.transaction():
        # Otherwise two imports of the same file could start at the same time.
        lock_tenant(database, found.tenant_id)
        earlier = find_same_file(database, found)
        if earlier and not is_confirmed:
            raise _same_file(earlier[0])
        set_column(database, found, "started_at", utc_now())
        _begin(database, found, "import", actor, claim)
        return get_import(database, found.tenant_id, found.id)


def find_same_file(database: Database, found: Import) -> list[Import]:
    """Return the imports with the same file that have started and were not undone, newest first."""
    values = {"of_tenant": found.tenant_id, "of_import": found.id, "digest": found.digest}
    earlier = [_import(row) for row in database.fetch_all(FIND_SAME_FILE, values)]
    return [each for each in earlier if each.state != "failed"]


def start_undo(database: Database, found: Import, actor: Actor, *, claim: str | None = None) -> Import:
    """Start to undo the import, and return it. After an undo that has not ended, continue where that stopped.

    Raise `Conflict` if it has not been imported, has been undone, or was imported more than `UNDO_PERIOD` ago.
    """
    if found.started_at is not None and found.is_over:
        raise Conflict(
            _("Import {id} can no longer be undone: {days} days have passed.", id=found.id, days=UNDO_PERIOD.days)
        )
    if found.started_at is None or not found.can_be_undone:
        raise _wrong_state(found, UNDONE)
    with database.transaction():
        _begin(database, found, "undo", actor, claim, found.job.checkpoint if found.job.kind == "undo" else None)
        return get_import(database, found.tenant_id, found.id)


def discard_import(database: Database, found: Import) -> None:
    """Delete an import that was not started, with its file. Raise `Conflict` if it has started."""
    if found.started_at is not None:
        raise Conflict(_("Import {id} has been started, so it cannot be deleted. Undo it instead.", id=found.id))
    delete_issues(database, found.tenant_id, found.id, "refused", "skipped")
    with database.transaction():
        values = {"of_tenant": found.tenant_id, "of_import": found.id}
        if not database.execute(DELETE_IMPORT, values):
            raise _changed(found)
        delete_jobs(database, found.tenant_id, found.id)
        delete_file(database, found.tenant_id, found.id)


def set_result(database: Database, found: Import, name: str, result: dict[str, Any] | None) -> None:
    """Store a result of the import: `detected`, `preview`, `result` or `undo_result`."""
    set_column(database, found, name, None if result is None else _encode(result))


def keep_until_undo(database: Database, found: Import) -> None:
    """Keep the file, and what is needed for an undo, for `UNDO_PERIOD` from now."""
    until = utc_now() + UNDO_PERIOD
    set_column(database, found, "undo_until", until)
    set_expiry(database, found.tenant_id, found.id, until)


def set_column(database: Database, found: Import, name: str, value: object) -> None:
    """Set a column of the import."""
    database.execute(SET_COLUMN[name], {"of_tenant": found.tenant_id, "of_import": found.id, "new_value": value})


def _lock(database: Database, found: Import) -> None:
    """Lock an import until the transaction ends. Raise `Conflict` if a job has been started since it was read."""
    is_last = lock_last_job(database, found.tenant_id, found.id, found.job.id)
    if not is_last or get_job(database, found.tenant_id, found.job.id).is_active:
        raise _changed(found)


def lock_last_job(database: Database, tenant_id: int, import_id: str, job_id: str) -> bool:
    """Lock an import until the transaction ends. Return False if this is not its last job."""
    values = {"of_tenant": tenant_id, "of_import": import_id, "old_job": job_id, "new_job": job_id}
    return bool(database.execute(SET_JOB, values))


def _changed(found: Import) -> Conflict:
    return Conflict(_("Import {id} has been changed by another request. Read it again.", id=found.id))


def _begin(
    database: Database,
    found: Import,
    kind: JobKind,
    actor: Actor,
    claim: str | None,
    checkpoint: JobData | None = None,
) -> None:
    _lock(database, found)
    job = create_job(
        database, found.tenant_id, actor, kind, {"import_id": found.id}, claim=claim, checkpoint=checkpoint
    )
    values = {"of_tenant": found.tenant_id, "of_import": found.id, "old_job": found.job.id, "new_job": job.id}
    database.execute(SET_JOB, values)


def _check_state(found: Import, allowed: Collection[str], refusal: Message) -> None:
    if found.state not in allowed:
        raise _wrong_state(found, refusal)


def _wrong_state(found: Import, refusal: Message) -> Conflict:
    return Conflict(Message(refusal.template, {"id": found.id, "state": found.state}))


def _same_file(earlier: Import) -> Conflict:
    sentence = _(
        "The same file was imported before as {name} (import {id}). Confirm that it is to be imported again.",
        name=earlier.file_name,
        id=earlier.id,
    )
    return Conflict(sentence, {"confirm": [sentence]})


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _import(row: Row) -> Import:
    count = len(IMPORT_FIELDS)
    values = dict(zip(IMPORT_FIELDS, row[:count], strict=True))
    actor = Actor(values.pop("user_id"), values.pop("client_id"))
    values["settings"] = msgspec.json.decode(values["settings"], type=ImportSettings)
    values["detected"] = values["detected"] and msgspec.json.decode(values["detected"], type=DetectedFile)
    for name in ("preview", "result", "undo_result"):
        values[name] = values[name] and msgspec.json.decode(values[name])
    return Import(actor=actor, job=job_of(row[count:]), **values)
