"""Open the database of a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from regulars.db.connect import is_embedded, open_database
from regulars.db.database import Database
from regulars.settings import Settings, load_settings


@contextmanager
def opened(url: str | None) -> Iterator[tuple[Database, Settings]]:
    """Open the database at `url`, or the one from the settings if it is None. Yield it and the settings."""
    settings = load_settings({"database": url})
    with opened_with(settings) as database:
        yield database, settings


@contextmanager
def opened_with(settings: Settings) -> Iterator[Database]:
    """Open the database of `settings`.

    Migrate an SQLite database first if necessary. Raise `ConfigurationError` if a PostgreSQL database has an older
    schema, or if the tables are not those of this program.
    """
    from regulars.db.schema_version import check_schema, check_tables, is_up_to_date

    if is_embedded(settings.database) and not is_up_to_date(settings.database):
        from regulars.db.migrate import migrate

        migrate(settings.database)
    database = open_database(settings.database)
    try:
        check_schema(database)
        check_tables(database)
        yield database
    finally:
        database.close()
