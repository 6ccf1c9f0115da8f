"""Data of one process in a temporary file, so that much of it needs little memory."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager

MEMORY_KIB = 32 * 1024
TABLES = (
    "CREATE TABLE keys (key BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE records (number INTEGER PRIMARY KEY, content BLOB NOT NULL)",
    "CREATE TABLE record_keys (key BLOB, number INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID",
)


class Scratch:
    """A mapping from keys to numbers, and records with numbers, which can also be found by keys of their own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, key: bytes, number: int) -> int | None:
        """Return the number of a key. If the key is new, store `number` for it and return None."""
        row = self._connection.execute("SELECT number FROM keys WHERE key = ?", (key,)).fetchone()
        if row is not None:
            return int(row[0])
        self._connection.execute("INSERT INTO keys (key, number) VALUES (?, ?)", (key, number))
        return None

    def put(self, number: int, content: bytes, keys: Iterable[bytes]) -> None:
        """Store a record, replacing one with this number. The keys of the replaced one find it as well."""
        execute = self._connection.execute
        execute("INSERT OR REPLACE INTO records (number, content) VALUES (?, ?)", (number, content))
        for key in keys:
            execute("INSERT OR IGNORE INTO record_keys (key, number) VALUES (?, ?)", (key, number))

    def get(self, numbers: Iterable[int]) -> Mapping[int, bytes]:
        """Return the records that exist with these numbers."""
        one = "SELECT content FROM records WHERE number = ?"
        rows = ((number, self._connection.execute(one, (number,)).fetchone()) for number in numbers)
        return {number: row[0] for number, row in rows if row is not None}

    def find(self, keys: Iterable[bytes]) -> set[int]:
        """Return the numbers of all records that have, or had, one of these keys."""
        by_key = "SELECT number FROM record_keys WHERE key = ?"
        return {number for key in keys for (number,) in self._connection.execute(by_key, (key,))}


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Yield empty scratch data, which is deleted after the block."""
    # SQLite creates a private temporary file for an empty name, and deletes it when it is closed.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as connection:
        connection.execute(f"PRAGMA cache_size = -{MEMORY_KIB}")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        for table in TABLES:
            connection.execute(table)
        connection.execute("BEGIN")
        yield Scratch(connection)
