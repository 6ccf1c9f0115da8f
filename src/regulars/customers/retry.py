"""Retry a job, unless a later job of the same import or bulk change makes it obsolete."""

from regulars.customers.bulk import store as bulk_changes
from regulars.customers.imports import store as imports
from regulars.db.database import Database
from regulars.errors import Conflict
from regulars.i18n import _
from regulars.jobs.queue import Job, get_job, retry_job


def retry(database: Database, tenant_id: int, job_id: str) -> Job:
    """Queue a failed or cancelled job again, and return it.

    Raise `NotFound` if it does not exist, and `Conflict` if it has not failed, or if its import or bulk change has had
    another job since.
    """
    with database.transaction():
        arguments = get_job(database, tenant_id, job_id).arguments
        import_id, bulk_change_id = arguments.get("import_id"), arguments.get("bulk_change_id")
        if import_id is not None and not imports.lock_last_job(database, tenant_id, import_id, job_id):
            raise Conflict(_("Another job of this import has been started since. Retry that one."))
        if bulk_change_id is not None and not bulk_changes.lock_last_job(database, tenant_id, bulk_change_id, job_id):
            raise Conflict(_("Another job of this bulk change has been started since. Retry that one."))
        return retry_job(database, tenant_id, job_id)
