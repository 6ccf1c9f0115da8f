"""PostgreSQL databases: psycopg's pool, autocommit reads, prepared statements."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

import psycopg
from psycopg import sql as composing
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy import Boolean, Table, column, text

from regulars.db.database import NO_VALUES, Database, ended_early
from regulars.db.postgres_session import SessionSettings, configure_session, is_pooled
from regulars.db.statement import Compiled, Row, Statement, Values
from regulars.db.watched_connection import WatchedConnection, connection_error, no_answer
from regulars.errors import ConfigurationError, Conflict, RegularsError, Unavailable
from regulars.i18n import _

Connection = WatchedConnection

WAIT_SECONDS = 3
FAILURE_SECONDS = 1
"""The time between two attempts to reach a server that does not answer."""
INSUFFICIENT_RESOURCES = "53"
"""SQLSTATE class 53: out of memory, too many connections, disk full."""
ROWS_PER_BLOCK = 1000
# To find out whom they wait for would take much longer than a transaction that ends for nothing.
HAS_WAITING_WRITERS = Statement(
    text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) AS is_waiting").columns(column("is_waiting", Boolean))
)
MAX_INSERT_ROWS = 20
"""Up to this number of rows INSERT is faster than COPY, which takes several round trips."""
# A server that loses power closes no connection. Without these settings, a request would wait 15 minutes for an answer.
KEEPALIVE_SETTINGS = {
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}


class _PerThread(threading.local):
    connection: Connection | None = None


class PostgresDatabase(Database):
    """A PostgreSQL database, 14 or later.

    A statement is cancelled after `statement_seconds`; 0 is no limit. `wait_seconds` is the longest time to wait for a
    connection. Raise `ConfigurationError` if `url` is invalid.
    """

    dialect = "postgresql"

    def __init__(
        self, url: str, *, threads: int = 1, wait_seconds: float = WAIT_SECONDS, statement_seconds: int = 0
    ) -> None:
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise ConfigurationError(f"The database URL cannot be read: {str(error).strip()}.") from None
        self._url = url
        self._local = _PerThread()
        self._statement_seconds = statement_seconds
        self._settings = SessionSettings(statement_seconds)
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            connection_class=Connection,
            min_size=1,
            max_size=max(threads, 2),
            timeout=wait_seconds,
            open=False,
            configure=self._configure,
            reconnect_timeout=wait_seconds,
            kwargs={
                "autocommit": True,
                "cursor_factory": psycopg.RawCursor,
                "prepare_threshold": 2,
                "connect_timeout": WAIT_SECONDS,
                **KEEPALIVE_SETTINGS,
                "application_name": "regulars",
            },
        )
        self._opening = threading.Lock()
        self._trying = threading.Lock()
        self._is_away = False
        self._away_until = 0.0

    def fetch_all(self, statement: Statement, values: Values = NO_VALUES) -> list[Row]:
        compiled = statement.compiled("postgresql")
        parameters = compiled.parameters(values)
        planned = statement.custom_plan
        current = self._local.connection
        try:
            if current is not None:
                return self._fetch(current, compiled, parameters, planned)
            connection = self._take_connection()
            try:
                return self._fetch(connection, compiled, parameters, planned)
            except psycopg.OperationalError:
                if not connection.closed:
                    raise
            finally:
                self._pool.putconn(connection)
            # The server has closed an idle connection, for example at a restart. Nothing was read, so try once more.
            self._pool.check()
            with self._pool.connection() as connection:
                return self._fetch(connection, compiled, parameters, planned)
        except psycopg.Error as error:
            raise self._translate_error(error) from None

    def stream(self, statement: Statement, values: Values = NO_VALUES) -> Iterator[Row]:
        compiled = statement.compiled("postgresql")
        with self._transaction() as connection:
            connection.execute("SET LOCAL statement_timeout = 0")
            with connection.cursor() as cursor:
                yield from cursor.stream(compiled.sql, compiled.parameters(values), binary=True, size=ROWS_PER_BLOCK)

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
        first = list(islice(waiting, MAX_INSERT_ROWS + 1))
        if len(first) <= MAX_INSERT_ROWS:
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
        # A range takes little memory. The ids are a range unless another transaction took ids at the same time.
        return in_a_row if numbers == list(in_a_row) else numbers

    def analyze(self) -> None:
        connection = self._take_connection()
        try:
            if is_pooled(connection):
                connection.execute("VACUUM (ANALYZE)")
            else:
                connection.execute("SET statement_timeout = 0")
                connection.execute("VACUUM (ANALYZE)")
                connection.execute(self._settings.set_for_session)
        except psycopg.Error as error:
            raise self._translate_error(error) from None
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
                raise self._translate_error(error) from None
            return
        try:
            connection = self._take_connection()
            try:
                with connection.transaction():
                    if is_pooled(connection):
                        connection.execute(self._settings.set_for_transaction)
                    local.connection = connection
                    yield connection
            finally:
                local.connection = None
                self._pool.putconn(connection)
        except psycopg.Error as error:
            raise self._translate_error(error) from None

    def has_waiting_writers(self) -> bool:
        return bool(self.fetch_all(HAS_WAITING_WRITERS)[0][0])

    def let_others_write(self) -> None:
        # Locks are given in the order in which they were asked for.
        return

    def close(self) -> None:
        self._pool.close()

    def _take_connection(self) -> Connection:
        # The pool starts threads, which do not survive a fork, so open it only when it is used.
        if self._pool.closed:
            with self._opening:
                if self._pool.closed:
                    self._pool.open()
        if self._is_away:
            self._try_again()
        try:
            return self._pool.getconn()
        except PoolTimeout:
            self._suspend()
            raise

    def _suspend(self) -> None:
        """Let requests fail immediately until the server can be reached again, instead of blocking a thread each."""
        self._is_away, self._away_until = True, time.monotonic() + FAILURE_SECONDS

    def _try_again(self) -> None:
        """Check whether the server can be reached again.

        Raise `Unavailable` if it cannot, if the next check is not due yet, or if another thread is checking.
        """
        if time.monotonic() < self._away_until or not self._trying.acquire(blocking=False):
            raise no_answer()
        try:
            if connection_error(self._url) is not None:
                self._suspend()
                raise no_answer()
            self._is_away = False
        finally:
            self._trying.release()

    def _configure(self, connection: Connection) -> None:
        configure_session(connection, self._settings)
        connection.url, connection.on_silence = self._url, self._suspend

    def _fetch(self, connection: Connection, compiled: Compiled, parameters: list[Any], custom_plan: bool) -> list[Row]:
        if not is_pooled(connection) or connection.info.transaction_status == TransactionStatus.INTRANS:
            return _run(connection, compiled, parameters, custom_plan).fetchall()
        # Both statements of the pipeline run in one implicit transaction, so the settings apply to the second one.
        with connection.pipeline():
            connection.execute(self._settings.set_for_statement)
            cursor = _run(connection, compiled, parameters, custom_plan)
        return cursor.fetchall()

    def _translate_error(self, error: psycopg.Error) -> RegularsError:
        if isinstance(error, psycopg.errors.QueryCanceled) and self._statement_seconds:
            return ended_early(self._statement_seconds)
        return _translate_error(error)


def _run(connection: Connection, compiled: Compiled, parameters: list[Any], custom_plan: bool) -> psycopg.Cursor[Row]:
    if custom_plan:
        return psycopg.ClientCursor(connection).execute(compiled.sql, parameters)
    return connection.cursor(binary=True).execute(compiled.sql, parameters)


def _translate_error(error: psycopg.Error) -> RegularsError:
    # The server's message about a value (SQLSTATE class 22) repeats the value, which may be personal data.
    is_about_data = isinstance(error, psycopg.DataError) or not error.diag.message_primary
    reason = type(error).__name__ if is_about_data else error.diag.message_primary
    if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
        return Unavailable(_("Another request is writing the same data. Try again later."), retry_after=2)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return Unavailable(_("The database took too long to answer."), retry_after=5)
    if isinstance(error, psycopg.IntegrityError):
        return Conflict(_("The database refused the change: {reason}.", reason=reason))
    if isinstance(error, psycopg.errors.InsufficientPrivilege | psycopg.errors.UndefinedTable):
        return RegularsError(_("The database failed: {reason}.", reason=f"{reason} ({error.sqlstate})"))
    if isinstance(error, PoolTimeout | psycopg.OperationalError | psycopg.InterfaceError):
        return _unavailable(error, reason)
    return RegularsError(_("The database failed: {reason}.", reason=f"{reason} ({error.sqlstate})"))


def _unavailable(error: psycopg.Error, reason: str | None) -> Unavailable:
    if isinstance(error, psycopg.errors.DiskFull):
        return Unavailable(_("The disk of the database is full."), retry_after=30)
    if (error.sqlstate or "").startswith(INSUFFICIENT_RESOURCES):
        return Unavailable(_("The database has too few resources: {reason}.", reason=reason), retry_after=5)
    return no_answer()
