"""A queue for writers. A lock can be held for a long time: an import locks its tenant (SQLite: the file) until it ends.
Waiting writers must leave a thread free for readers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from regulars.errors import Unavailable
from regulars.i18n import _

WAIT_SECONDS = 1.0


class WriteQueue:
    """Queues writers so that at least one of `threads` stays free for readers."""

    def __init__(self, threads: int) -> None:
        self._slots = threading.Semaphore(max(threads - 1, 1))
        self._moved = 0.0
        self._full_until = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a place in the queue during the block.

        If the queue is full, wait for a place. Raise `Unavailable` if none has become free for a second. During the
        next second, raise it without waiting if the queue is full.
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
        raise Unavailable(_("Too many requests are waiting to write. Try again later."), retry_after=2)
