"""PostgreSQL with read replicas: they answer what may lag behind a little, and everyone still sees their own writes.

A place in the primary's log of writes (LSN) is a number of bytes here. Who has written is told the place of it, and is
answered by a replica only when that has come so far. Each second every replica is asked where it is; what is not
known to be recent is not used.
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

LOOK_SECONDS = 1.0
WAIT_SECONDS = 0.5
"""For so long a request waits for a replica that is gone, before it asks the primary."""
MOST_LAG_SECONDS = 10.0
"""A replica that is further behind, or was not heard of for so long, is not used."""
MOST_LOOKS = 60
PATIENCE_SECONDS = 45
"""What a replica worked on for longer is not tried again on the primary: it would take as long there."""


def _position_of(function: str) -> Statement:
    query = f"SELECT CAST(pg_wal_lsn_diff({function}(), '0/0') AS bigint) AS position"
    return Statement(text(query).columns(column("position", BigInteger)))


WRITTEN = _position_of("pg_current_wal_insert_lsn")
REPLAYED = _position_of("pg_last_wal_replay_lsn")


class Replica:
    """One read replica, and what is known of how far it is behind."""

    def __init__(self, url: str, written: Callable[[], int], *, threads: int) -> None:
        self.database = PostgresDatabase(url, threads=threads, wait_seconds=WAIT_SECONDS)
        self._name = without_password(url)
        self._written = written
        self._looks: deque[tuple[float, int]] = deque(maxlen=MOST_LOOKS)
        self._replayed = -1
        self._as_of = float("-inf")

    def look(self) -> None:
        """See how far it is. Raises `Unavailable` where it does not say."""
        self._looks.append((time.monotonic(), self._written()))
        try:
            ((replayed,),) = self.database.fetch_all(REPLAYED)
        except RegularsError as error:
            raise Unavailable(f"The read replica {self._name}: {error.message}") from None
        if replayed is None:
            raise Unavailable(f"The read replica {self._name} is none: it replays no other server's log.")
        self._replayed = replayed
        while self._looks and self._looks[0][1] <= replayed:
            self._as_of = self._looks.popleft()[0]

    def has(self, position: int) -> bool:
        """Whether it has come to this place, and has all that was written but for the last seconds."""
        return self._replayed >= position and time.monotonic() - self._as_of < MOST_LAG_SECONDS

    def give_up(self) -> None:
        """Do without it until a look finds it well."""
        self._as_of = float("-inf")


class _Request(threading.local):
    since: int | None = None
    reader = 0
    has_written = False


class ReplicatedDatabase(PostgresDatabase):
    """A primary and its replicas.

    Everything runs on the primary, except a statement with `replica_ok` in a thread that is outside a transaction and
    has declared by `start_request` that it only reads: that runs on a replica.
    """

    def __init__(self, url: str, replicas: Sequence[str], *, threads: int = 1) -> None:
        super().__init__(url, threads=threads)
        self.replicas = [Replica(each, self.written, threads=threads) for each in replicas]
        self._request = _Request()

    def written(self) -> int:
        """How far the primary has written."""
        ((position,),) = super().fetch_all(WRITTEN)
        return int(position)

    def start_request(self, since: int | None, reader: int) -> None:
        """From here on this thread works for a request: one that only reads, and must see what was written up to
        `since`, or one that may write (None). The same `reader` has the same replica each time, so that what was seen
        once is not gone a moment later."""
        self._request.since, self._request.reader, self._request.has_written = since, reader, False

    def end_request(self) -> bool:
        """The request has been worked off; whether it was one that may write, and did."""
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
                replica.give_up()
                if time.monotonic() - started > PATIENCE_SECONDS:
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
