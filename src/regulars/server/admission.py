"""Admission: decides which requests run, wait or are refused, so that no client can take all threads.

The threads of a worker are shared by group (a tenant, a token or an address) and by kind of work, each with limits. The
next request to run belongs to the group with the fewest running requests, among those within the limits; of these, it
is the oldest.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from regulars.db.work import Work
from regulars.errors import RegularsError, TooManyRequests, Unavailable
from regulars.i18n import _
from regulars.server.environ import Environ

MAX_WAITING = 256
"""The limit for the waiting requests of one kind. A full queue of one kind must not stop the others."""
MAX_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work, with its limits.

    `running` limits the running requests of all groups, `running_of_group` those of one group, and `waiting_of_group`
    the waiting requests of one group. All costly kinds together leave at least one thread free.
    """

    name: str
    running: int
    running_of_group: int
    waiting_of_group: int
    is_costly: bool = True


READ = Kind("read", running=4, running_of_group=3, waiting_of_group=128, is_costly=False)
SEARCH = Kind("search", running=2, running_of_group=1, waiting_of_group=32)
SIGN_IN = Kind("sign_in", running=1, running_of_group=1, waiting_of_group=8)
WRITE = Kind("write", running=3, running_of_group=2, waiting_of_group=32)


@dataclass(slots=True, eq=False)
class Request:
    """A complete request. `done` is called after the response, in any thread."""

    environ: Environ
    protocol: Any
    kind: Kind
    group: str
    done: Callable[[], object]
    work: Work = field(default_factory=Work)
    since: float = field(default_factory=time.monotonic)
    """The time (`time.monotonic`) at which it was received or, once it runs, started."""


class Admission:
    """The running and the waiting requests of a worker with `threads` threads."""

    def __init__(self, threads: int) -> None:
        self.ready: SimpleQueue[Request | None] = SimpleQueue()
        """The requests that the threads run next. None stops a thread."""
        self.running: set[Request] = set()
        self.waiting: list[Request] = []
        self._lock = threading.Lock()
        self._threads = threads
        self._counts: Counter[object] = Counter()
        self._waiting_counts: Counter[object] = Counter()

    def submit(self, request: Request) -> RegularsError | None:
        """Start a request, or queue it. Return an error if too many are waiting."""
        with self._lock:
            # A request that has a place overtakes no other: none of the waiting ones has a place.
            if self._has_place(request):
                self._start(request)
                return None
            if self._waiting_counts[request.group, request.kind.name] >= request.kind.waiting_of_group:
                return TooManyRequests(_("Too many of your requests are waiting. Send fewer at the same time."))
            if self._waiting_counts[request.kind.name] >= MAX_WAITING:
                return Unavailable(_("Too many requests are waiting. Try again later."), retry_after=2)
            self.waiting.append(request)
            for key in _waiting_keys(request):
                self._waiting_counts[key] += 1
            return None

    def finish(self, request: Request) -> None:
        """Free the place of a completed request, and start waiting requests that have a place now."""
        with self._lock:
            self.running.discard(request)
            _discount(self._counts, _running_keys(request))
            if self.waiting:
                self._start_waiting()

    def withdraw(self, request: Request) -> bool:
        """Remove a waiting request. Return False if it is not waiting."""
        with self._lock:
            if request not in self.waiting:
                return False
            self._remove(request)
            return True

    def expired(self) -> list[Request]:
        """Remove and return the requests that have waited too long."""
        limit = time.monotonic() - MAX_WAIT_SECONDS
        return [request for request in list(self.waiting) if request.since < limit and self.withdraw(request)]

    def _start_waiting(self) -> None:
        while self.waiting:
            with_place = [request for request in self.waiting if self._has_place(request)]
            if not with_place:
                return
            chosen = min(with_place, key=lambda request: self._counts[request.group])
            self._remove(chosen)
            self._start(chosen)

    def _remove(self, request: Request) -> None:
        self.waiting.remove(request)
        _discount(self._waiting_counts, _waiting_keys(request))

    def _has_place(self, request: Request) -> bool:
        counts, kind, group = self._counts, request.kind, request.group
        return (
            len(self.running) < self._threads
            and counts[kind.name] < kind.running
            # One group must leave a thread for others, and so must all costly work together.
            and counts[group] < self._threads - 1
            and counts[group, kind.name] < kind.running_of_group
            and not (kind.is_costly and counts["costly"] >= self._threads - 1)
        )

    def _start(self, request: Request) -> None:
        request.since = time.monotonic()
        self.running.add(request)
        for key in _running_keys(request):
            self._counts[key] += 1
        self.ready.put(request)


def _running_keys(request: Request) -> tuple[object, ...]:
    keys = (*_waiting_keys(request), request.group)
    return (*keys, "costly") if request.kind.is_costly else keys


def _waiting_keys(request: Request) -> tuple[object, ...]:
    return request.kind.name, (request.group, request.kind.name)


def _discount(counts: Counter[object], keys: tuple[object, ...]) -> None:
    for key in keys:
        counts[key] -= 1
        if not counts[key]:
            del counts[key]
