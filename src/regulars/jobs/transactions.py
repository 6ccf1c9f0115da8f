"""Transactions of background work, which end soon after another writer starts to wait."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from regulars.jobs.worker import JobRun

MAX_SECONDS = 1.0
"""The time after which a transaction ends although nobody waits. The longer it is, the more of its rows belong to the
same pages of an index, which are written once."""
BUSY_SECONDS = 0.05
"""The same if somebody has waited in the last `QUIET_SECONDS`: what a transaction has changed takes time to commit."""
QUIET_SECONDS = 1.0
PART = 0.25
"""A transaction takes at most this part of the time so far, so that short work shows its progress, too."""

T = TypeVar("T")


def in_transactions(
    run: JobRun,
    steps: Iterator[T],
    write: Callable[[Sequence[T]], object],
    *,
    most: int = 1,
    is_ready: Callable[[], bool] = lambda: True,
) -> Iterator[None]:
    """Call `write` for all steps, many of them in a transaction. Yield after each transaction.

    While nobody else writes, `write` gets up to `most` steps together, otherwise one. `is_ready` tells whether the next
    step can be had without waiting; otherwise it is awaited outside a transaction.
    """
    began = time.monotonic()
    quiet_from = began
    for step in steps:
        now = time.monotonic()
        is_quiet = now >= quiet_from
        must_end_at = now + (min(MAX_SECONDS, PART * (now - began)) if is_quiet else BUSY_SECONDS)
        ready: list[T] = [step]
        with run.transaction():
            while ready:
                write([*ready, *_take(steps, most - 1 if is_quiet else 0, is_ready)])
                is_awaited = run.database.has_waiting_writers()
                if is_awaited:
                    quiet_from = time.monotonic() + QUIET_SECONDS
                is_over = is_awaited or time.monotonic() >= must_end_at
                ready = [] if is_over else _take(steps, 1, is_ready)
        yield
        run.database.let_others_write()


def _take(steps: Iterator[T], count: int, is_ready: Callable[[], bool]) -> list[T]:
    """Return the next steps, up to `count` of them, that can be had without waiting."""
    taken: list[T] = []
    while len(taken) < count and is_ready():
        step = next(steps, None)
        if step is None:
            break
        taken.append(step)
    return taken
