"""The job that exports customers to a file, which can be downloaded for a day."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from tempfile import TemporaryFile

import msgspec

from regulars.clock import utc_now
from regulars.customers.exports.exporter import count_exported, export_customers
from regulars.customers.exports.request import ExportFormat, ExportRequest
from regulars.customers.read.stored_query import query_from_builtins
from regulars.db.database import Database
from regulars.jobs.files import set_expiry, store_file
from regulars.jobs.queue import Job, JobData, create_job, delete_old_exports
from regulars.jobs.worker import JobRun
from regulars.permissions import Actor
from regulars.security.tokens import new_id

LIFETIME = timedelta(days=1)
KEPT = timedelta(days=30)
"""How long exports are listed. Their files are deleted after `LIFETIME`."""
SUFFIXES: Mapping[ExportFormat, str] = {"csv": "csv", "xlsx": "xlsx", "jsonl": "jsonl", "vcard": "vcf"}


def start_export(database: Database, tenant_id: int, actor: Actor, request: ExportRequest) -> Job:
    """Queue the job of an export, and return it. Old exports of the tenant are deleted."""
    delete_old_exports(database, tenant_id, utc_now() - KEPT)
    arguments = msgspec.to_builtins(asdict(request))
    return create_job(database, tenant_id, actor, "export", arguments)


def request_of(job: Job) -> ExportRequest:
    """Return what a job exports."""
    query = job.arguments["query"]
    return ExportRequest(
        job.arguments["format"],
        tuple(job.arguments["columns"]),
        None if query is None else query_from_builtins(query),
    )


def export(run: JobRun) -> JobData:
    """Write the file of an export, and store it. Return the number of customers, and the file's id, size and expiry."""
    database, job = run.database, run.job
    request = request_of(job)
    total = count_exported(database, job.tenant_id, request)
    with TemporaryFile() as file:
        count = export_customers(
            database, job.tenant_id, request, file, progress=lambda done: run.report(done, max(total, done))
        )
        file.seek(0)
        name = f"customers-{job.created_at:%Y-%m-%d}.{SUFFIXES[request.format]}"
        # A process that has lost its claim may still write. Its file is not the one of the result.
        stored = store_file(database, job.tenant_id, new_id(), name, file)
    expires_at = utc_now() + LIFETIME
    set_expiry(database, job.tenant_id, stored.id, expires_at)
    return {"customers": count, "file_id": stored.id, "size": stored.size, "expires_at": expires_at.isoformat()}
