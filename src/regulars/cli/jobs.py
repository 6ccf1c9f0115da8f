"""`regulars job …`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption, TenantOption
from regulars.cli.output import print_json, print_line, print_table

app = typer.Typer(
    help="List, show, cancel and retry jobs: imports, exports, bulk changes and their undo.", no_args_is_help=True
)

JobArgument = Annotated[str, typer.Argument(metavar="ID", help="The job's id; see 'regulars job list'.")]


@app.command("list")
def list_all(
    tenant: TenantOption,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of jobs.")] = 20,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """List the jobs of a tenant, newest first."""
    from regulars.api.jobs import job_info
    from regulars.jobs.queue import list_jobs

    with opened(database) as (db, _):
        found = list_jobs(db, tenant, limit=limit)
    if as_json:
        print_json([job_info(job, "en") for job in found])
        return
    rows = [
        [
            job.id,
            job.kind,
            job.state,
            "" if job.percent is None else f"{job.percent} %",
            f"{job.created_at:%Y-%m-%d %H:%M}",
            job.error or "",
        ]
        for job in found
    ]
    print_table(("id", "kind", "state", "done", "created", "error"), rows)


@app.command("show")
def show(job_id: JobArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Show a job as JSON."""
    from regulars.api.jobs import job_info
    from regulars.jobs.queue import get_job

    with opened(database) as (db, _):
        print_json(job_info(get_job(db, tenant, job_id), "en"))


@app.command("cancel")
def cancel(job_id: JobArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Cancel a job. A running job stops after its current step."""
    from regulars.jobs.queue import cancel_job

    with opened(database) as (db, _):
        job = cancel_job(db, tenant, job_id)
    print_line("The job was cancelled." if job.state == "cancelled" else "The job stops after its current step.")


@app.command("retry")
def retry(job_id: JobArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Queue a failed or cancelled job again. It continues where it stopped, as soon as a process runs jobs."""
    from regulars.customers.retry import retry as retry_job

    with opened(database) as (db, _):
        retry_job(db, tenant, job_id)
    print_line("The job was queued again.")
