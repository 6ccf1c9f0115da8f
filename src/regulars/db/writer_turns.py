"""The turns of the writers of an SQLite database, in all threads and processes.

SQLite has one writer at a time, but it copies pages from its log to the file (a checkpoint) after the writer's turn. A
transaction that others commit during that may be lost: the "WAL-reset bug" of versions up to 3.51.2
(sqlite.org/wal.html). So a writer here keeps an exclusive lock on the log until both are done.

SQLite does not tell the program that writes whether others wait, either. So a waiting writer holds a shared lock on the
folder of the database. If it cannot be locked, somebody always seems to wait.

The locks are those of `flock`, which SQLite does not use. The operating system releases them if the process ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ATTEMPTS = 3


class WriterTurns:
    """The turns of the writers of a database. Only one thread of a process uses `take` and `end` at a time."""

    def __init__(self, path: Path) -> None:
        # SQLite names the log after the file to which a symbolic link leads.
        file = path.resolve()
        self._log = file.with_name(f"{file.name}-wal")
        self._folder = file.parent
        self._taken: int | None = None

    def take(self) -> bool:
        """Take a turn, or return False if another process has it. Taking it again does nothing."""
        if self._taken is not None:
            return True
        try:
            descriptor = os.open(self._log, os.O_RDONLY)
        except OSError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError:
            os.close(descriptor)
            return True
        self._taken = descriptor
        return True

    def end(self) -> None:
        """End the turn, if there is one."""
        descriptor, self._taken = self._taken, None
        if descriptor is not None:
            os.close(descriptor)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Tell others that this thread waits for a turn, until the end of the block."""
        with self._opened_folder() as descriptor:
            # It fails at the moment in which another thread looks.
            any(_lock(descriptor, fcntl.LOCK_SH) for _attempt in range(ATTEMPTS))
            yield

    def are_awaited(self) -> bool:
        """Tell whether a thread or process waits for a turn."""
        with self._opened_folder() as descriptor:
            return not _lock(descriptor, fcntl.LOCK_EX)

    @contextmanager
    def _opened_folder(self) -> Iterator[int | None]:
        # A lock belongs to an opening of the folder and not to the process, so each thread needs its own.
        try:
            descriptor = os.open(self._folder, os.O_RDONLY)
        except OSError:
            yield None
            return
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _lock(descriptor: int | None, kind: int) -> bool:
    """Try to lock without waiting. Return False if that is impossible."""
    if descriptor is None:
        return False
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
