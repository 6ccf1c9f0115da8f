"""Open the database in which a command works."""

from collections.abc import Iterator
from contextlib import contextmanager

from regulars.db.connect import is_embedded, open_database
from regulars.db.database import Database
from regulars.settings import Settings, load_settings


@contextmanager
def opened(url: str | None) -> Iterator[tuple[Database, Settings]]:
    """Open the database at `url` or, if it is None, the one in the settings. Yield the database and the settings.

    Migrate it and raise errors like `opened_with`.
    """
    settings = load_settings({"database": url})
    with opened_with(settings) as database:
        yield database, settings


@contextmanager
def opened_with(settings: Settings) -> Iterator[Database]:
    """Open the database of `settings`, yield it, and close it after the block.

    First migrate an SQLite database that is older than this program, or create it. After that, raise
    `ConfigurationError` if the database does not have the schema of this program.
    """
    from regulars.db.schema_version import check_schema, check_tables, is_up_to_date

    if is_embedded(settings.database) and not is_up_to_date(settings.database):
        from regulars.db.migrate import migrate

        migrate(settings.database)
    database = open_database(settings.database, is_bulk=True)
    try:
        check_schema(database)
        check_tables(database)
        yield database
    finally:
        database.close()
