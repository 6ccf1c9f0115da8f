"""Open a database by its URL."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from regulars.db.database import Database
from regulars.errors import ConfigurationError


def open_database(url: str, *, threads: int = 1, replicas: Sequence[str] = ()) -> Database:
    """The database at `url` (sqlite:///file.db or postgresql://...), for `threads` threads at once, and the read
    `replicas` of a PostgreSQL database.

    Nothing is asked of a PostgreSQL server until the first statement. Raises `ConfigurationError` for a URL that
    cannot be used.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from regulars.db.sqlite import SQLiteDatabase

        return SQLiteDatabase(sqlite_path(url), threads=threads)
    if scheme in {"postgresql", "postgres"}:
        if replicas:
            from regulars.db.replicas import ReplicatedDatabase

            return ReplicatedDatabase(url, replicas, threads=threads)
        from regulars.db.postgres import PostgresDatabase

        return PostgresDatabase(url, threads=threads)
    raise ConfigurationError(
        f"A database URL starts with sqlite:/// or postgresql://, not with {scheme + '://' if scheme else 'nothing'}."
    )


def sqlite_path(url: str) -> str:
    """The file that an SQLite URL names: three slashes for a relative path, four for an absolute one."""
    path = url.partition("://")[2].partition("?")[0]
    if not path.startswith("/") or path in {"/", "/:memory:"}:
        raise ConfigurationError("An SQLite URL names a file: sqlite:///regulars.db, or sqlite:////srv/regulars.db.")
    return path.removeprefix("/")


def is_embedded(url: str) -> bool:
    """Whether `url` names an SQLite file, which needs no server of its own."""
    return url.startswith("sqlite://")
