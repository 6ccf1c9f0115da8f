"""Upper limit of the database: the SQL statement of the first page, repeated on the bare driver."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, cast

import psycopg

from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.db.connect import is_embedded, sqlite_path
from regulars.db.database import Database
from regulars.db.postgres_session import SessionSettings, configure_session
from regulars.db.sqlite import PRAGMAS
from regulars.db.statement import Row, Statement, Values

Query = Callable[[], list[Row]]


@dataclass
class _Recorder:
    """Substitute for the database that records the statement of a query."""

    dialect: str
    sql: str = ""
    parameters: tuple[Any, ...] = ()

    def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        compiled = statement.compiled(self.dialect)
        self.sql, self.parameters = compiled.sql, tuple(compiled.parameters(values))
        return []


def first_pages_per_second(url: str, tenant_id: int, processes: int, seconds: float) -> float:
    """Return how many times per second `processes`, with one connection each, read the tenant's first page together."""
    recorder = _Recorder("sqlite" if is_embedded(url) else "postgresql")
    fetch_page(cast(Database, recorder), tenant_id, CustomerQuery(), date.min)
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with context.Pool(processes, _set_barrier, (barrier,)) as pool:
        work = [(url, recorder.sql, recorder.parameters, seconds)] * processes
        return sum(pool.starmap(_loop, work, chunksize=1))


def _set_barrier(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603 - a barrier can be passed to the processes of a pool only through its initializer
    _barrier = barrier


_barrier: Barrier


def _loop(url: str, sql: str, parameters: tuple[Any, ...], seconds: float) -> float:
    query = _sqlite_query(url, sql, parameters) if is_embedded(url) else _postgres_query(url, sql, parameters)
    assert query()
    for _ in range(200):
        query()
    _barrier.wait(60)
    started = time.perf_counter()
    executions = 0
    while (elapsed := time.perf_counter() - started) < seconds:
        query()
        executions += 1
    return executions / elapsed


def _sqlite_query(url: str, sql: str, parameters: tuple[Any, ...]) -> Query:
    connection = sqlite3.connect(sqlite_path(url), isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return lambda: connection.execute(sql, parameters).fetchall()


def _postgres_query(url: str, sql: str, parameters: tuple[Any, ...]) -> Query:
    connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor, prepare_threshold=2)
    configure_session(connection, SessionSettings())
    cursor = connection.cursor(binary=True)
    return lambda: cursor.execute(sql, parameters).fetchall()
