"""Connections for tests that look at the schema."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection, make_url


@contextmanager
def connect(url: str) -> Iterator[Connection]:
    """Yield a SQLAlchemy connection to the database at `url`."""
    target = make_url(url)
    engine = create_engine(target.set(drivername="postgresql+psycopg") if "postgresql" in url else target)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
