"""The job that previews an import: the first rows as they would be stored, and a dry run over the whole file."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from regulars.customers.imports.apply import Applier, Outcome, ReadRow
from regulars.customers.imports.detect import mapping_of, read_context
from regulars.customers.imports.issues import Issue, add_issues, delete_issues
from regulars.customers.imports.reading import read_rows, take
from regulars.customers.imports.rows import Remark
from regulars.customers.imports.store import Import, get_import, set_result
from regulars.customers.imports.tally import Tally
from regulars.customers.validation import MAX_ADVANCING_ID
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.uniqueness import key_of
from regulars.db.scratch import ScratchKeys, scratch_keys
from regulars.i18n import _, to_builtins
from regulars.jobs.queue import JobData
from regulars.jobs.worker import JobRun
from regulars.tenants.tenants import get_tenant
from regulars.tenants.validation import UNIQUE

SHOWN_ROWS = 20
BLOCKS_PER_BATCH = 10


def preview(run: JobRun) -> JobData:
    """Find out what an import would do, and store it. Nothing else is written."""
    database, tenant_id = run.database, run.job.tenant_id
    found = get_import(database, tenant_id, run.job.arguments["import_id"])
    delete_issues(database, tenant_id, found.id, "refused", "skipped")
    result = dry_run(run, found)
    set_result(database, found, "preview", result)
    return {name: result[name] for name in ("created", "updated", "unchanged", "skipped", "refused")}


def dry_run(run: JobRun, found: Import) -> dict[str, Any]:
    """Return the counts of an import without writing customers. Store the rows that would be refused or skipped."""
    database = run.database
    today = read_context(get_tenant(database, found.tenant_id)).today
    total = found.detected.rows if found.detected else None
    with scratch_keys() as keys, read_rows(database, found, today) as blocks:
        trial = _Trial(run, found, keys)
        while rows := take(blocks, BLOCKS_PER_BATCH):
            issues = trial.try_rows(rows)
            with database.transaction():
                run.save({}, trial.tally.rows, total)
                add_issues(database, found.tenant_id, found.id, issues)
    return trial.result()


class _Trial:
    """A dry run. `keys` are those of the rows so far, with the number of the first row that has each."""

    def __init__(self, run: JobRun, found: Import, keys: ScratchKeys) -> None:
        self.run = run
        self.found = found
        self.keys = keys
        self.tally = Tally()
        self.shown: list[dict[str, Any]] = []
        self.duplicates: Counter[str] = Counter()
        self.existing: Counter[str] = Counter()
        headings = {column.target: column.heading for column in mapping_of(found) if column.target}
        self.fields = [field for field in UNIQUE if field in headings]
        self.applier = Applier(run.database, found.tenant_id, found.settings, headings, is_trial=True)

    def try_rows(self, rows: Sequence[ReadRow]) -> list[Issue]:
        """Count what would happen with rows. Return those that would be refused or skipped."""
        # New customers get ids that no customer has, because the changes are never written.
        changes = ChangeSet(self.run.database, self.found.tenant_id, self.run.job.actor, MAX_ADVANCING_ID)
        self.applier.preload(changes, rows)
        for field in self.fields:
            changes.preload_holders(field, {row.read.values[field] for row in rows if field in row.read.values})
        issues = []
        for row in rows:
            outcome = self._try(changes, row)
            self.tally.add(row.number, outcome, row.read.warnings)
            if len(self.shown) < SHOWN_ROWS:
                self.shown.append(_shown(row, outcome))
            if outcome.action in ("refused", "skipped"):
                issues.append(Issue(outcome.action, row.number, outcome.reasons, row.cells))
        return issues

    def _try(self, changes: ChangeSet, row: ReadRow) -> Outcome:
        if row.read.faults:
            return self.applier.apply(changes, row)
        for field in self.fields:
            value = row.read.values.get(field)
            self.existing[field] += value is not None and bool(changes.holders(field, value))
        earlier = self._find_earlier(row)
        self.duplicates.update(field for field in earlier if field in self.fields)
        return self._same_as_earlier(changes, earlier) or self.applier.apply(changes, row)

    def _find_earlier(self, row: ReadRow) -> dict[str, int]:
        """Return the number of the first row with the same value, by field. Remember the values of this row."""
        values = row.read.values
        keys = {field: key_of(field, values[field]) for field in self.fields if field in values}
        if "id" in values:
            keys["id"] = str(values["id"])
        found = {field: self.keys.add(_digest(field, key), row.number) for field, key in keys.items()}
        return {field: number for field, number in found.items() if number is not None}

    def _same_as_earlier(self, changes: ChangeSet, earlier: dict[str, int]) -> Outcome | None:
        """Return what happens with a row because of an earlier one, or None if nothing does."""
        match_by = "none" if self.applier.on_match == "create" else self.applier.match_by
        if match_by in earlier:
            if self.applier.on_match != "skip":
                return Outcome("updated")
            return Outcome("skipped", reasons=[self._same_row(match_by, earlier[match_by])])
        taken = [field for field in earlier if field == "id" or field in changes.tenant.unique_fields]
        if not taken:
            return None
        return Outcome("refused", reasons=[self._same_row(field, earlier[field]) for field in taken])

    def _same_row(self, field: str, number: int) -> Remark:
        heading = self.applier.headings.get(field, field)
        return Remark(heading, _("{field} is already used in row {row}.", field=heading, row=number))

    def result(self) -> dict[str, Any]:
        """Return the counts and the first rows as JSON values."""
        return {
            **self.tally.to_builtins(),
            "rows": self.shown,
            "new_tags": self.applier.created_tags[:100],
            "duplicates_in_file": dict(self.duplicates),
            "existing_values": {field: count for field, count in self.existing.items() if count},
        }


def _shown(row: ReadRow, outcome: Outcome) -> dict[str, Any]:
    return {
        "row": row.number,
        "action": outcome.action,
        "customer_id": outcome.customer_id if outcome.action not in ("created", "refused") else None,
        "values": msgspec.to_builtins(row.read.values),
        "tags": list(row.read.tags),
        "errors": _remarks(outcome.reasons),
        "warnings": _remarks(row.read.warnings),
    }


def _remarks(remarks: Sequence[Remark]) -> list[list[Any]]:
    return [[remark.heading, to_builtins(remark.reason)] for remark in remarks]


def _digest(field: str, key: str) -> bytes:
    return hashlib.blake2b(f"{field}\n{key}".encode("utf-8", "surrogatepass"), digest_size=12).digest()
