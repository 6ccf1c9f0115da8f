"""Transactions of background work, which end soon after another writer starts to wait."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from regulars.db.database import Database

MAX_SECONDS = 0.25
"""The time after which a transaction ends although nobody waits. Transactions of a second were not faster."""
PAUSE_SECONDS = 0.008
"""Longer than writers of an SQLite database wait until they try again, so that one of them gets its turn."""

T = TypeVar("T")


def in_transactions(
    database: Database, steps: Iterator[T], write: Callable[[T], object], is_ready: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Call `write` for each step, many of them in a transaction. Yield after each transaction.

    A step should take less than a twentieth of a second. `is_ready` tells whether the next step can be had without
    waiting; otherwise it is awaited outside a transaction.
    """
    for step in steps:
        must_end_at = time.monotonic() + MAX_SECONDS
        with database.transaction():
            write(step)
            while time.monotonic() < must_end_at and is_ready() and not database.has_waiting_writers():
                following = next(steps, None)
                if following is None:
                    break
                write(following)
        yield
        time.sleep(PAUSE_SECONDS)
