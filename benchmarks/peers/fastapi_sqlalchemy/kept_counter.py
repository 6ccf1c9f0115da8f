"""FastAPI with SQLAlchemy, in a variant that reads the total of a tenant from a counter.

The counter is a row per tenant, filled before the run. The cost of updating it with each write is not measured.
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

FILL_COUNTS = """
DROP TABLE IF EXISTS kept_totals;
CREATE TABLE kept_totals (tenant_id bigint PRIMARY KEY, total bigint NOT NULL);
INSERT INTO kept_totals SELECT tenant_id, count(*) FROM customers WHERE deleted_at IS NULL GROUP BY tenant_id;
"""


def versions() -> str:
    """Return the configuration, for the report."""
    return f"{NAME}: the same, but it reads the total from a row per tenant, filled before the run"


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """Fill the counters in the database at `url` and run the application on it."""
    if is_embedded(url):
        with closing(sqlite3.connect(sqlite_path(url))) as connection:
            connection.executescript(FILL_COUNTS)
    else:
        with psycopg.connect(url) as connection:
            connection.execute(FILL_COUNTS.encode())
    with peer.running(url, workers, folder, {"KEPT_COUNTER": "yes"}) as application:
        yield application
