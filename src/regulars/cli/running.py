"""Run a job in the process of a command, with a progress bar."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from regulars.db.database import Database
from regulars.errors import Unavailable
from regulars.jobs.queue import Job

Progress = Callable[[int, int | None], object]


def run_here(database: Database, job: Job, label: str) -> None:
    """Run a claimed job, and show its progress. If the user interrupts it, cancel it and raise KeyboardInterrupt.

    Raise `Unavailable` if the database does not work. Then the job stays queued.
    """
    from regulars.garbage import collect_garbage_less_often
    from regulars.job_handlers import HANDLERS
    from regulars.jobs.queue import ClaimLost, JobData, JobEnd, end_job
    from regulars.jobs.worker import JobRun, run_job

    reasons: list[Unavailable] = []

    def handle(run: JobRun) -> JobData:
        try:
            return HANDLERS[job.kind](run)
        except Unavailable as error:
            reasons.append(error)
            raise

    collect_garbage_less_often()
    try:
        with _progress_bar(label) as progress:
            run_job(database, {job.kind: handle}, job, progress=progress)
    except KeyboardInterrupt:
        # If the job has just ended, it is too late to cancel it.
        with suppress(ClaimLost):
            end_job(database, job, JobEnd("cancelled"))
            raise
    if reasons:
        raise reasons[0]


@contextmanager
def _progress_bar(label: str) -> Iterator[Progress]:
    """Show a progress bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
