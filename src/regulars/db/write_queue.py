"""Those who wait for their turn to write, which may be long: an import holds its tenant (SQLite: the file) until it is
through. They may not hold every thread of the server, or nobody could read meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from regulars.errors import Unavailable

WAIT_SECONDS = 1.0


class WriteQueue:
    """A line for all but one of `threads`; who is in it holds a thread."""

    def __init__(self, threads: int) -> None:
        self._slots = threading.Semaphore(max(threads - 1, 1))
        self._moved = 0.0
        self._full_until = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for one's turn in the course of this.

        Raises `Unavailable` where it is full and has not moved for a second, and then at once for a second.
        """
        if not self._slots.acquire(blocking=False):
            self._wait_for_place()
        try:
            yield
        finally:
            self._moved = time.monotonic()
            self._slots.release()

    def _wait_for_place(self) -> None:
        since = now = time.monotonic()
        while now >= self._full_until:
            if self._slots.acquire(timeout=WAIT_SECONDS):
                return
            now = time.monotonic()
            if now - max(since, self._moved) >= WAIT_SECONDS:
                self._full_until = now + WAIT_SECONDS
        raise Unavailable("Too many wait to write just now.", retry_after=2)
