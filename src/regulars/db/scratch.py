"""Keys of one process in a temporary file, so that millions of them need little memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

MEMORY_KIB = 32 * 1024


class ScratchKeys:
    """A mapping from keys to numbers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, key: bytes, number: int) -> int | None:
        """Return the number of a key. If the key is new, store `number` for it and return None."""
        row = self._connection.execute("SELECT number FROM keys WHERE key = ?", (key,)).fetchone()
        if row is not None:
            return int(row[0])
        self._connection.execute("INSERT INTO keys (key, number) VALUES (?, ?)", (key, number))
        return None


@contextmanager
def scratch_keys() -> Iterator[ScratchKeys]:
    """Yield an empty mapping, which is deleted after the block."""
    # SQLite creates a private temporary file for an empty name, and deletes it when it is closed.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as connection:
        connection.execute(f"PRAGMA cache_size = -{MEMORY_KIB}")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE keys (key BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID")
        connection.execute("BEGIN")
        yield ScratchKeys(connection)
