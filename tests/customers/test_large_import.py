"""Large imports while others read and write: every row is imported exactly once, even if the process is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from regulars.customers.counts.maintenance import check_counts
from regulars.customers.imports.store import list_imports
from tests.customers.test_write import CHANGES
from tests.support.imports import end_claims, work
from tests.support.server import TIMEOUT_SECONDS, running
from tests.support.world import LIST, World

FEW = 40
ROWS = 8_000
MANY_ROWS = 25_000
WRITERS = 8


@contextmanager
def command(world: World, *arguments: str, stdin: bytes = b"") -> Iterator[subprocess.Popen[bytes]]:
    """Run a command on the clinic, and yield its process after it has read `stdin`."""
    command = [sys.executable, "-m", "regulars", *arguments, "--tenant", str(world.clinic), "--database", world.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin
        process.stdin.write(stdin)
        process.stdin.close()
        try:
            yield process
        finally:
            process.kill()


def file_of(rows: int) -> bytes:
    return b"first_name,last_name,gender\n" + b"".join(b"Great%d,Load,female\n" % number for number in range(rows))


@contextmanager
def importing(world: World, rows: int) -> Iterator[subprocess.Popen[bytes]]:
    """Import rows with `regulars import`. Yield the process when the first rows have been stored."""
    before = total(world)
    with command(world, "import", "-", stdin=file_of(rows)) as process:
        wait_until(world, process, at_least=before + 1)
        yield process


def wait_until(world: World, process: subprocess.Popen[bytes], *, at_least: int) -> None:
    """Wait until there are so many customers, or the process has ended."""
    while process.poll() is None and total(world) < at_least:
        continue


def total(world: World) -> int:
    return int(world.get(params={"limit": 1}).json["meta"]["total"])


def read_total(world: World, page: int) -> int:
    """Return the total of the list, and assert that the page is consistent with it."""
    answer = world.get(params={"page": page, "per_page": 100, "sort_by": "last_name"}).json
    found = int(answer["meta"]["total"])
    assert len(answer["data"]) == min(max(found - 100 * (page - 1), 0), 100)
    return found


def all_changes(world: World) -> list[dict[str, Any]]:
    """Return the whole change feed, and assert that it has no gaps."""
    changes: list[dict[str, Any]] = []
    while page := world.get(CHANGES, params={"since": len(changes), "limit": 1000}).json["data"]:
        changes += page
    assert [change["position"] for change in changes] == list(range(1, len(changes) + 1))
    return changes


def expect_each_row_once(world: World, rows: int) -> None:
    """Assert that each row was imported exactly once, and that counts, feed and result say so."""
    created = [
        change["fields"]["first_name"]["to"]
        for change in all_changes(world)
        if change["action"] == "created" and change["fields"]["first_name"]["to"].startswith("Great")
    ]
    # Rows are imported in the order of the file.
    assert created == [f"Great{number}" for number in range(rows)]
    assert world.get(params={"gender": "female", "search": "great"}).json["meta"]["total"] == rows
    assert check_counts(world.database, world.clinic) == []
    (found,) = list_imports(world.database, world.clinic)
    assert found.state == "imported"
    assert found.result is not None
    assert (found.result["created"], found.result["refused"]) == (rows, 0)
    assert (found.job.done, found.job.total) == (rows, rows)


def continue_job(world: World) -> None:
    """Run the job of a killed process, as any other process does when its claim has ended."""
    end_claims(world)
    work(world)


@pytest.mark.slow
def test_readers_and_writers_go_on_during_an_import(empty_world: World) -> None:
    world = empty_world
    world.add_customers()
    seen: list[int] = []
    written = 0
    with importing(world, MANY_ROWS) as process:
        while process.poll() is None:
            seen.append(read_total(world, page=len(seen) % 3 + 1))
            written += bool(world.create(first_name="Patient"))
        assert process.returncode == 0
    seen.append(total(world))
    assert sorted(seen) == seen
    assert len({*seen}) > 2, "the list grew while the import ran"
    assert written > 2
    assert world.get(params={"search": "patient"}).json["meta"]["total"] == written
    assert len(all_changes(world)) == FEW + written + MANY_ROWS
    expect_each_row_once(world, MANY_ROWS)


@pytest.mark.slow
def test_requests_to_a_server_are_answered_during_an_import(empty_world: World) -> None:
    world, rows = empty_world, 2 * MANY_ROWS
    with (
        running(world, "--workers", "1", "--jobs") as server,
        ThreadPoolExecutor(WRITERS) as pool,
        importing(world, rows) as process,
    ):

        def write_and_read(_: int) -> list[int]:
            statuses = []
            with server.client() as client:
                while process.poll() is None:
                    statuses.append(client.post(LIST, json={"first_name": "Patient"}).status_code)
                    statuses.append(client.get(LIST).status_code)
            return statuses

        statuses = [status for each in pool.map(write_and_read, range(WRITERS)) for status in each]
        assert process.returncode == 0
    assert {*statuses} == {200, 201}
    assert world.get(params={"search": "patient"}).json["meta"]["total"] == statuses.count(201)
    expect_each_row_once(world, rows)


@pytest.mark.parametrize("after", [1, ROWS // 2, ROWS - 1])
def test_another_process_continues_a_killed_import(empty_world: World, after: int) -> None:
    world = empty_world
    with importing(world, ROWS) as process:
        wait_until(world, process, at_least=after)
        process.kill()
        assert process.wait(TIMEOUT_SECONDS) in (-signal.SIGKILL, 0)
    assert world.create(first_name="Next"), "the killed process holds no lock"
    stored = total(world) - 1
    assert stored <= ROWS
    assert check_counts(world.database, world.clinic) == []
    work(world)
    assert total(world) - 1 == stored, "the claim of the killed process has not ended"
    continue_job(world)
    expect_each_row_once(world, ROWS)


@pytest.mark.slow
def test_another_process_continues_a_killed_undo(empty_world: World) -> None:
    world = empty_world
    world.add_customers()
    with importing(world, ROWS) as process:
        assert process.wait(TIMEOUT_SECONDS) == 0
    before = total(world)
    (found,) = list_imports(world.database, world.clinic)
    with command(world, "import", "undo", found.id) as process:
        while process.poll() is None and total(world) == before:
            continue
        os.kill(process.pid, signal.SIGKILL)
        process.wait(TIMEOUT_SECONDS)
    continue_job(world)
    (found,) = list_imports(world.database, world.clinic)
    assert (found.state, found.undo_result) == ("undone", {"removed": ROWS, "restored": 0, "kept": 0})
    assert total(world) == before - ROWS
    assert check_counts(world.database, world.clinic) == []
    assert [change["action"] for change in all_changes(world)].count("purged") == ROWS


@pytest.mark.slow
def test_regulars_work_continues_a_killed_import(empty_world: World) -> None:
    world = empty_world
    with importing(world, MANY_ROWS) as process:
        process.kill()
        process.wait(TIMEOUT_SECONDS)
    end_claims(world)
    arguments = [sys.executable, "-m", "regulars", "work", "--database", world.url]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as worker:
        try:
            while worker.poll() is None and list_imports(world.database, world.clinic)[0].state == "importing":
                continue
        finally:
            worker.terminate()
        assert worker.wait(TIMEOUT_SECONDS) == 0
    expect_each_row_once(world, MANY_ROWS)
