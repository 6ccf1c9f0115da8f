"""The HTTP server: Granian's worker processes, each with its own application and database connections."""

import multiprocessing
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from regulars.app import create_app
from regulars.background import repeat
from regulars.cleanup import Cleanup
from regulars.customers.counts.maintenance import merge_count_deltas
from regulars.db.connect import open_database
from regulars.db.database import Database
from regulars.errors import ConfigurationError
from regulars.log import configure_log
from regulars.mail import is_configured
from regulars.mail.queue import send_due
from regulars.settings import Settings

THREADS = 4
"""The requests that a worker handles at the same time: several, so that a slow search does not block quick requests."""
CLEANUP_SECONDS = 60.0
COUNTS_SECONDS = 5.0
MAIL_SECONDS = 2.0


def run_server(settings: Settings, *, reload: bool = False) -> None:
    """Serve until SIGINT or SIGTERM, and then finish the requests in progress.

    With `reload`, restart the workers when a file of this package changes. Raise `ConfigurationError` if the package
    that watches files is missing.
    """
    if reload:
        if find_spec("watchfiles") is None:
            raise ConfigurationError("--reload needs the package watchfiles. Install it with: pip install watchfiles")
        # A forked worker would keep the modules that this process has imported.
        multiprocessing.set_start_method("spawn")
    server = Granian(
        "regulars",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=THREADS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=8,
        log_level=LogLevels.warning,
        reload=reload,
        reload_paths=[Path(__file__).parent],
        reload_ignore_worker_failure=True,
    )
    server.serve(target_loader=partial(load_app, settings), wrap_loader=False)


def load_app(settings: Settings) -> Any:
    """Return the application of one worker process, and start its background threads."""
    configure_log(settings.log_format)
    database = open_database(settings.database, threads=THREADS, replicas=settings.replicas)
    repeat("cleanup", Cleanup(database).run, seconds=CLEANUP_SECONDS)
    repeat("customer_counts", partial(merge_count_deltas, database), seconds=COUNTS_SECONDS)
    if is_configured(settings):
        repeat("mail", partial(send_due, database, settings), seconds=MAIL_SECONDS)
    if settings.replicas:
        monitor_replicas(database)
    return create_app(settings, database)


def monitor_replicas(database: Database) -> None:
    """Check every second how far each read replica is behind, each in a thread of its own."""
    from regulars.db.replicas import CHECK_SECONDS, ReplicatedDatabase

    assert isinstance(database, ReplicatedDatabase)  # noqa: S101 - for the type checker
    for replica in database.replicas:
        repeat("replica", replica.check, seconds=CHECK_SECONDS)
