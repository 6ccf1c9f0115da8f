"""Migrate a database to this program's schema, for `regulars migrate` and for the start of a server on SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.pool import NullPool

from regulars.db.connect import is_embedded, open_database, sqlite_path
from regulars.db.schema_version import MIGRATIONS, check_known, check_tables
from regulars.db.sqlite import advice_on_damage
from regulars.errors import ConfigurationError, Unavailable

MIGRATION_LOCK = 7244180512  # any number, the same in all programs that migrate this schema


def migrate(url: str) -> tuple[str | None, str]:
    """Run the missing migrations. Return the revisions before and after.

    Concurrent calls run one after the other. Raise `ConfigurationError` if the database is newer than this program, has
    other tables or columns, or cannot be created, and `Unavailable` if it does not answer or a migration fails.
    """
    with _connection(url) as connection:
        before = MigrationContext.configure(connection).get_current_revision()
        head = check_known(before)
        if before != head:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if before is not None:
                # Without statistics of a new index, SQLite may prefer it to the right one.
                connection.exec_driver_sql("ANALYZE")
    database = open_database(url)
    try:
        check_tables(database)
    finally:
        database.close()
    return before, head


def _make_private(path: Path) -> None:
    """Create the file, readable only by its owner, if it does not exist. Raise `ConfigurationError` if that fails.

    SQLite gives its auxiliary files the same mode.
    """
    if path.exists():
        return
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise ConfigurationError(f"The database file {path} cannot be created: {error.strerror}.") from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("version_locations", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """Open a connection in a transaction that excludes other migrations. Create an SQLite file that does not exist.

    Raise `ConfigurationError` if the file cannot be created, and `Unavailable` for other errors of the database.
    """
    if is_embedded(url):
        path = sqlite_path(url)
        if not Path(path).parent.is_dir():
            raise ConfigurationError(f"The folder of the database {path} does not exist.")
        _make_private(Path(path))
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": 60})
        # The driver's implicit transactions would not include DDL.
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        lock = "BEGIN IMMEDIATE"
    else:
        target = make_url(url).set(drivername="postgresql+psycopg")
        # Behind a pooler, a prepared statement may be executed in another session.
        engine = create_engine(target, poolclass=NullPool, connect_args={"prepare_threshold": None})
        lock = f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(lock)
            yield connection
            if is_embedded(url):
                connection.exec_driver_sql("COMMIT")
    except (DBAPIError, NoSuchTableError) as error:
        cause = getattr(error, "orig", None) or error
        reason = str(cause).strip().splitlines()[0]
        raise Unavailable(f"The database cannot be migrated: {reason}.", advice=advice_on_damage(cause)) from None
    finally:
        engine.dispose()
