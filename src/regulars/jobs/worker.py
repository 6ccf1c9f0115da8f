"""Run jobs: claim them, keep the claims, and record how they end."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog

from regulars.db.database import Database
from regulars.errors import RegularsError, Unavailable
from regulars.i18n import _
from regulars.jobs.queue import (
    ClaimLost,
    Job,
    JobCancelled,
    JobData,
    JobEnd,
    JobKind,
    claim_next,
    end_job,
    postpone_job,
    renew_claim,
    save_checkpoint,
)

THREADS = 3
"""Number of jobs that a process runs at the same time: more than those of one tenant."""
IDLE_SECONDS = 0.5
RENEW_SECONDS = 2.0
"""Also the time after which the progress of a job without checkpoints is visible."""
STOP_SECONDS = 2.0
MAX_ATTEMPTS = 20
"""A job that is claimed so often, without a step in between, has failed."""
MAX_DELAY = timedelta(minutes=1)

log = structlog.get_logger("regulars")


Progress = Callable[[int, int | None], object]
"""Called with the numbers of done and of all steps of a job; the second is None if it is unknown."""


class JobStopped(Exception):
    """The process is about to end, so the job must be continued by another one."""


class JobRun:
    """A claimed job that runs now."""

    def __init__(self, database: Database, job: Job, progress: Progress, is_stopping: threading.Event) -> None:
        self.database = database
        self.job = job
        self.checkpoint: JobData = job.checkpoint or {}
        self.progress = progress
        self.is_stopping = is_stopping
        self.done = job.done
        self.total = job.total
        self.afterwards: Callable[[], object] | None = None
        """Maintenance to do after the end of the job."""
        self.saved_at = float("-inf")
        self.end: Exception | None = None
        """Why the job must not continue, if `keep_claim` has found that out."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open a transaction for several calls of `save`. If it is rolled back, the run forgets them, too."""
        before = self.checkpoint, self.done, self.total
        try:
            with self.database.transaction():
                yield
        except BaseException:
            self.checkpoint, self.done, self.total = before
            raise

    def save(self, checkpoint: JobData, done: int, total: int | None) -> None:
        """Store what has been done. Call this in the transaction that does it.

        Raise `ClaimLost`, `JobCancelled` or `JobStopped` if the job must not continue.
        """
        self._check_continues()
        with self.database.transaction():
            save_checkpoint(self.database, self.job, checkpoint, done, total)
        self.checkpoint, self.saved_at = checkpoint, time.monotonic()
        self._show(done, total)

    def report(self, done: int, total: int | None) -> None:
        """Report the progress of a job without checkpoints. This does not use the database.

        Raise `ClaimLost`, `JobCancelled` or `JobStopped` if the job must not continue.
        """
        self._check_continues()
        self._show(done, total)

    def _check_continues(self) -> None:
        if self.is_stopping.is_set():
            raise JobStopped
        if self.end is not None:
            raise self.end

    def _show(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total
        self.progress(done, total)

    def keep_claim(self, is_over: threading.Event) -> None:
        """Renew the claim of the job, and store its progress, until it is over. `save` does the same."""
        while not is_over.wait(RENEW_SECONDS):
            if time.monotonic() - self.saved_at < RENEW_SECONDS:
                continue
            try:
                renew_claim(self.database, self.job, self.done, self.total)
            except (ClaimLost, JobCancelled) as error:
                self.end = error
                return
            except RegularsError:
                # The job itself notices that the database does not answer.
                continue


Handler = Callable[[JobRun], JobData]
"""Does the work of a job and returns its result.

It raises `Unavailable` if it can continue later, another `RegularsError` if the job has failed, and the errors of
`JobRun.save`.
"""
Handlers = Mapping[JobKind, Handler]


def run_job(
    database: Database,
    handlers: Handlers,
    job: Job,
    *,
    progress: Progress = lambda done, total: None,
    is_stopping: threading.Event | None = None,
) -> None:
    """Run a claimed job until it ends, must continue later, or its claim is lost. Keep its claim meanwhile."""
    run = JobRun(database, job, progress, is_stopping or threading.Event())
    is_over = threading.Event()
    threading.Thread(target=run.keep_claim, args=(is_over,), name="job-claim", daemon=True).start()
    try:
        _run(run, handlers[job.kind])
    except ClaimLost:
        return
    finally:
        is_over.set()
    if run.afterwards is not None:
        run.afterwards()


def _run(run: JobRun, handler: Handler) -> None:
    database, job = run.database, run.job
    try:
        end_job(database, job, _work(run, handler), run.done, run.total)
    except JobStopped:
        postpone_job(database, job, "", timedelta())
    except Unavailable as error:
        _postpone(database, job, error)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        _postpone(database, job, Unavailable(_("The disk for temporary files failed: {reason}.", reason=reason)))


def _work(run: JobRun, handler: Handler) -> JobEnd:
    """Do the work of a job, and return how it ended. Raise the errors after which it continues later."""
    try:
        _check_attempts(run.job)
        return JobEnd("completed", handler(run))
    except JobCancelled:
        return JobEnd("cancelled")
    except (Unavailable, OSError, ClaimLost, JobStopped):
        raise
    except RegularsError as error:
        return JobEnd("failed", error=error.message)
    except Exception as error:
        # The message may contain personal data.
        log.error("job_failed", job=run.job.id, kind=run.job.kind, type=type(error).__name__)
        return JobEnd("failed", error=_("Something went wrong here."))


def _check_attempts(job: Job) -> None:
    if job.attempts > MAX_ATTEMPTS:
        reason = job.error or _("The process of this job ended unexpectedly.")
        raise RegularsError(_("{count} attempts failed. {reason}", count=MAX_ATTEMPTS, reason=reason))


def _postpone(database: Database, job: Job, error: Unavailable) -> None:
    """Let a job continue later. If the database does not even accept that, its claim ends after some time."""
    delay = min(timedelta(seconds=2 ** min(job.attempts, 10)), MAX_DELAY)
    _warn("job_waits", job=job.id, kind=job.kind, reason=error.message_for_operator)
    with suppress(Unavailable):
        postpone_job(database, job, error.message, delay)


def run_jobs(database: Database, handlers: Handlers, is_stopping: threading.Event) -> None:
    """Run jobs in `THREADS` threads until `is_stopping` is set. Then stop them, so that others can continue them."""
    threads = [
        threading.Thread(
            target=_take_jobs, args=(database, handlers, is_stopping, number == 0), name=f"job-{number}", daemon=True
        )
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    is_stopping.wait()
    for thread in threads:
        thread.join(STOP_SECONDS)


def _take_jobs(database: Database, handlers: Handlers, is_stopping: threading.Event, logs_failures: bool) -> None:
    """Claim and run jobs until the process stops. One of the threads logs why that is impossible, once."""
    reported = ""
    while not is_stopping.is_set():
        try:
            job = claim_next(database)
            if reported and logs_failures:
                log.info("jobs_recovered")
            reported = ""
            if job is not None:
                run_job(database, handlers, job, is_stopping=is_stopping)
                continue
        except Exception as error:
            # The message of an unexpected error may contain personal data.
            reason = error.message_for_operator if isinstance(error, RegularsError) else type(error).__name__
            if logs_failures and reason != reported:
                _warn("jobs_failed", reason=reason)
            reported = reason
        is_stopping.wait(IDLE_SECONDS)


def _warn(event: str, **values: str) -> None:
    # The log may be on a disk that is full.
    with suppress(OSError):
        log.warning(event, **values)
