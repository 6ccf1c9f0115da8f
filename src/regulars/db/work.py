"""The work of a request, which is cancelled if its client disconnects."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Work:
    """The work of one request. `is_cancelled` can be set from any thread; the running statement then ends soon."""

    __slots__ = ("is_cancelled",)

    def __init__(self) -> None:
        self.is_cancelled = False


class _PerThread(threading.local):
    work: Work | None = None


_local = _PerThread()


def current_work() -> Work | None:
    """Return the work of this thread, or None outside a request of the server."""
    return _local.work


@contextmanager
def working(work: Work) -> Iterator[None]:
    """Make `work` the current work of this thread until the end of the block."""
    _local.work = work
    try:
        yield
    finally:
        _local.work = None
