"""The HTTP server: Granian's worker processes, each with the application on connections of its own."""

from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from regulars.app import create_app
from regulars.background import repeat
from regulars.cleanup import prune
from regulars.customers.counts.maintenance import merge_count_deltas
from regulars.db.connect import open_database
from regulars.db.database import Database
from regulars.db.idempotency_keys import forget_old_keys
from regulars.log import configure_log
from regulars.settings import Settings

THREADS = 4
"""Requests that a worker works on at once: more than one, so that a slow search does not hold up the quick ones."""
PRUNING_SECONDS = 60.0
CENSUS_SECONDS = 5.0


def run_server(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; requests that are under way are finished."""
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
    )
    server.serve(target_loader=partial(load_app, settings), wrap_loader=False)


def load_app(settings: Settings) -> Any:
    """The application for one worker process."""
    configure_log(settings.log_format)
    database = open_database(settings.database, threads=THREADS, replicas=settings.replicas)
    repeat("pruning", partial(prune, database), seconds=PRUNING_SECONDS)
    repeat("idempotency", partial(forget_old_keys, database), seconds=PRUNING_SECONDS)
    repeat("customer_counts", partial(merge_count_deltas, database), seconds=CENSUS_SECONDS)
    if settings.replicas:
        watch_replicas(database)
    return create_app(settings, database)


def watch_replicas(database: Database) -> None:
    """See each second how far the read replicas are; one that does not answer holds up no other."""
    from regulars.db.replicas import LOOK_SECONDS, ReplicatedDatabase

    assert isinstance(database, ReplicatedDatabase)  # noqa: S101 - for the type checker
    for replica in database.replicas:
        repeat("replica", replica.look, seconds=LOOK_SECONDS)
