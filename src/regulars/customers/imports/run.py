"""The job that imports the rows of a file, in short transactions."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any

import structlog

from regulars.customers.counts.maintenance import merge_tenant_deltas
from regulars.customers.imports.apply import Applier
from regulars.customers.imports.detect import mapping_of, read_context, remember_mapping
from regulars.customers.imports.preview import dry_run
from regulars.customers.imports.reading import read_rows
from regulars.customers.imports.row_process import Block
from regulars.customers.imports.store import Import, get_import, keep_until_undo, set_result
from regulars.customers.imports.tally import Tally
from regulars.customers.imports.undo import undo_changes
from regulars.customers.issues import Issue, add_issues, delete_issues
from regulars.customers.undo.positions import add_positions, delete_positions
from regulars.customers.write.change_set import open_change_set
from regulars.customers.write.storage import keep_new_ids_above
from regulars.db.bulk_load import analyze_after_load, analyze_tenants
from regulars.errors import Conflict, RegularsError, Unavailable
from regulars.i18n import _, from_builtins, to_builtins
from regulars.jobs.queue import ClaimLost, JobCancelled, JobData
from regulars.jobs.transactions import in_transactions
from regulars.jobs.worker import JobRun, JobStopped
from regulars.tenants.tenants import get_tenant

ANALYZE_ROWS = 20_000
MAX_BLOCKS = 4
"""The number of blocks of rows that are written together while nobody waits, which is faster."""
FIRST_STATISTICS_ROWS = 1_000
MERGED_ROWS = 4_000
"""Count deltas are merged after so many rows, because merging more takes longer than other writers should wait."""

log = structlog.get_logger("regulars")


def run_import(run: JobRun) -> JobData:
    """Import the rows of a file, and return the counts. If it fails, nothing stays imported.

    Rows before the checkpoint have been imported.
    """
    found = get_import(run.database, run.job.tenant_id, run.job.arguments["import_id"])
    if "failure" not in run.checkpoint:
        try:
            return _import(run, found)
        except (Unavailable, OSError, ClaimLost, JobCancelled, JobStopped):
            raise
        except Exception as error:
            _store_failure(run, error)
    undo_changes(run, found)
    failure = from_builtins(run.checkpoint["failure"])
    with run.database.transaction():
        # Another attempt starts from the beginning.
        delete_positions(run.database, found.tenant_id, found.id)
        run.save({}, 0, run.job.total)
    raise RegularsError(failure)


def _store_failure(run: JobRun, error: Exception) -> None:
    message = error.message if isinstance(error, RegularsError) else _("Something went wrong here.")
    if not isinstance(error, RegularsError):
        # The message of the error may contain personal data.
        log.error("import_failed", job=run.job.id, type=type(error).__name__)
    run.save({"failure": to_builtins(message)}, 0, None)


def _import(run: JobRun, found: Import) -> JobData:
    if not run.checkpoint:
        _begin(run, found)
    today = date.fromisoformat(run.checkpoint["today"])
    writer = _Writer(run, found)
    analyzed_rows, merged_rows = FIRST_STATISTICS_ROWS, writer.tally.rows
    with read_rows(run.database, found, today, skip=writer.tally.rows) as blocks:
        for _transaction in in_transactions(run, blocks, writer.write, most=MAX_BLOCKS, is_ready=blocks.is_ready):
            if writer.tally.rows >= merged_rows + MERGED_ROWS:
                merged_rows = writer.tally.rows
                _merge_counts(run, found)
            if writer.tally.rows >= analyzed_rows:
                analyze_tenants(run.database)
                analyzed_rows = 2 * writer.tally.rows
    _finish(run, found, writer.tally)
    return dict(writer.tally.counts)


def _begin(run: JobRun, found: Import) -> None:
    delete_issues(run.database, found.tenant_id, found.id, "refused", "skipped")
    if found.settings.strict:
        refused = dry_run(run, found)["refused"]
        if refused:
            raise Conflict(_("Nothing was imported. Refused rows: {count}.", count=refused))
        # The import stores them again.
        delete_issues(run.database, found.tenant_id, found.id, "skipped")
    remember_mapping(run.database, found)
    if found.detected is not None:
        # Otherwise a row without an id could get one that a later row has.
        keep_new_ids_above(run.database, found.tenant_id, found.detected.highest_id)
    today = read_context(get_tenant(run.database, found.tenant_id)).today
    run.save({"today": today.isoformat(), "counts": {}}, 0, found.detected.rows if found.detected else None)


class _Writer:
    """Writes rows, and counts them, from the checkpoint of a run."""

    def __init__(self, run: JobRun, found: Import) -> None:
        self.run = run
        self.found = found
        self.tally = Tally(run.checkpoint["counts"])
        headings = {column.target: column.heading for column in mapping_of(found) if column.target}
        self.applier = Applier(run.database, found.tenant_id, found.settings, headings)

    def write(self, blocks: Sequence[Block]) -> None:
        """Write rows and the checkpoint after them in one transaction."""
        run, found = self.run, self.found
        rows = [row for block in blocks for row in block]
        with run.database.transaction():
            with open_change_set(run.database, found.tenant_id, run.job.actor, found.id) as changes:
                issues = self._apply(changes, rows)
                checkpoint = {"today": run.checkpoint["today"], "counts": self.tally.to_builtins()}
                run.save(checkpoint, self.tally.rows, found.detected.rows if found.detected else None)
            add_positions(run.database, found.tenant_id, found.id, changes.positions)
            add_issues(run.database, found.tenant_id, found.id, issues)

    def _apply(self, changes: Any, rows: Block) -> list[Issue]:
        issues = []
        self.applier.preload(changes, rows)
        for row in rows:
            outcome = self.applier.apply(changes, row)
            self.tally.add(row.number, outcome, row.read.warnings)
            if outcome.action in ("refused", "skipped"):
                issues.append(Issue(outcome.action, row.number, outcome.reasons, row.cells))
        if self.found.settings.strict and self.tally.counts["refused"]:
            raise Conflict(_("Nothing was imported. Refused rows: {count}.", count=self.tally.counts["refused"]))
        return issues


def _finish(run: JobRun, found: Import, tally: Tally) -> None:
    with run.database.transaction():
        # It is too late to cancel an import of which all rows are stored.
        with suppress(JobCancelled):
            run.save(run.checkpoint, tally.rows, tally.rows)
        set_result(run.database, found, "result", tally.to_builtins())
        keep_until_undo(run.database, found)
    _merge_counts(run, found)
    if tally.counts["created"] >= ANALYZE_ROWS:
        run.afterwards = partial(analyze_after_load, run.database)


def _merge_counts(run: JobRun, found: Import) -> None:
    try:
        merge_tenant_deltas(run.database, found.tenant_id)
    except Unavailable:
        # A server merges them later.
        return
