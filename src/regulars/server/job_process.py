"""The process that runs jobs, beside the workers that answer requests."""

import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from multiprocessing.process import BaseProcess

from regulars.db.connect import open_database
from regulars.garbage import collect_garbage_less_often
from regulars.job_handlers import HANDLERS
from regulars.jobs.files import delete_abandoned_folders
from regulars.jobs.worker import THREADS, run_jobs
from regulars.log import configure_log
from regulars.server.parent import end_with_parent
from regulars.settings import Settings

NICENESS = 10
"""Requests come first if the processors are busy."""
RESTART_SECONDS = 2.0
STOP_SECONDS = 5.0


def run_job_process(settings: Settings) -> None:
    """Run jobs in this process until SIGINT or SIGTERM. Jobs in progress are continued by another process."""
    configure_log(settings.log_format, has_library_warnings=False)
    is_stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: is_stopping.set())
    with suppress(OSError):
        os.nice(NICENESS)
    delete_abandoned_folders()
    database = open_database(settings.database, threads=2 * THREADS, is_bulk=True)
    collect_garbage_less_often()
    try:
        run_jobs(database, HANDLERS, is_stopping)
    finally:
        database.close()


class JobProcess:
    """A child process that runs jobs, and is restarted if it ends."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_stopping = threading.Event()
        # A forked process would keep the locks that other threads hold at that moment.
        self.context = multiprocessing.get_context("spawn")
        self.process: BaseProcess | None = None

    def start(self) -> None:
        """Start the process, and a thread that restarts it."""
        self.process = self._start()
        threading.Thread(target=self._watch, name="job-process", daemon=True).start()

    def stop(self) -> None:
        """Stop the process."""
        self.is_stopping.set()
        if self.process is not None:
            self.process.terminate()
            self.process.join(STOP_SECONDS)
            self.process.kill()

    def _start(self) -> BaseProcess:
        process = self.context.Process(target=_run, args=(self.settings,), name="regulars-jobs")
        process.start()
        return process

    def _watch(self) -> None:
        while not self.is_stopping.is_set():
            if self.process is not None:
                self.process.join()
            if not self.is_stopping.wait(RESTART_SECONDS):
                self.process = self._start()


def _run(settings: Settings) -> None:
    """Run jobs until the parent process ends or stops this process."""
    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
    run_job_process(settings)
