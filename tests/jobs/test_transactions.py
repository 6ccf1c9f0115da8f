"""Transactions of many steps, which end when another writer waits."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from regulars.db.connect import open_database
from regulars.db.sqlite import SQLiteDatabase
from regulars.jobs.transactions import in_transactions
from regulars.tenants.locks import lock_customers
from tests.support.server import TIMEOUT_SECONDS
from tests.support.world import World


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


def test_steps_share_a_transaction_until_somebody_waits(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.jobs.transactions.MAX_SECONDS", TIMEOUT_SECONDS)
    monkeypatch.setattr("regulars.jobs.transactions.PART", float("inf"))
    database = empty_world.database
    written: list[list[int]] = []

    def write(steps: Sequence[int]) -> None:
        lock_customers(database, empty_world.clinic)
        written.append(list(steps))
        if len(written) >= 3:
            stack.enter_context(another_writer(empty_world))
            until(database.has_waiting_writers)

    with ExitStack() as stack:
        transactions = in_transactions(database, count(), write, most=4)
        next(transactions)
        assert written == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
        next(transactions)
    assert written[3] == [12]
    transactions.close()  # type: ignore[attr-defined]


def test_a_step_that_is_not_ready_is_awaited_outside_a_transaction(empty_world: World) -> None:
    database = empty_world.database
    transactions = in_transactions(database, iter("abc"), lambda steps: None, is_ready=lambda: False)
    assert sum(1 for _transaction in transactions) == 3


def test_if_folders_cannot_be_locked_transactions_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError

    monkeypatch.setattr("fcntl.flock", refuse)
    with closing(SQLiteDatabase(str(tmp_path / "a.db"))) as database:
        assert sum(1 for _transaction in in_transactions(database, iter("abc"), lambda steps: None)) == 3
