"""Large import during concurrent reads and writes: it is applied completely or not at all."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice
from typing import IO, Any

import pytest
from regulars.customers.csv.importer import ANALYZE_ROWS

from regulars.customers.counts.maintenance import check_counts
from regulars.server.workers import THREADS
from tests.customers.test_write import CHANGES
from tests.support.server import TIMEOUT_SECONDS, running
from tests.support.world import LIST, World

FEW = 40
HALF = ANALYZE_ROWS // 2
AT_ONCE = 500
WRITERS = 8


@contextmanager
def importing(world: World) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Run `regulars import` on a pipe; yield the process and the pipe to write rows to."""
    command = ["import", "-", "--tenant", str(world.clinic), "--database", world.url]
    with subprocess.Popen(
        [sys.executable, "-m", "regulars", *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        process.stdin.write(b"first_name,last_name,gender\n")
        try:
            yield process, process.stdin
        finally:
            process.kill()


def write_rows(file: IO[bytes], first: int, last: int) -> None:
    """Write rows to the pipe. On return, the importer has read all but the last few hundred."""
    file.write(b"".join(b"Great%d,Load,female\n" % number for number in range(first, last)))
    file.flush()


def read_total(world: World, page: int) -> int:
    """Return the total of the list, and assert that the page is consistent with it."""
    answer = world.get(params={"page": page, "per_page": 100, "sort_by": "last_name"}).json
    total = int(answer["meta"]["total"])
    if page == 1:
        assert len(answer["data"]) == min(total, 100)
    found = world.get(params={"search": "great1", "limit": 1}).json["meta"]["total"]
    assert (found > 0) >= (total > FEW)
    return total


def changes_since(world: World, position: int) -> Any:
    return world.get(CHANGES, params={"since": position, "limit": 1}).json["data"]


def test_readers_see_all_of_an_import_or_nothing(empty_world: World) -> None:
    world = empty_world
    world.add_customers()
    there = world.get().json["meta"]["total"]
    in_feed = FEW
    with importing(world) as (process, file):
        for first in range(0, HALF, AT_ONCE):
            write_rows(file, first, first + AT_ONCE)
            assert read_total(world, page=1) == there
            assert changes_since(world, in_feed) == []
        write_rows(file, HALF, ANALYZE_ROWS)
        file.close()
        seen: list[int] = []
        while process.poll() is None:
            seen.append(read_total(world, page=len(seen) % 3 * 60 + 1))
        assert process.returncode == 0
    seen.append(read_total(world, page=1))
    assert sorted(seen) == seen
    assert set(seen) <= {there, there + ANALYZE_ROWS}
    assert seen[-1] == there + ANALYZE_ROWS
    assert check_counts(world.database, world.clinic) == []
    assert changes_since(world, in_feed + ANALYZE_ROWS - 1)[0]["position"] == in_feed + ANALYZE_ROWS
    assert changes_since(world, in_feed + ANALYZE_ROWS) == []


@pytest.mark.slow
def test_waiting_writers_leave_threads_for_readers(empty_world: World) -> None:
    world = empty_world
    with (
        running(world, "--workers", "1") as server,
        server.client() as client,
        ThreadPoolExecutor(WRITERS) as pool,
    ):
        with importing(world) as (_, file):
            write_rows(file, 0, HALF)
            writers = [pool.submit(client.post, LIST, json={"first_name": "Patient"}) for _ in range(WRITERS)]
            # Writers without a thread are rejected after some seconds; the others are still waiting for the lock.
            for each in islice(as_completed(writers), WRITERS - THREADS + 1):
                assert "requests are waiting" in each.result().json()["message"]
            assert server.get(LIST).status_code == 200
            assert not all(each.done() for each in writers)
        answers = [each.result() for each in writers]
    done = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if (answer.status_code, answer.headers.get("Retry-After")) == (503, "2")]
    assert len(done) + len(refused) == WRITERS
    assert 1 <= len(done) < THREADS
    assert world.get().json["meta"]["total"] == len(done)


def test_a_killed_import_leaves_no_rows_and_no_locks(empty_world: World) -> None:
    world = empty_world
    world.add_customers()
    there = world.get().json["meta"]["total"]
    with importing(world) as (process, file):
        write_rows(file, 0, HALF)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(TIMEOUT_SECONDS) == -signal.SIGKILL
    answer = world.send("POST", LIST, {"first_name": "Next"})
    assert answer.status_code == 201, answer.text
    assert read_total(world, page=1) == there + 1
    assert world.get(params={"search": "great"}).json["meta"]["total"] == 0
    (change,) = changes_since(world, FEW)
    assert change["customer_id"] == answer.json["data"]["id"]
    assert check_counts(world.database, world.clinic) == []
