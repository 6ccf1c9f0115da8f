"""Those who wait for their turn to write, which may be long: an import holds its tenant (SQLite: the file) until it is
through. They may not hold every thread of the server, or nobody could read meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from regulars.errors import Unavailable

WAIT_SECONDS = 1.0


class Line:
    """A line for all but one of `threads`; who is in it holds a thread."""

    def __init__(self, threads: int) -> None:
        self._places = threading.Semaphore(max(threads - 1, 1))
        self._full_until = 0.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for one's turn in the course of this.

        Raises `Unavailable` where the line was full for a second, and then at once for a second.
        """
        if not self._places.acquire(blocking=False):
            if time.monotonic() < self._full_until:
                raise self._full()
            if not self._places.acquire(timeout=WAIT_SECONDS):
                self._full_until = time.monotonic() + WAIT_SECONDS
                raise self._full()
        try:
            yield
        finally:
            self._places.release()

    @staticmethod
    def _full() -> Unavailable:
        return Unavailable("Too many wait to write just now.", retry_after=2)
