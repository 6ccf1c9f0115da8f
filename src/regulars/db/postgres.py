"""PostgreSQL behind `Database`: psycopg's pool, autocommit reads, prepared statements."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, islice
from typing import Any

import psycopg
from psycopg import sql as composing
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy import Table

from regulars.db.database import NO_VALUES, Database
from regulars.db.statement import Compiled, Row, Statement, Values
from regulars.db.write_queue import WriteQueue
from regulars.errors import ConfigurationError, Conflict, RegularsError, Unavailable

Connection = psycopg.Connection[Row]

WAIT_SECONDS = 3
AWAY_SECONDS = 1
"""After a wait in vain the next requests are refused at once for so long, or each would hold a thread in its turn."""
BLOCK = 1000
FEW_ROWS = 20
"""For so few a COPY, which takes several round trips, is not worth its while."""
# A machine that loses its power says nothing: without these a request would wait for it for a quarter of an hour.
NOTICE_THAT_IT_IS_GONE = {
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
# Compiling such short statements to machine code only costs time. Every table is shared by all tenants, so reading one
# through is never right, however much of it the planner expects. A bitmap of ten million rows fits into 64 MB; with
# less, whole pages are looked at instead of rows. Pages lie in memory or on a disk without heads.
SETTINGS = {
    "jit": "off",
    "enable_seqscan": "off",
    "work_mem": "64MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "statement_timeout": "60s",
    "lock_timeout": "10s",
}
# A prepared statement is planned once, for any values; statements whose plan depends on their values
# (`custom_plan`) are sent with the values in their text.
FOR_SESSION = "; ".join(
    f"SET {name} = '{value}'" for name, value in {**SETTINGS, "plan_cache_mode": "force_generic_plan"}.items()
)
FOR_TRANSACTION = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in SETTINGS.items())
WHAT_IT_IS = "SELECT pg_backend_pid(), EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
FOR_STATEMENT = "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in SETTINGS.items())


class _PerThread(threading.local):
    connection: Connection | None = None


class PostgresDatabase(Database):
    """A PostgreSQL database, 14 or later."""

    dialect = "postgresql"

    def __init__(self, url: str, *, threads: int = 1, wait_seconds: float = WAIT_SECONDS) -> None:
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise ConfigurationError(f"The database URL cannot be read: {str(error).strip()}.") from None
        self._local = _PerThread()
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=max(threads, 2),
            timeout=wait_seconds,
            open=False,
            configure=_configure,
            reconnect_timeout=wait_seconds,
            kwargs={
                "autocommit": True,
                "cursor_factory": psycopg.RawCursor,
                "prepare_threshold": 2,
                "connect_timeout": WAIT_SECONDS,
                **NOTICE_THAT_IT_IS_GONE,
                "application_name": "regulars",
            },
        )
        self._write_queue = WriteQueue(threads)
        self._opening = threading.Lock()
        self._away_until = 0.0

    def fetch_all(self, statement: Statement, values: Values = NO_VALUES) -> list[Row]:
        compiled = statement.compiled("postgresql")
        parameters = compiled.parameters(values)
        planned = statement.custom_plan
        current = self._local.connection
        try:
            if current is not None:
                return _fetch(current, compiled, parameters, planned)
            connection = self._take()
            try:
                return _fetch(connection, compiled, parameters, planned)
            except psycopg.OperationalError:
                if not connection.closed:
                    raise
            finally:
                self._pool.putconn(connection)
            # The server has closed an idle connection (a restart, say): nothing was read, so ask once more.
            self._pool.check()
            with self._pool.connection() as connection:
                return _fetch(connection, compiled, parameters, planned)
        except psycopg.Error as error:
            raise _translated(error) from None

    def stream(self, statement: Statement, values: Values = NO_VALUES) -> Iterator[Row]:
        compiled = statement.compiled("postgresql")
        with self._transaction() as connection:
            connection.execute("SET LOCAL statement_timeout = 0")
            with connection.cursor() as cursor:
                yield from cursor.stream(compiled.sql, compiled.parameters(values), binary=True, size=BLOCK)

    def execute(self, statement: Statement, values: Values = NO_VALUES) -> int:
        compiled = statement.compiled("postgresql")
        with self._transaction() as connection:
            return connection.execute(compiled.sql, compiled.parameters(values)).rowcount

    def execute_many(self, statement: Statement, values: Sequence[Values]) -> None:
        compiled = statement.compiled("postgresql")
        with self._transaction() as connection, connection.cursor() as cursor:
            cursor.executemany(compiled.sql, [compiled.parameters(each) for each in values])

    def load(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
        waiting = iter(rows)
        first = list(islice(waiting, FEW_ROWS + 1))
        if len(first) <= FEW_ROWS:
            self._insert(table, columns, first)
            return
        command = composing.SQL("COPY {} ({}) FROM STDIN").format(
            composing.Identifier(table.name), composing.SQL(", ").join(map(composing.Identifier, columns))
        )
        with self._transaction() as connection:
            connection.execute("SET LOCAL statement_timeout = 0")
            with connection.cursor() as cursor, cursor.copy(command) as copy:
                for row in chain(first, waiting):
                    copy.write_row(row)

    def _insert(self, table: Table, columns: Sequence[str], rows: list[Row]) -> None:
        marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        command = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"
        with self._transaction() as connection, connection.cursor() as cursor:
            if len(rows) == 1:
                cursor.execute(command, rows[0])
            elif rows:
                cursor.executemany(command, rows)

    def new_ids(self, sequence: str, count: int) -> Sequence[int]:
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT nextval($1::text::regclass) FROM generate_series(1, $2)", (sequence, count)
            ).fetchall()
        numbers = sorted(number for (number,) in rows)
        in_a_row = range(numbers[0], numbers[0] + count) if numbers else range(0)
        # A range takes no memory; it is one unless somebody else drew numbers meanwhile.
        return in_a_row if numbers == list(in_a_row) else numbers

    def advance_sequence(self, sequence: str, highest: int) -> None:
        name = composing.Identifier(sequence)
        query = composing.SQL("SELECT setval({}, {}) FROM {} WHERE last_value < {} OR NOT is_called").format(
            composing.Literal(sequence), composing.Literal(highest), name, composing.Literal(highest)
        )
        with self._transaction() as connection:
            connection.execute(query)

    def analyze(self) -> None:
        connection = self._take()
        try:
            if _is_pooled(connection):
                connection.execute("VACUUM (ANALYZE)")
            else:
                connection.execute("SET statement_timeout = 0")
                connection.execute("VACUUM (ANALYZE)")
                connection.execute(f"SET statement_timeout = '{SETTINGS['statement_timeout']}'")
        except psycopg.Error as error:
            raise _translated(error) from None
        finally:
            self._pool.putconn(connection)

    @contextmanager
    def transaction(self, *, nowait: bool = False) -> Iterator[None]:
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        local = self._local
        if local.connection is not None:
            try:
                yield local.connection
            except psycopg.Error as error:
                raise _translated(error) from None
            return
        try:
            connection = self._take()
            try:
                with connection.transaction():
                    if _is_pooled(connection):
                        connection.execute(FOR_TRANSACTION)
                    local.connection = connection
                    yield connection
            finally:
                local.connection = None
                self._pool.putconn(connection)
        except psycopg.Error as error:
            raise _translated(error) from None

    def waiting(self) -> AbstractContextManager[None]:
        return self._write_queue.slot()

    def close(self) -> None:
        self._pool.close()

    def _take(self) -> Connection:
        # The pool has threads of its own, so it may be opened only in the process that uses it.
        if self._pool.closed:
            with self._opening:
                if self._pool.closed:
                    self._pool.open()
        if time.monotonic() < self._away_until:
            raise Unavailable("The database does not answer.", retry_after=2)
        try:
            return self._pool.getconn()
        except PoolTimeout:
            self._away_until = time.monotonic() + AWAY_SECONDS
            raise


def _configure(connection: Connection) -> None:
    # One width for every integer, or a statement would be prepared again for each width that its values happen to have.
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    process_id, has_citus = connection.execute(WHAT_IT_IS).fetchall()[0]
    if process_id != connection.info.backend_pid:
        connection.prepare_threshold = None
    else:
        connection.execute(FOR_SESSION)
        if has_citus:
            # It needs the values to find their shard.
            connection.execute("SET plan_cache_mode = auto")


def _is_pooled(connection: Connection) -> bool:
    """Whether a pooler (PgBouncer in transaction mode) stands between: each transaction may get another session.

    Then nothing can be set or prepared for longer than a transaction. A pooler is known by the process id that it
    makes up for a session.
    """
    return connection.prepare_threshold is None


def _fetch(connection: Connection, compiled: Compiled, parameters: list[Any], custom_plan: bool) -> list[Row]:
    if not _is_pooled(connection) or connection.info.transaction_status == TransactionStatus.INTRANS:
        return _run(connection, compiled, parameters, custom_plan).fetchall()
    # What is sent together is one transaction.
    with connection.pipeline():
        connection.execute(FOR_STATEMENT)
        cursor = _run(connection, compiled, parameters, custom_plan)
    return cursor.fetchall()


def _run(connection: Connection, compiled: Compiled, parameters: list[Any], custom_plan: bool) -> psycopg.Cursor[Row]:
    if custom_plan:
        return psycopg.ClientCursor(connection).execute(compiled.sql, parameters)
    return connection.cursor(binary=True).execute(compiled.sql, parameters)


def _translated(error: psycopg.Error) -> RegularsError:
    # What the server says of a value repeats it, and so may hold a person's data (SQLSTATE class 22).
    is_about_data = isinstance(error, psycopg.DataError) or not error.diag.message_primary
    said = type(error).__name__ if is_about_data else error.diag.message_primary
    if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
        return Unavailable("Somebody else is writing the same just now.", retry_after=2)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return Unavailable("The database took too long to answer.", retry_after=5)
    if isinstance(error, psycopg.IntegrityError):
        return Conflict(f"The database refused the change: {said}.")
    if isinstance(error, psycopg.errors.InsufficientPrivilege | psycopg.errors.UndefinedTable):
        return RegularsError(f"The database failed: {said} ({error.sqlstate}).")
    if isinstance(error, PoolTimeout | psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable("The database does not answer.", retry_after=2)
    return RegularsError(f"The database failed: {said} ({error.sqlstate}).")
