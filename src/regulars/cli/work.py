"""`regulars work`"""

from typing import Annotated

import typer

from regulars.cli.database import opened_with
from regulars.cli.options import DatabaseOption
from regulars.settings import load_settings


def work(
    database: DatabaseOption = None,
    log_format: Annotated[str | None, typer.Option(help="auto, json or text. [default: auto]")] = None,
) -> None:
    """Run jobs, such as imports, until SIGINT or SIGTERM. 'regulars serve' does so too, unless it has --no-jobs.

    On PostgreSQL, any number of machines can run jobs. They continue the jobs of a machine that has failed.
    """
    settings = load_settings({"database": database, "log_format": log_format})
    from regulars.server.job_process import run_job_process

    with opened_with(settings):
        pass  # this checks the schema, and migrates an SQLite database
    run_job_process(settings)
