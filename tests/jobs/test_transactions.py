"""Transactions of many steps, which end when another writer waits."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from typing import Any

import pytest

from regulars.db.connect import open_database
from regulars.jobs.queue import JobCancelled, claim_next, create_job
from regulars.jobs.transactions import in_transactions
from regulars.jobs.worker import JobRun
from regulars.permissions import COMMAND_LINE
from regulars.tenants.locks import lock_customers
from tests.support.server import TIMEOUT_SECONDS
from tests.support.world import World


@pytest.fixture
def run(empty_world: World) -> JobRun:
    """Return the run of a job of the clinic."""
    create_job(empty_world.database, empty_world.clinic, COMMAND_LINE, "export", {})
    job = claim_next(empty_world.database)
    assert job is not None
    return JobRun(empty_world.database, job, lambda done, total: None, threading.Event())


@pytest.fixture
def long_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let transactions go on until somebody waits."""
    monkeypatch.setattr("regulars.jobs.transactions.MAX_SECONDS", TIMEOUT_SECONDS)
    monkeypatch.setattr("regulars.jobs.transactions.PART", float("inf"))


def number_of_transactions(run: JobRun, **options: Any) -> int:
    """Return the number of transactions that three steps take."""
    return sum(1 for _transaction in in_transactions(run, iter("abc"), lambda steps: None, **options))


@contextmanager
def another_writer(world: World) -> Iterator[None]:
    """Let another program write customers of the clinic as soon as it can."""

    def write() -> None:
        with other.transaction():
            lock_customers(other, world.clinic)

    with closing(open_database(world.url)) as other, ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        yield
        written.result(TIMEOUT_SECONDS)


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_somebody_who_waits_is_noticed(empty_world: World) -> None:
    database = empty_world.database
    with ExitStack() as stack, database.transaction():
        lock_customers(database, empty_world.clinic)
        assert not database.has_waiting_writers()
        stack.enter_context(another_writer(empty_world))
        until(database.has_waiting_writers)
    assert not database.has_waiting_writers()


@pytest.mark.usefixtures("long_transactions")
def test_steps_share_a_transaction_until_somebody_waits(empty_world: World, run: JobRun) -> None:
    database = empty_world.database
    written: list[list[int]] = []

    def write(steps: Sequence[int]) -> None:
        lock_customers(database, empty_world.clinic)
        written.append(list(steps))
        if len(written) >= 3:
            stack.enter_context(another_writer(empty_world))
            until(database.has_waiting_writers)

    with ExitStack() as stack:
        transactions = in_transactions(run, count(), write, most=4)
        next(transactions)
        assert written == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
        next(transactions)
    assert written[3] == [12]
    transactions.close()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("long_transactions")
def test_a_step_that_is_not_ready_is_awaited_outside_a_transaction(run: JobRun) -> None:
    assert number_of_transactions(run) == 1
    assert number_of_transactions(run, is_ready=lambda: False) == 3


@pytest.mark.usefixtures("long_transactions")
def test_if_folders_cannot_be_locked_transactions_on_sqlite_are_short(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError

    monkeypatch.setattr("fcntl.flock", refuse)
    assert number_of_transactions(run) == (3 if run.database.dialect == "sqlite" else 1)


@pytest.mark.usefixtures("long_transactions")
def test_progress_that_is_rolled_back_is_forgotten(run: JobRun) -> None:
    def write(steps: Sequence[int]) -> None:
        if steps[0] == 3:
            run.end = JobCancelled()
        run.save({"step": steps[0]}, steps[0], None)

    run.save({"step": -1}, 0, None)
    with pytest.raises(JobCancelled):
        list(in_transactions(run, count(1), write))
    assert (run.checkpoint, run.done) == ({"step": -1}, 0)
