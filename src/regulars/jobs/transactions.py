"""Transactions of background work, which end soon after another writer starts to wait."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from regulars.db.database import Database

MAX_SECONDS = 1.0
"""The time after which a transaction ends although nobody waits. The longer it is, the more of its rows belong to the
same pages of an index, which are written once."""
PART = 0.25
"""A transaction takes at most this part of the time so far, so that short work shows its progress, too."""

T = TypeVar("T")


def in_transactions(
    database: Database, steps: Iterator[T], write: Callable[[T], object], is_ready: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Call `write` for each step, many of them in a transaction. Yield after each transaction.

    A step should take less than a twentieth of a second. `is_ready` tells whether the next step can be had without
    waiting; otherwise it is awaited outside a transaction.
    """
    began = time.monotonic()
    for step in steps:
        now = time.monotonic()
        must_end_at = now + min(MAX_SECONDS, PART * (now - began))
        with database.transaction():
            write(step)
            while time.monotonic() < must_end_at and is_ready() and not database.has_waiting_writers():
                following = next(steps, None)
                if following is None:
                    break
                write(following)
        yield
        database.let_others_write()
