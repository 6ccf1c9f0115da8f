"""The job that previews an import: the first rows as they would be stored, and a dry run over the whole file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import msgspec

from regulars.accounts.memberships import list_members
from regulars.customers.imports.apply import Applier, Outcome, ReadRow
from regulars.customers.imports.detect import mapping_of, read_context
from regulars.customers.imports.reading import read_rows
from regulars.customers.imports.store import Import, get_import, set_result
from regulars.customers.imports.tally import Tally
from regulars.customers.imports.trial import TrialChanges, digest
from regulars.customers.issues import Issue, Remark, add_issues, delete_issues
from regulars.customers.validation import MAX_ADVANCING_ID
from regulars.customers.write.uniqueness import key_of
from regulars.db.database import Database
from regulars.db.scratch import Scratch, scratch
from regulars.i18n import Message, _, to_builtins
from regulars.jobs.queue import JobData
from regulars.jobs.worker import JobRun
from regulars.tenants.countries import list_countries
from regulars.tenants.tenants import get_tenant
from regulars.tenants.validation import UNIQUE

SHOWN_ROWS = 20


def preview(run: JobRun) -> JobData:
    """Find out what an import would do, and store it. Nothing else is written."""
    database, tenant_id = run.database, run.job.tenant_id
    found = get_import(database, tenant_id, run.job.arguments["import_id"])
    delete_issues(database, tenant_id, found.id, "refused", "skipped")
    result = dry_run(run, found)
    with database.transaction():
        run.save({}, run.done, run.total)
        set_result(database, found, "preview", result)
    return {name: result[name] for name in ("created", "updated", "unchanged", "skipped", "refused")}


def dry_run(run: JobRun, found: Import) -> dict[str, Any]:
    """Return the counts of an import without writing customers. Store the rows that would be refused or skipped."""
    database = run.database
    today = read_context(get_tenant(database, found.tenant_id)).today
    total = found.detected.rows if found.detected else None
    with scratch() as earlier, read_rows(database, found, today) as blocks:
        trial = _Trial(run, found, earlier)
        for rows in blocks:
            issues = trial.try_rows(rows)
            with database.transaction():
                run.save({}, trial.tally.rows, total)
                add_issues(database, found.tenant_id, found.id, issues)
    return trial.result()


class _Trial:
    """A dry run. `scratch` has the values of the rows so far, with the number of the first one, and their changes."""

    def __init__(self, run: JobRun, found: Import, scratch: Scratch) -> None:
        self.run = run
        self.found = found
        self.scratch = scratch
        self.tally = Tally()
        self.shown: list[dict[str, Any]] = []
        self.duplicates: Counter[str] = Counter()
        self.existing: Counter[str] = Counter()
        self.new_ids = count(MAX_ADVANCING_ID + 1)
        headings = {column.target: column.heading for column in mapping_of(found) if column.target}
        self.fields = [field for field in UNIQUE if field in headings]
        self.applier = Applier(run.database, found.tenant_id, found.settings, headings, is_trial=True)

    def try_rows(self, rows: Sequence[ReadRow]) -> list[Issue]:
        """Count what would happen with rows. Return those that would be refused or skipped."""
        database, tenant_id = self.run.database, self.found.tenant_id
        changes = TrialChanges(database, tenant_id, self.run.job.actor, self.scratch, self.new_ids)
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
        # Without these, no row depends on an earlier one.
        compared = {self.applier.match_by, *changes.tenant.unique_fields} & {*self.fields}
        if compared or "id" in self.applier.headings:
            changes.keep(compared)
        return issues

    def _try(self, changes: TrialChanges, row: ReadRow) -> Outcome:
        if not row.read.faults:
            self._compare(changes, row)
        outcome = self.applier.apply(changes, row)
        if outcome.action == "created" and outcome.customer_id is not None:
            changes.rows[outcome.customer_id] = row.number
        return _without_new_ids(outcome, changes.rows)

    def _compare(self, changes: TrialChanges, row: ReadRow) -> None:
        """Count the values of a row that an earlier row or a customer has."""
        values = row.read.values
        for field in self.fields:
            if field in values:
                self.existing[field] += any(
                    number not in changes.rows for number in changes.holders(field, values[field])
                )
                earlier = self.scratch.add(digest(field, key_of(field, values[field])), row.number)
                self.duplicates[field] += earlier is not None

    def result(self) -> dict[str, Any]:
        """Return the counts and the first rows as JSON values."""
        return {
            **self.tally.to_builtins(),
            "rows": _named(self.run.database, self.found.tenant_id, self.shown),
            "new_tags": self.applier.created_tags[:100],
            "duplicates_in_file": {field: count for field, count in self.duplicates.items() if count},
            "existing_values": {field: count for field, count in self.existing.items() if count},
        }


def _without_new_ids(outcome: Outcome, rows: Mapping[int, int]) -> Outcome:
    """Return an outcome that names rows instead of the customers that they would create."""
    if outcome.customer_id not in rows and not outcome.reasons:
        return outcome
    customer_id = None if outcome.customer_id in rows else outcome.customer_id
    return Outcome(outcome.action, customer_id, [_without_new_id(reason, rows) for reason in outcome.reasons])


def _without_new_id(remark: Remark, rows: Mapping[int, int]) -> Remark:
    values: Mapping[str, Any] = remark.reason.values if isinstance(remark.reason, Message) else {}
    row = next((rows[values[name]] for name in ("id", "other") if values.get(name) in rows), None)
    if row is None:
        return remark
    heading = remark.heading or "id"
    return Remark(remark.heading, _("{field} is already used in row {row}.", field=heading, row=row))


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


def _named(database: Database, tenant_id: int, shown: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the shown rows with the names of countries and users beside their ids, as answers with customers have."""
    countries = {country.id: {"country_name": country.name} for country in list_countries(database)}
    users = {
        member.user_id: {"related_user": {"id": member.user_id, "name": member.name}}
        for member in list_members(database, tenant_id)
    }
    return [
        {
            **row,
            "values": row["values"]
            | countries.get(row["values"].get("country_id"), {})
            | users.get(row["values"].get("user_id"), {}),
        }
        for row in shown
    ]


def _remarks(remarks: Sequence[Remark]) -> list[list[Any]]:
    return [[remark.heading, to_builtins(remark.reason)] for remark in remarks]
