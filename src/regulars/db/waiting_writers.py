"""How the writers of an SQLite database tell each other that they wait, also in different processes.

SQLite does not tell the program that writes whether others wait. So a waiting writer holds a shared lock (flock) on the
folder of the database. The operating system releases it if the process ends. If folders cannot be locked, somebody
always seems to wait.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ATTEMPTS = 3


class WaitingWriters:
    """The writers that wait for databases in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def announced(self) -> Iterator[None]:
        """Announce to others that this thread waits, until the end of the block."""
        with self._opened() as descriptor:
            # It fails at the moment in which another thread looks.
            any(_lock(descriptor, fcntl.LOCK_SH) for _attempt in range(ATTEMPTS))
            yield

    def exist(self) -> bool:
        """Tell whether a thread or process waits."""
        with self._opened() as descriptor:
            return not _lock(descriptor, fcntl.LOCK_EX)

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
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
