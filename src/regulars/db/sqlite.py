"""SQLite databases: a connection for each thread, one writer at a time, write-ahead log."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

import msgspec
from sqlalchemy import Table

from regulars.db.database import NO_VALUES, Database, ended_early
from regulars.db.statement import Compiled, Row, Statement, Values
from regulars.db.work import current_work
from regulars.db.writer_turns import WriterTurns
from regulars.errors import ConfigurationError, Conflict, RegularsError, Unavailable
from regulars.i18n import _

BUSY_SECONDS = 15
RETRY_SECONDS = 0.002
MAX_TURNS_SECONDS = 0.05
"""The longest time for which background work lets others write before it continues."""
ROWS_PER_BLOCK = 1000
MAX_PARAMETERS = 30_000  # SQLite's limit is 32,766 in a statement
STEPS_PER_CHECK = 100_000
"""After this number of steps of its virtual machine, some milliseconds, SQLite asks whether to end the statement."""
TRANSIENT_ERRORS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}
DAMAGE_ADVICE = {
    sqlite3.SQLITE_CORRUPT: "Restore a backup.",
    sqlite3.SQLITE_NOTADB: "Restore a backup, or check the name of the file.",
}
"""Advice for the operator about a damaged file, by result code."""
PRAGMAS = (
    "PRAGMA synchronous = FULL",  # an acknowledged write survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -4000",  # 4 MB per thread; the operating system caches the file for all workers
    "PRAGMA temp_store = MEMORY",
    "PRAGMA schema_version",  # creates the log, on which writers hold a lock (`WriterTurns`)
)

NO_DEADLINE = float("inf")

BULK_PRAGMAS = (
    "PRAGMA cache_size = -64000",
    # Otherwise every transaction of an import writes the same pages of indexes to the file.
    "PRAGMA wal_autocheckpoint = 4000",
)
"""For processes that write many rows. In an import, the first saved 7 % of the time, and the second 10 %."""


@lru_cache(maxsize=1_000)
def write_time(moment: datetime) -> str:
    """Return the text that SQLite stores for a time: in UTC, sortable, such as `2026-11-23T09:30:00Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


_rows_of = msgspec.json.Decoder(list[Row]).decode

sqlite3.register_adapter(datetime, write_time)
sqlite3.register_adapter(date, date.isoformat)
sqlite3.register_adapter(list, lambda values: msgspec.json.encode(values).decode())


class _PerThread(threading.local):
    connection: sqlite3.Connection | None = None
    depth = 0
    deadline = NO_DEADLINE
    """The time (`time.monotonic`) at which the running statement must end."""


class SQLiteDatabase(Database):
    """An SQLite file.

    A statement is interrupted after `statement_seconds`; 0 is no limit. `is_bulk`: the process writes many rows. Raise
    `ConfigurationError` if the folder of the file does not exist.
    """

    dialect = "sqlite"

    def __init__(self, path: str, *, statement_seconds: float = 0, is_bulk: bool = False) -> None:
        self.path = Path(path)
        self._pragmas = PRAGMAS + (BULK_PRAGMAS if is_bulk else ())
        self._statement_seconds = statement_seconds or NO_DEADLINE
        if not self.path.parent.is_dir():
            raise ConfigurationError(f"The folder of the database {path} does not exist.")
        self._local = _PerThread()
        self._writer = threading.Lock()
        self._turns = WriterTurns(self.path)
        self._open: list[sqlite3.Connection] = []

    def fetch_all(self, statement: Statement, values: Values = NO_VALUES) -> list[Row]:
        compiled = statement.compiled("sqlite")
        try:
            rows = self._run(compiled.sql, compiled.parameters(values)).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise self._translate_error(error) from None
        if compiled.is_json:
            ((text,),) = rows
            return _rows_of(text)
        return _read(compiled, rows)

    def stream(self, statement: Statement, values: Values = NO_VALUES) -> Iterator[Row]:
        compiled = statement.compiled("sqlite")
        try:
            connection = self._connection()
            self._local.deadline = NO_DEADLINE
            cursor = connection.execute(compiled.sql, compiled.parameters(values))
            while rows := cursor.fetchmany(ROWS_PER_BLOCK):
                yield from _read(compiled, rows)
                # Another statement of this thread may have set a deadline between two blocks.
                self._local.deadline = NO_DEADLINE
        except sqlite3.Error as error:
            raise self._translate_error(error) from None

    def execute(self, statement: Statement, values: Values = NO_VALUES) -> int:
        compiled = statement.compiled("sqlite")
        with self.transaction():
            try:
                return self._run(compiled.sql, compiled.parameters(values)).rowcount
            except (sqlite3.Error, OverflowError) as error:
                raise self._translate_error(error) from None

    def execute_many(self, statement: Statement, values: Sequence[Values]) -> None:
        compiled = statement.compiled("sqlite")
        self._many(compiled.sql, (compiled.parameters(each) for each in values))

    def load(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
        # Insert many rows in each statement: FTS5 flushes after each one, which took half of the time of an import.
        # Their number is a power of two, so that the driver's cache has the statement.
        waiting = iter(rows)
        most = 1 << (MAX_PARAMETERS // len(columns)).bit_length() - 1
        with self.transaction():
            try:
                while block := list(islice(waiting, most)):
                    start = 0
                    while count := len(block) - start:
                        part = block[start : start + (1 << count.bit_length() - 1)]
                        self._run(_insertion(table.name, tuple(columns), len(part)), list(chain.from_iterable(part)))
                        start += len(part)
            except (sqlite3.Error, OverflowError) as error:
                raise self._translate_error(error) from None

    def _many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        with self.transaction():
            try:
                connection = self._connection()
                self._local.deadline = time.monotonic() + self._statement_seconds
                connection.executemany(sql, rows)
            except (sqlite3.Error, OverflowError) as error:
                raise self._translate_error(error) from None

    def new_ids(self, sequence: str, count: int) -> Sequence[int]:
        with self.transaction():
            connection = self._connection()
            connection.execute("INSERT OR IGNORE INTO id_sequences (name, last_id) VALUES (?, 0)", (sequence,))
            connection.execute("UPDATE id_sequences SET last_id = last_id + ? WHERE name = ?", (count, sequence))
            (last,) = connection.execute("SELECT last_id FROM id_sequences WHERE name = ?", (sequence,)).fetchone()
        return range(last - count + 1, last + 1)

    def analyze(self) -> None:
        with self.transaction():
            self._connection().execute("ANALYZE")

    @contextmanager
    def transaction(self, *, nowait: bool = False) -> Iterator[None]:
        local = self._local
        if local.depth:
            yield
            return
        connection = self._connection()
        if not self._try_to_begin(connection):
            with self._turns.awaited():
                self._begin(connection, 0 if nowait else BUSY_SECONDS)
        try:
            local.depth = 1
            yield
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._translate_error(error) from None
        finally:
            local.depth = 0
            _roll_back(connection)
            self._turns.end()
            self._writer.release()

    def _try_to_begin(self, connection: sqlite3.Connection) -> bool:
        """Do the same as `_begin`, or return False if another thread or program is writing."""
        if not self._writer.acquire(blocking=False):
            return False
        has_begun = False
        try:
            has_begun = self._turns.take() and _has_begun(connection)
        finally:
            if not has_begun:
                self._turns.end()
                self._writer.release()
        return has_begun

    def _begin(self, connection: sqlite3.Connection, seconds: float) -> None:
        """Take the lock `_writer`, which the caller must release, and begin a write transaction.

        Wait at most `seconds` for write transactions of other threads and programs. Raise `Unavailable` if they do not
        end.
        """
        until = time.monotonic() + seconds
        if not self._writer.acquire(timeout=seconds):
            raise Unavailable(_("Another request is writing. Try again later."), retry_after=2)
        try:
            # Retry here instead of with SQLite's busy timeout. SQLite waits longer and longer between retries, and
            # would never succeed while other programs write all the time.
            while not (self._turns.take() and _has_begun(connection)):
                if time.monotonic() >= until:
                    raise Unavailable(_("Another request is writing. Try again later."), retry_after=2)
                time.sleep(RETRY_SECONDS)
        except BaseException:
            self._turns.end()
            self._writer.release()
            raise

    def has_waiting_writers(self) -> bool:
        return self._turns.are_awaited()

    def let_others_write(self) -> None:
        until = time.monotonic() + MAX_TURNS_SECONDS
        while self._turns.are_awaited() and time.monotonic() < until:
            time.sleep(RETRY_SECONDS)

    def close(self) -> None:
        while self._open:
            self._open.pop().close()
        self._local = _PerThread()

    def _run(self, sql: str, parameters: Sequence[object]) -> sqlite3.Cursor:
        connection = self._connection()
        self._local.deadline = time.monotonic() + self._statement_seconds
        return connection.execute(sql, parameters)

    def _must_end(self) -> bool:
        """Tell whether the running statement of this thread must end. SQLite calls this repeatedly."""
        work = current_work()
        return time.monotonic() > self._local.deadline or (work is not None and work.is_cancelled)

    def _translate_error(self, error: Exception) -> RegularsError:
        if _code(error) == sqlite3.SQLITE_INTERRUPT:
            if not self._must_end():
                # A signal arrived during `_must_end`. The driver hides what its handler raised.
                raise KeyboardInterrupt
            return ended_early(self._statement_seconds)
        return _translate_error(error)

    def _connection(self) -> sqlite3.Connection:
        connection = self._local.connection
        if connection is None:
            try:
                connection = sqlite3.connect(
                    self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
                )
                _set_journal_mode(connection)
                for pragma in self._pragmas:
                    connection.execute(pragma)
                connection.set_progress_handler(self._must_end, STEPS_PER_CHECK)
            except sqlite3.Error as error:
                raise self._translate_error(error) from None
            self._open.append(connection)
            self._local.connection = connection
        return connection


@lru_cache(maxsize=200)
def _insertion(table: str, columns: tuple[str, ...], rows: int) -> str:
    """Return the statement that inserts a number of rows."""
    marks = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * rows)}"


def _set_journal_mode(connection: sqlite3.Connection) -> None:
    """Use a write-ahead log. Retry while another program does the same, because SQLite then fails without waiting."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.Error as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(RETRY_SECONDS)


def _has_begun(connection: sqlite3.Connection) -> bool:
    """Begin a write transaction. Return False if another program is writing."""
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if _code(error) == sqlite3.SQLITE_BUSY:
            return False
        raise _translate_error(error) from None
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    return True


def _roll_back(connection: sqlite3.Connection) -> None:
    """End the transaction if an error has left it open."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        # The file cannot be read. The error that ended the transaction says why.
        return


def _read(compiled: Compiled, rows: list[Row]) -> list[Row]:
    readers = compiled.readers
    if not readers:
        return rows
    read: list[Row] = []
    for row in rows:
        values = list(row)
        for position, reader in readers:
            if values[position] is not None:
                values[position] = reader(values[position])
        read.append(tuple(values))
    return read


def _translate_error(error: Exception) -> RegularsError:
    code = _code(error)
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(_("The database refused the change: {reason}.", reason=error))
    if code in TRANSIENT_ERRORS:
        return Unavailable(_("The database is not available: {reason}.", reason=error), retry_after=2)
    if advice_on_damage(error):
        message = _("The database file is damaged: {reason}.", reason=error)
        return Unavailable(message, retry_after=60, advice=advice_on_damage(error))
    return RegularsError(_("The database failed: {reason}.", reason=error))


def advice_on_damage(error: BaseException) -> str:
    """Return advice for the operator if the file is damaged, or an empty text for other errors."""
    return DAMAGE_ADVICE.get(_code(error), "")


def _code(error: BaseException) -> int:
    """Return SQLite's primary result code, or 0 for other errors."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
