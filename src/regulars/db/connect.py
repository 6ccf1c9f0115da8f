"""Open a database, given its URL."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from regulars.db.database import Database
from regulars.errors import ConfigurationError


def open_database(
    url: str,
    *,
    threads: int = 1,
    replicas: Sequence[str] = (),
    statement_seconds: int = 0,
    is_bulk: bool = False,
) -> Database:
    """Open the database at `url` (sqlite:///file.db or postgresql://...) for `threads` threads.

    `replicas` are the URLs of read replicas of a PostgreSQL database. A statement that takes longer than
    `statement_seconds` fails; 0 is no limit. `is_bulk`: this process writes many rows. A PostgreSQL server is not
    contacted before the first statement. Raise `ConfigurationError` if a URL is invalid or the folder of an SQLite file
    does not exist.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from regulars.db.sqlite import SQLiteDatabase

        return SQLiteDatabase(sqlite_path(url), statement_seconds=statement_seconds, is_bulk=is_bulk)
    if scheme in {"postgresql", "postgres"}:
        if replicas:
            from regulars.db.replicas import ReplicatedDatabase

            return ReplicatedDatabase(url, replicas, threads=threads, statement_seconds=statement_seconds)
        from regulars.db.postgres import PostgresDatabase

        return PostgresDatabase(url, threads=threads, statement_seconds=statement_seconds)
    raise ConfigurationError(
        "A database URL must start with sqlite:/// or postgresql://, not with"
        f" {scheme + '://' if scheme else 'nothing'}."
    )


def sqlite_path(url: str) -> str:
    """Return the path in an SQLite URL. Raise `ConfigurationError` if it names no file.

    A relative path follows three slashes, an absolute path four.
    """
    path = url.partition("://")[2].partition("?")[0]
    if not path.startswith("/") or path in {"/", "/:memory:"}:
        raise ConfigurationError(
            "An SQLite URL must name a file: sqlite:///regulars.db, or sqlite:////srv/regulars.db."
        )
    return path.removeprefix("/")


def is_embedded(url: str) -> bool:
    """Tell whether `url` names an SQLite file, which needs no server."""
    return url.startswith("sqlite://")
