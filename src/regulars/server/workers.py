"""The worker processes, each with its own application and database connections."""

import multiprocessing
import threading
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from regulars.app import create_app
from regulars.background import repeat
from regulars.cleanup import Cleanup
from regulars.customers.counts.maintenance import merge_count_deltas
from regulars.db.connect import is_embedded, open_database
from regulars.db.database import Database
from regulars.errors import ConfigurationError
from regulars.garbage import collect_garbage_less_often
from regulars.log import configure_log
from regulars.mail import is_configured
from regulars.mail.queue import send_due
from regulars.server.connections import LOOK_SECONDS, Connections
from regulars.server.direct import begin_directly
from regulars.server.environ import Environ
from regulars.server.front import Front
from regulars.server.job_process import JobProcess
from regulars.server.kinds import is_plain_list
from regulars.server.parent import end_with_parent
from regulars.settings import Settings

THREADS = 4
"""Number of requests that a worker handles at the same time. A slow search does not block quick requests."""
CLEANUP_SECONDS = 60.0
COUNTS_SECONDS = 5.0
MAIL_SECONDS = 2.0
STOP_SECONDS = 8
BACKLOG = 4096
HEALTHY_SECONDS = 5.0
"""A worker that ends earlier is restarted immediately the first time, and then after a delay that doubles each time."""
MAX_RESTART_DELAY_SECONDS = 10.0


class Workers(MPServer):
    """Granian's main process, which restarts every worker that ends, however often."""

    def __init__(self, **options: Any) -> None:
        super().__init__("regulars", **options)
        self._failures: dict[int, int] = {}
        self._due: set[int] = set()

    def _respawn_workers(self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        # A delay means a planned restart, which is not postponed further.
        due = workers if delay else [index for index in workers if self._is_due(index)]
        super()._respawn_workers(due, spawn_target, target_loader, delay)
        # Without this, Granian ends all workers if one ends twice within 5.5 seconds.
        self.respawned_wrks.clear()

    def _is_due(self, index: int) -> bool:
        """Return True if the worker can be restarted now. Otherwise schedule its restart."""
        if index in self._due:
            self._due.discard(index)
            return True
        has_failed_early = time.monotonic() - self.wrks[index].birth < HEALTHY_SECONDS
        self._failures[index] = self._failures.get(index, 0) + 1 if has_failed_early else 0
        if self._failures[index] < 2:
            return True
        delay = min(0.1 * 2 ** self._failures[index], MAX_RESTART_DELAY_SECONDS)
        timer = threading.Timer(delay, self._make_due, (index,))
        timer.daemon = True
        timer.start()
        return False

    def _make_due(self, index: int) -> None:
        self._due.add(index)
        self.interrupt_children.append(index)
        self.main_loop_interrupt.set()


def run_server(settings: Settings, *, reload: bool = False, has_jobs: bool = True) -> None:
    """Serve until SIGINT or SIGTERM, and then finish the requests in progress.

    Without `has_jobs`, other processes must run the jobs. With `reload`, restart the workers when a file of this
    package changes. Raise `ConfigurationError` if the package that watches files is missing.
    """
    if reload:
        if find_spec("watchfiles") is None:
            raise ConfigurationError("--reload needs the package watchfiles. Install it with: pip install watchfiles")
        # A forked worker would keep the modules that this process has imported.
        multiprocessing.set_start_method("spawn")
    loader: Any = partial(load_app, settings)
    server = create_server(settings, reload=reload)
    jobs = JobProcess(settings)
    if has_jobs:
        jobs.start()
    try:
        server.serve(target_loader=loader, wrap_loader=False)
    finally:
        jobs.stop()


def create_server(settings: Settings, *, reload: bool = False) -> Workers:
    """Return a server that listens on the host and port of `settings` once its `serve` is called."""
    return Workers(
        address=settings.host,
        port=settings.port,
        interface=Interfaces.RSGI,
        workers=settings.workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.warning,
        reload=reload,
        reload_paths=[Path(__file__).parent.parent],
        reload_ignore_worker_failure=True,
    )


def load_app(settings: Settings) -> Front:
    """Return the application of one worker process, and start its background threads."""
    configure_log(settings.log_format)
    threading.Thread(target=end_with_parent, daemon=True).start()
    database = open_database(
        settings.database,
        threads=THREADS,
        replicas=settings.replicas,
        statement_seconds=settings.statement_timeout,
    )
    start_tasks(settings, database)
    connections = Connections(settings.port)
    repeat("connections", connections.look, seconds=LOOK_SECONDS)
    is_quick = partial(answers_quickly, has_quick_lists=is_embedded(settings.database) and not settings.issuer)
    front = Front(
        create_app(settings, database),
        is_quick,
        threads=THREADS,
        trusted_proxies=settings.trusted_proxies,
        end_connection=connections.end,
    )
    begin_directly(front)
    collect_garbage_less_often()
    return front


def answers_quickly(environ: Environ, *, has_quick_lists: bool) -> bool:
    """Tell whether a request is answered without waiting for a network, a lock or much work.

    `has_quick_lists` is true if a page of the list needs no network: SQLite reads it within the process, and no
    external issuer's keys are needed to check a token.
    """
    if environ["REQUEST_METHOD"] == "OPTIONS" or environ["PATH_INFO"] == "/healthz":
        return True
    return has_quick_lists and is_plain_list(environ)


def start_tasks(settings: Settings, database: Database) -> None:
    """Start the background threads of a worker."""
    repeat("cleanup", Cleanup(database).run, seconds=CLEANUP_SECONDS)
    repeat("customer_counts", partial(merge_count_deltas, database), seconds=COUNTS_SECONDS)
    if is_configured(settings):
        repeat("mail", partial(send_due, database, settings), seconds=MAIL_SECONDS)
    if settings.replicas:
        monitor_replicas(database)


def monitor_replicas(database: Database) -> None:
    """Start a background thread for each read replica, which reads its position every second."""
    from regulars.db.replicas import CHECK_SECONDS, ReplicatedDatabase

    assert isinstance(database, ReplicatedDatabase)  # noqa: S101 - for the type checker
    for replica in database.replicas:
        repeat("replica", replica.check, seconds=CHECK_SECONDS)
