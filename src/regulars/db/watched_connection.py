"""PostgreSQL connections that stop waiting if the client of the request disconnects or the server is silent."""

import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import psycopg
from psycopg.errors import ConnectionTimeout

from regulars.db.statement import Row
from regulars.db.work import current_work
from regulars.errors import Unavailable
from regulars.i18n import _

LOOK_SECONDS = 0.1
SILENT_SECONDS = 2.0
"""After this time without an answer, check whether the server accepts connections at all."""
NEXT_TRY_SECONDS = 5.0
CONNECT_SECONDS = 2
"""The shortest timeout that libpq allows."""

Result = TypeVar("Result")


class WatchedConnection(psycopg.Connection[Row]):
    """A connection that ends the statement of a cancelled request, and raises `Unavailable` if its server is silent."""

    url = ""
    """The URL of the database. If it is set, the server is checked with a new connection."""
    on_silence: Callable[[], None] = staticmethod(lambda: None)
    """Called when the server does not answer and accepts no connection."""

    def wait(
        self,
        gen: Generator[Any, Any, Result],
        interval: float = LOOK_SECONDS,
        timeout: float | None = None,
    ) -> Result:
        """Run `gen`, a step of psycopg's protocol. Check the request and the server while it waits.

        Raise `Unavailable` if the server is silent and cannot be reached.
        """
        return super().wait(_watched(gen, self), interval, timeout)


def _watched(gen: Generator[Any, Any, Result], connection: WatchedConnection) -> Generator[Any, Any, Result]:
    """Wrap `gen` so that it calls `_Watch.look` whenever the server was silent for an interval."""
    watch = None
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready:
                watch = watch or _Watch(connection)
                watch.look()
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


class _Watch:
    def __init__(self, connection: WatchedConnection) -> None:
        self.connection = connection
        self.work = current_work()
        self.try_at = time.monotonic() + SILENT_SECONDS
        self.is_cancelled = False

    def look(self) -> None:
        """Cancel the statement if its request was cancelled, and check at intervals that the server can be reached.

        If it cannot, close the connection and raise `Unavailable`.
        """
        if self.work is not None and self.work.is_cancelled and not self.is_cancelled:
            self.is_cancelled = True
            self.connection.cancel_safe(timeout=CONNECT_SECONDS)
        if time.monotonic() >= self.try_at:
            if self.connection.url and isinstance(connection_error(self.connection.url), ConnectionTimeout):
                self.connection.pgconn.finish()
                self.connection.on_silence()
                raise no_answer()
            self.try_at = time.monotonic() + NEXT_TRY_SECONDS


def connection_error(url: str) -> psycopg.OperationalError | None:
    """Try to connect, for some seconds at most. Return the error, or None on success."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        return error
    return None


def no_answer() -> Unavailable:
    """Return the error for a server that does not answer."""
    return Unavailable(_("The database does not answer."), retry_after=2)
