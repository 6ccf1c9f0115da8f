"""PostgreSQL with read replicas: statements that allow it run on a replica, and clients still see their own writes.

Positions in the primary's write-ahead log (LSN) are numbers of bytes here. A client gets the position after its write,
and only a replica that has reached this position answers the client's next reads. The position of each replica is read
every second. A replica whose position is not recent is not used.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import BigInteger, column, text

from regulars.db.database import NO_VALUES
from regulars.db.postgres import Connection, PostgresDatabase
from regulars.db.statement import Row, Statement, Values
from regulars.errors import RegularsError, Unavailable
from regulars.settings import without_password

CHECK_SECONDS = 1.0
WAIT_SECONDS = 0.5
"""The time that a request waits for a connection to a replica before it asks the primary."""
MAX_LAG_SECONDS = 10.0
"""A replica that is further behind, or has not answered for this time, is not used."""
MAX_CHECKS = 60
MAX_RETRY_SECONDS = 5
"""A statement that failed on a replica after a longer time is not retried on the primary."""


def _position_of(function: str) -> Statement:
    query = f"SELECT CAST(pg_wal_lsn_diff({function}(), '0/0') AS bigint) AS position"
    return Statement(text(query).columns(column("position", BigInteger)))


GET_WRITTEN_POSITION = _position_of("pg_current_wal_insert_lsn")
GET_REPLAYED_POSITION = _position_of("pg_last_wal_replay_lsn")


class Replica:
    """A read replica and its position."""

    def __init__(self, url: str, written: Callable[[], int], *, threads: int, statement_seconds: int) -> None:
        self.database = PostgresDatabase(
            url, threads=threads, wait_seconds=WAIT_SECONDS, statement_seconds=statement_seconds
        )
        self._name = without_password(url)
        self._written = written
        self._looks: deque[tuple[float, int]] = deque(maxlen=MAX_CHECKS)
        self._replayed = -1
        self._as_of = float("-inf")

    def check(self) -> None:
        """Read the position of the replica. Raise `Unavailable` if it does not answer or is not a replica."""
        self._looks.append((time.monotonic(), self._written()))
        try:
            ((replayed,),) = self.database.fetch_all(GET_REPLAYED_POSITION)
        except RegularsError as error:
            raise Unavailable(f"The read replica {self._name}: {error.message}") from None
        if replayed is None:
            raise Unavailable(f"The server {self._name} is not a read replica: it replays no log.")
        self._replayed = replayed
        while self._looks and self._looks[0][1] <= replayed:
            self._as_of = self._looks.popleft()[0]

    def has(self, position: int) -> bool:
        """Tell whether the replica has reached `position`, and is not too far behind."""
        return self._replayed >= position and time.monotonic() - self._as_of < MAX_LAG_SECONDS

    def suspend(self) -> None:
        """Do not use the replica until its position has been read again."""
        self._as_of = float("-inf")


class _Request(threading.local):
    since: int | None = None
    reader = 0
    has_written = False


class ReplicatedDatabase(PostgresDatabase):
    """A primary and its replicas.

    A statement with `replica_ok` runs on a replica if the thread is outside a transaction, `start_request` has declared
    that its request only reads, and a replica is recent enough. Everything else runs on the primary.
    """

    def __init__(self, url: str, replicas: Sequence[str], *, threads: int = 1, statement_seconds: int = 0) -> None:
        super().__init__(url, threads=threads, statement_seconds=statement_seconds)
        self.replicas = [
            Replica(each, self.written, threads=threads, statement_seconds=statement_seconds) for each in replicas
        ]
        self._request = _Request()

    def written(self) -> int:
        """Return the position of the end of the primary's log."""
        ((position,),) = super().fetch_all(GET_WRITTEN_POSITION)
        return int(position)

    def start_request(self, since: int | None, reader: int) -> None:
        """Start a request in this thread.

        With `since`, the request only reads, and must see everything up to this position. Without it, the request may
        write. The same `reader` gets the same replica while the same replicas are usable, so that data that it has seen
        does not disappear.
        """
        self._request.since, self._request.reader, self._request.has_written = since, reader, False

    def end_request(self) -> bool:
        """End the request. Return whether it was allowed to write and has committed a transaction."""
        has_written = self._request.has_written and self._request.since is None
        self.start_request(None, 0)
        return has_written

    def fetch_all(self, statement: Statement, values: Values = NO_VALUES) -> list[Row]:
        replica = self._replica() if statement.replica_ok else None
        if replica is not None:
            started = time.monotonic()
            try:
                return replica.database.fetch_all(statement, values)
            except RegularsError:
                replica.suspend()
                if time.monotonic() - started > MAX_RETRY_SECONDS:
                    raise
        return super().fetch_all(statement, values)

    def close(self) -> None:
        super().close()
        for replica in self.replicas:
            replica.database.close()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with super()._transaction() as connection:
            yield connection
        self._request.has_written = True

    def _replica(self) -> Replica | None:
        since = self._request.since
        if since is None or self._local.connection is not None:
            return None
        usable = [replica for replica in self.replicas if replica.has(since)]
        return usable[self._request.reader % len(usable)] if usable else None
