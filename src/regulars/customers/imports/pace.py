"""The size of transactions, so that other writers wait only for a short time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

TARGET_SECONDS = 0.06
PAUSE_SECONDS = 0.004
"""Longer than writers of an SQLite database wait until they try again, so that one of them gets its turn."""
MAX_BLOCKS = 30
ROWS_PER_BLOCK = 50


class Pace:
    """The number of blocks of rows in a transaction, adapted to the time that transactions take."""

    def __init__(self) -> None:
        self.blocks = 1

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
        wanted = int(self.blocks * TARGET_SECONDS / max(seconds, 0.001))
        self.blocks = max(1, min(wanted, 2 * self.blocks, MAX_BLOCKS))
        time.sleep(PAUSE_SECONDS)
