"""The size of transactions, so that other writers wait only for a short time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_SECONDS = 0.08
PAUSE_SECONDS = 0.008
"""Longer than writers of an SQLite database wait until they try again, so that one of them gets its turn."""
ROWS_PER_BLOCK = 64
MIN_BLOCKS = 2
MAX_BLOCKS = 32


class Pace:
    """The number of blocks of rows in a transaction, adapted to the time that transactions take.

    It is a power of two, like the number of rows that a statement of SQLite's `load` inserts.
    """

    def __init__(self) -> None:
        self.blocks = MIN_BLOCKS

    @property
    def rows(self) -> int:
        """The number of rows in the next transaction."""
        return self.blocks * ROWS_PER_BLOCK

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure the transaction in this block, and pause after it."""
        began = time.monotonic()
        yield
        seconds = time.monotonic() - began
        if seconds > MAX_SECONDS:
            self.blocks = max(self.blocks // 2, MIN_BLOCKS)
        elif seconds < MAX_SECONDS / 2:
            self.blocks = min(self.blocks * 2, MAX_BLOCKS)
        pause_for_others()


def pause_for_others() -> None:
    """Wait for a moment after a transaction, so that a waiting writer gets its turn."""
    time.sleep(PAUSE_SECONDS)
