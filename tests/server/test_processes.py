"""Worker processes that end, and a main process that is killed."""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest

from tests.conftest import FreshDatabase
from tests.support.processes import children_of
from tests.support.server import Server, running
from tests.support.world import LIST, World

pytestmark = pytest.mark.slow

WAIT_SECONDS = 20


def workers_of(server: Server) -> list[int]:
    """Return the process ids of the workers."""
    return children_of(server.process.pid)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_answered(server: Server) -> bool:
    with suppress(httpx.HTTPError):
        return server.get(LIST).status_code == 200
    return False


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_a_worker_that_is_killed_again_and_again_does_not_stop_the_service(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite")) as world, running(world, "--workers", "2") as server:
        steady, *_ = workers_of(server)
        for _ in range(4):
            wait_until(lambda: len(workers_of(server)) == 2)
            (other,) = set(workers_of(server)) - {steady}
            os.kill(other, signal.SIGKILL)
            wait_until(lambda gone=other: gone not in workers_of(server))  # type: ignore[misc]
        assert server.process.poll() is None
        assert steady in workers_of(server)
        wait_until(lambda: is_answered(server))
        wait_until(lambda: len(workers_of(server)) == 2)


def test_all_workers_may_be_killed_at_the_same_time(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite")) as world, running(world, "--workers", "2") as server:
        for _ in range(2):
            wait_until(lambda: is_answered(server))
            for worker in workers_of(server):
                os.kill(worker, signal.SIGKILL)
        wait_until(lambda: is_answered(server))
        assert server.process.poll() is None


def test_workers_end_with_the_main_process_and_free_the_port(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite")) as world, running(world, "--workers", "2") as server:
        server.process.kill()
        server.process.wait()
        wait_until(lambda: is_free(server.port))
