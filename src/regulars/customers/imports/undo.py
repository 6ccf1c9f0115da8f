"""The job that undoes an import."""

from regulars.customers.imports.store import Import, get_import, set_result
from regulars.customers.issues import delete_issues
from regulars.customers.tags import delete_unused_tags
from regulars.customers.undo.revert import Source, revert_changes
from regulars.i18n import _
from regulars.jobs.queue import JobData
from regulars.jobs.worker import JobRun


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
    """Revert the changes of an import, then remove its tags, and return the same counts as `undo`."""
    total = None if found.result is None else found.result["created"] + found.result["updated"]
    reason = _("The customer has been changed since the import.")
    counts = revert_changes(run, Source(found.tenant_id, found.id, total, reason))
    while delete_unused_tags(run.database, found.tenant_id, found.id):
        run.report(run.done, run.total)
    return counts
