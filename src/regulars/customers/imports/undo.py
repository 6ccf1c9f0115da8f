"""The job that undoes an import: it removes the customers that were created, and restores those that were changed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, case, func, or_, select

from regulars.customers.change_log import CREATED
from regulars.customers.fields import FIELD_TYPES, PERSONAL_FIELDS, Record
from regulars.customers.imports.batches import first_position, last_batch
from regulars.customers.imports.issues import Issue, add_issue, delete_issues, find_issues
from regulars.customers.imports.rows import Remark
from regulars.customers.imports.store import Import, get_import, set_result
from regulars.customers.write.change_set import ChangeSet, open_change_set
from regulars.customers.write.commands import erase_log_values
from regulars.customers.write.references import References
from regulars.db.bulk_load import analyze_tenants
from regulars.db.database import Database
from regulars.db.dialects import one_of, without_index
from regulars.db.statement import Statement
from regulars.db.tables import customer_changes
from regulars.errors import Conflict
from regulars.i18n import _
from regulars.jobs.queue import JobData
from regulars.jobs.transactions import in_transactions
from regulars.jobs.worker import JobRun

END = 2**63 - 1
CHANGES_PER_STEP = 256

LIST_IMPORTED_CHANGES = Statement(
    select(
        customer_changes.c.position,
        customer_changes.c.customer_id,
        customer_changes.c.action,
        customer_changes.c.fields,
    )
    .where(
        customer_changes.c.tenant_id == bindparam("tenant_id"),
        customer_changes.c.position.between(bindparam("first"), bindparam("last")),
    )
    .order_by(customer_changes.c.position.desc())
)
_is_imported = customer_changes.c.import_id == bindparam("import_id")
_is_other = or_(customer_changes.c.import_id.is_(None), customer_changes.c.import_id != bindparam("import_id"))
FIND_POSITIONS = Statement(
    select(
        customer_changes.c.customer_id,
        func.min(case((_is_imported, customer_changes.c.position))),
        func.max(case((_is_other, customer_changes.c.position))),
    )
    .where(
        customer_changes.c.tenant_id == bindparam("tenant_id"),
        one_of(customer_changes.c.customer_id, "ids"),
        # Earlier changes of the import belong to an attempt that failed, and have been reverted. The index on the
        # customer finds few rows; all changes since may be many.
        without_index(customer_changes.c.position) >= bindparam("start"),
    )
    .group_by(customer_changes.c.customer_id)
)
COUNT_NAMES = ("removed", "restored", "kept")


def undo(run: JobRun) -> JobData:
    """Undo an import, and return the counts of removed, restored and kept customers.

    A customer that was changed since is kept, and listed with the reason.
    """
    found = get_import(run.database, run.job.tenant_id, run.job.arguments["import_id"])
    if not run.checkpoint:
        delete_issues(run.database, found.tenant_id, found.id, "kept")
    counts = undo_changes(run, found)
    with run.database.transaction():
        run.save(run.checkpoint, sum(counts.values()), None)
        set_result(run.database, found, "undo_result", counts)
    return counts


def undo_changes(run: JobRun, found: Import) -> dict[str, int]:
    """Revert the changes of an import, the last ones first, and return the counts.

    The checkpoint of the run has the position before which changes remain.
    """
    undoing = _Undo(run, found)
    analyze_tenants(run.database)
    for _transaction in in_transactions(run, undoing.positions(), lambda steps: undoing.revert(*steps)):
        pass
    return undoing.counts


class _ImportedChange(NamedTuple):
    position: int
    customer_id: int
    action: str
    fields: Mapping[str, Any]


class _Positions(NamedTuple):
    """The positions of the first change of a customer by the import, and of the last one by anybody else."""

    first: int
    last_other: int | None

    @property
    def is_changed_since(self) -> bool:
        return self.last_other is not None and self.last_other > self.first


class _Undo:
    """An undo, from the checkpoint of its run."""

    def __init__(self, run: JobRun, found: Import) -> None:
        self.run = run
        self.found = found
        self.before: int = run.checkpoint.get("before", END)
        self.counts: dict[str, int] = run.checkpoint.get("undone") or dict.fromkeys(COUNT_NAMES, 0)
        self.start = first_position(run.database, found.tenant_id, found.id)
        self.kept: set[int] = set()
        """Customers of the current changes that are kept."""

    def positions(self) -> Iterator[range]:
        """Yield the positions of changes that remain, the last ones first."""
        database, found = self.run.database, self.found
        while positions := last_batch(database, found.tenant_id, found.id, self.before)[-CHANGES_PER_STEP:]:
            yield positions

    def revert(self, positions: range) -> None:
        """Revert the changes at these positions in one transaction, together with the checkpoint."""
        run, found = self.run, self.found
        with open_change_set(run.database, found.tenant_id, run.job.actor, found.id) as changes:
            imported = _list_changes(run.database, found.tenant_id, positions)
            ids = [change.customer_id for change in imported]
            self.kept = find_issues(run.database, found.tenant_id, found.id, "kept", ids)
            changes.preload(ids)
            self._revert(changes, imported, self._positions(ids))
            self.before = positions[0]
            checkpoint = {**run.checkpoint, "before": self.before, "undone": self.counts}
            run.save(checkpoint, sum(self.counts.values()), self._total())

    def _total(self) -> int | None:
        result = self.found.result
        return None if result is None else result["created"] + result["updated"]

    def _positions(self, ids: Sequence[int]) -> Mapping[int, _Positions]:
        values = {"tenant_id": self.found.tenant_id, "ids": ids, "import_id": self.found.id, "start": self.start}
        rows = self.run.database.fetch_all(FIND_POSITIONS, values)
        return {customer_id: _Positions(first, last_other) for customer_id, first, last_other in rows}

    def _revert(
        self, changes: ChangeSet, imported: Sequence[_ImportedChange], positions: Mapping[int, _Positions]
    ) -> None:
        removed: list[int] = []
        references = References(self.run.database, self.found.tenant_id)
        for change in imported:
            record = changes.find(change.customer_id)
            if record is None or record.id in self.kept:
                continue  # it was purged or erased, or one of its later changes cannot be reverted
            if positions[record.id].is_changed_since:
                self._keep(record, _("The customer has been changed since the import."))
            elif change.action == CREATED:
                removed.append(record.id)
                changes.remove(record, "purged", {})
            elif self._restore(changes, record, change, references):
                # Several rows may have changed a customer, or created and changed it. It counts once.
                self.counts["restored"] += change.position == positions[record.id].first
        self.counts["removed"] += len(removed)
        if removed:
            erase_log_values(changes, removed)

    def _restore(self, changes: ChangeSet, record: Record, change: _ImportedChange, references: References) -> bool:
        """Give a customer the values before a change. If that is impossible, keep it and return False."""
        before = {name: pair[0] for name, pair in change.fields.items()}
        tags = before.pop("tags", None)
        values = {name: _typed(name, value) for name, value in before.items() if name in PERSONAL_FIELDS}
        try:
            _check_references(values, references)
            changes.change(record, "updated", values, None if tags is None else references.existing_tags(tags))
        except Conflict as error:
            self._keep(record, error.message)
            return False
        return True

    def _keep(self, record: Record, reason: str) -> None:
        self.kept.add(record.id)
        issue = Issue("kept", record.id, [Remark("", reason)])
        self.counts["kept"] += add_issue(self.run.database, self.found.tenant_id, self.found.id, issue)


def _check_references(values: Mapping[str, Any], references: References) -> None:
    """Raise `Conflict` if a channel or member no longer exists."""
    checks = {"default_channel_id": references.channel, "user_id": references.member}
    for name, check in checks.items():
        if values.get(name) is not None:
            try:
                check(values[name])
            except ValueError as error:
                raise Conflict(_("{field} {rule}.", field=name, rule=error.args[0])) from None


def _typed(name: str, value: Any) -> Any:
    """Return a value of the change log with the type that it has in a record."""
    return msgspec.convert(value, FIELD_TYPES[name], strict=False) if isinstance(value, str) else value


def _list_changes(database: Database, tenant_id: int, positions: range) -> list[_ImportedChange]:
    values = {"tenant_id": tenant_id, "first": positions[0], "last": positions[-1]}
    rows = database.fetch_all(LIST_IMPORTED_CHANGES, values)
    return [
        _ImportedChange(position, customer_id, action, msgspec.json.decode(fields) if fields else {})
        for position, customer_id, action, fields in rows
    ]
