"""Which database a command works on, and opening it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from regulars.db.connect import is_embedded, open_database
from regulars.db.database import Database
from regulars.settings import Settings, load_settings

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME. [default: sqlite:///regulars.db]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


@contextmanager
def opened(url: str | None) -> Iterator[tuple[Database, Settings]]:
    """The database that the flag, the environment or the settings file names, and the settings."""
    settings = load_settings({"database": url})
    with opened_with(settings) as database:
        yield database, settings


@contextmanager
def opened_with(settings: Settings) -> Iterator[Database]:
    """The database of `settings`: SQLite's schema is brought up to date, PostgreSQL's must be."""
    from regulars.db.schema_version import check_schema, is_up_to_date

    if is_embedded(settings.database) and not is_up_to_date(settings.database):
        from regulars.db.migrate import migrate

        migrate(settings.database)
    database = open_database(settings.database)
    try:
        if not is_embedded(settings.database):
            check_schema(database)
        yield database
    finally:
        database.close()
