"""Revert the changes of an import or a bulk change: remove the customers that it created, and restore the others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, case, func, or_, select

from regulars.customers.change_log import CREATED
from regulars.customers.fields import FIELD_TYPES, PERSONAL_FIELDS, Record
from regulars.customers.issues import Issue, Remark, add_issue, find_issues
from regulars.customers.undo.positions import first_position, last_positions
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
from regulars.jobs.transactions import in_transactions
from regulars.jobs.worker import JobRun

END = 2**63 - 1
CHANGES_PER_STEP = 256
RESTORED_FIELDS = {*PERSONAL_FIELDS, "deleted_at"}

LIST_CHANGES = Statement(
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
_is_of_source = customer_changes.c.source_id == bindparam("source_id")
_is_other = or_(customer_changes.c.source_id.is_(None), customer_changes.c.source_id != bindparam("source_id"))
FIND_POSITIONS = Statement(
    select(
        customer_changes.c.customer_id,
        func.min(case((_is_of_source, customer_changes.c.position))),
        func.max(case((_is_other, customer_changes.c.position))),
    )
    .where(
        customer_changes.c.tenant_id == bindparam("tenant_id"),
        one_of(customer_changes.c.customer_id, "ids"),
        # Earlier changes of an import belong to an attempt that failed, and have been reverted. The index on the
        # customer finds few rows; all changes since may be many.
        without_index(customer_changes.c.position) >= bindparam("start"),
    )
    .group_by(customer_changes.c.customer_id)
)
COUNT_NAMES = ("removed", "restored", "kept")


class Source(NamedTuple):
    """The import or the bulk change whose changes are reverted."""

    tenant_id: int
    id: str
    total: int | None
    """The number of customers that it created or changed, if it is known."""
    changed_since: str
    """The reason for keeping a customer that somebody else has changed since."""


def revert_changes(run: JobRun, source: Source) -> dict[str, int]:
    """Revert the changes of a source, the last ones first. Return the counts of removed, restored and kept customers.

    A customer that was changed since is kept, and stored as an issue of the source. The checkpoint of the run has the
    position before which changes remain.
    """
    undo = _Undo(run, source)
    analyze_tenants(run.database)
    for _transaction in in_transactions(run, undo.positions(), lambda steps: undo.revert(*steps)):
        pass
    return undo.counts


class _LoggedChange(NamedTuple):
    position: int
    customer_id: int
    action: str
    fields: Mapping[str, Any]


class _Positions(NamedTuple):
    """The positions of the first change of a customer by the source, and of the last one by anybody else."""

    first: int
    last_other: int | None

    @property
    def is_changed_since(self) -> bool:
        return self.last_other is not None and self.last_other > self.first


class _Undo:
    """An undo, from the checkpoint of its run."""

    def __init__(self, run: JobRun, source: Source) -> None:
        self.run = run
        self.source = source
        self.before: int = run.checkpoint.get("before", END)
        self.counts: dict[str, int] = run.checkpoint.get("undone") or dict.fromkeys(COUNT_NAMES, 0)
        self.start = first_position(run.database, source.tenant_id, source.id)
        self.kept: set[int] = set()
        """Customers of the current changes that are kept."""

    def positions(self) -> Iterator[range]:
        """Yield the positions of changes that remain, the last ones first."""
        database, source = self.run.database, self.source
        while positions := last_positions(database, source.tenant_id, source.id, self.before)[-CHANGES_PER_STEP:]:
            yield positions

    def revert(self, positions: range) -> None:
        """Revert the changes at these positions in one transaction, together with the checkpoint."""
        run, source = self.run, self.source
        with open_change_set(run.database, source.tenant_id, run.job.actor, source.id) as changes:
            logged = _list_changes(run.database, source.tenant_id, positions)
            ids = [change.customer_id for change in logged]
            self.kept = find_issues(run.database, source.tenant_id, source.id, "kept", ids)
            changes.preload(ids)
            changes.preload_tags([change.customer_id for change in logged if "tags" in change.fields])
            self._revert(changes, logged, self._positions(ids))
            self.before = positions[0]
            checkpoint = {**run.checkpoint, "before": self.before, "undone": self.counts}
            run.save(checkpoint, sum(self.counts.values()), source.total)

    def _positions(self, ids: Sequence[int]) -> Mapping[int, _Positions]:
        values = {"tenant_id": self.source.tenant_id, "ids": ids, "source_id": self.source.id, "start": self.start}
        rows = self.run.database.fetch_all(FIND_POSITIONS, values)
        return {customer_id: _Positions(first, last_other) for customer_id, first, last_other in rows}

    def _revert(self, changes: ChangeSet, logged: Sequence[_LoggedChange], positions: Mapping[int, _Positions]) -> None:
        removed: list[int] = []
        references = References(self.run.database, self.source.tenant_id)
        for change in logged:
            record = changes.find(change.customer_id)
            if record is None or record.id in self.kept:
                continue  # it was purged or erased, or one of its later changes cannot be reverted
            if positions[record.id].is_changed_since:
                self._keep(record, self.source.changed_since)
            elif change.action == CREATED:
                removed.append(record.id)
                changes.remove(record, "purged", {})
            elif self._restore(changes, record, change, references):
                # Several rows may have changed a customer, or created and changed it. It counts once.
                self.counts["restored"] += change.position == positions[record.id].first
        self.counts["removed"] += len(removed)
        if removed:
            erase_log_values(changes, removed)

    def _restore(self, changes: ChangeSet, record: Record, change: _LoggedChange, references: References) -> bool:
        """Give a customer the values before a change. If that is impossible, keep it and return False."""
        before = {name: pair[0] for name, pair in change.fields.items()}
        tags = before.pop("tags", None)
        values = {name: _typed(name, value) for name, value in before.items() if name in RESTORED_FIELDS}
        try:
            check_references(values, references)
            changes.change(record, _action(values), values, None if tags is None else references.existing_tags(tags))
        except Conflict as error:
            self._keep(record, error.message)
            return False
        return True

    def _keep(self, record: Record, reason: str) -> None:
        self.kept.add(record.id)
        issue = Issue("kept", record.id, [Remark("", reason)])
        self.counts["kept"] += add_issue(self.run.database, self.source.tenant_id, self.source.id, issue)


def check_references(values: Mapping[str, Any], references: References) -> None:
    """Raise `Conflict` if a channel or member in the values of a customer no longer exists."""
    checks = {"default_channel_id": references.channel, "user_id": references.member}
    for name, check in checks.items():
        if values.get(name) is not None:
            try:
                check(values[name])
            except ValueError as error:
                raise Conflict(_("{field} {rule}.", field=name, rule=error.args[0])) from None


def _action(values: Mapping[str, Any]) -> str:
    """Return the action of the change log for restored values."""
    if "deleted_at" not in values:
        return "updated"
    return "restored" if values["deleted_at"] is None else "trashed"


def _typed(name: str, value: Any) -> Any:
    """Return a value of the change log with the type that it has in a record."""
    return msgspec.convert(value, FIELD_TYPES[name], strict=False) if isinstance(value, str) else value


def _list_changes(database: Database, tenant_id: int, positions: range) -> list[_LoggedChange]:
    values = {"tenant_id": tenant_id, "first": positions[0], "last": positions[-1]}
    rows = database.fetch_all(LIST_CHANGES, values)
    return [
        _LoggedChange(position, customer_id, action, msgspec.json.decode(fields) if fields else {})
        for position, customer_id, action, fields in rows
    ]
