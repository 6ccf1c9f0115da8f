"""FastAPI with SQLAlchemy once more, which reads a tenant's total from a counter that is kept for it.

The counter is a row for each tenant, filled before the run. Whatever it costs to keep it right is not measured.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from benchmarks.peers import Running
from benchmarks.peers.fastapi_sqlalchemy import peer
from regulars.db.connect import is_embedded, sqlite_path

NAME = "FastAPI with SQLAlchemy, kept counter"
DATABASES = peer.DATABASES
OWN_COPY = peer.OWN_COPY
install = peer.install

FILLING = """
DROP TABLE IF EXISTS customer_counts;
CREATE TABLE customer_counts (tenant_id bigint PRIMARY KEY, total bigint NOT NULL);
INSERT INTO customer_counts SELECT tenant_id, count(*) FROM customers WHERE deleted_at IS NULL GROUP BY tenant_id;
"""


def versions() -> str:
    """How it is set up."""
    return f"{NAME}: the same, which reads its total from a row for each tenant, filled before the run"


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """The application on the database at `url`, in which the counter is filled first."""
    if is_embedded(url):
        with closing(sqlite3.connect(sqlite_path(url))) as connection:
            connection.executescript(FILLING)
    else:
        with psycopg.connect(url) as connection:
            connection.execute(FILLING.encode())
    with peer.running(url, workers, folder, {"KEPT_COUNTER": "yes"}) as found:
        yield found
