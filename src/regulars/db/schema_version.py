"""Compare the schema of a database with this program's. Alembic is not used, because loading it takes 0.17 seconds."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Text, column, text

from regulars.db.connect import open_database, sqlite_path
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import metadata
from regulars.errors import ConfigurationError, RegularsError, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
REVISION_LINE = re.compile(r'^(revision|down_revision) = "(.+)"$', re.MULTILINE)

GET_REVISION = Statement(text("SELECT version_num FROM alembic_version"))
_names = (column("table_name", Text), column("column_name", Text))
LIST_SQLITE_COLUMNS = Statement(
    text(
        "SELECT sqlite_master.name AS table_name, pragma_table_info.name AS column_name"
        " FROM sqlite_master, pragma_table_info(sqlite_master.name) WHERE sqlite_master.type = 'table'"
    ).columns(*_names)
)
LIST_POSTGRESQL_COLUMNS = Statement(
    text(
        "SELECT CAST(relname AS text) AS table_name, CAST(attname AS text) AS column_name"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind IN ('r', 'p')"
        " AND attnum > 0 AND NOT attisdropped"
    ).columns(*_names)
)
MAX_DIFFERENCES = 5


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the revisions of this program's schema, oldest first."""
    following = {}
    for path in MIGRATIONS.glob("*.py"):
        names = dict(REVISION_LINE.findall(path.read_text("utf-8")))
        following[names.get("down_revision")] = names["revision"]
    found = [following[None]]
    while found[-1] in following:
        found.append(following[found[-1]])
    return tuple(found)


def check_known(revision: str | None) -> str:
    """Return this program's newest revision. Raise `ConfigurationError` if the database's `revision` is unknown."""
    newest = known_revisions()[-1]
    if revision is not None and revision not in known_revisions():
        raise ConfigurationError(
            f"The database is newer than this program: its schema has revision {revision}, but the newest known"
            f" revision is {newest}. Install the version of Regulars that migrated the database, or a later one."
        )
    return newest


def check_schema(database: Database) -> None:
    """Raise `ConfigurationError` unless the database has the revision of this program's schema."""
    revision = _revision(database)
    newest = check_known(revision)
    if revision != newest:
        state = f"is at revision {revision}" if revision else "has no tables yet"
        raise ConfigurationError(f"The database {state}, but this program needs {newest}. Run 'regulars migrate'.")


def check_tables(database: Database) -> None:
    """Raise `ConfigurationError` if tables or columns are missing, or tables have unknown columns."""
    statement = LIST_SQLITE_COLUMNS if database.dialect == "sqlite" else LIST_POSTGRESQL_COLUMNS
    expected = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
    found = {(table, column) for table, column in database.fetch_all(statement) if table in metadata.tables}
    differences = [f"{table}.{column} is missing" for table, column in sorted(expected - found)]
    differences += [f"{table}.{column} is unknown" for table, column in sorted(found - expected)]
    if differences:
        more = f" and {len(differences) - MAX_DIFFERENCES} more" if len(differences) > MAX_DIFFERENCES else ""
        raise ConfigurationError(
            f"The tables of the database are not those of revision {known_revisions()[-1]}:"
            f" {', '.join(differences[:MAX_DIFFERENCES])}{more}. An unpublished version of Regulars has created them."
            " Export the customers with that version, and import them into a new database."
        )


def is_up_to_date(url: str) -> bool:
    """Tell whether the SQLite file of `url` exists, can be read and has this program's schema."""
    if not Path(sqlite_path(url)).exists():
        return False
    database = open_database(url)
    try:
        return _revision(database) == known_revisions()[-1]
    except Unavailable:
        return False
    finally:
        database.close()


def _revision(database: Database) -> str | None:
    """Return the revision of the schema or None. Raise `Unavailable` if the database does not answer."""
    try:
        row = database.fetch_one(GET_REVISION)
    except Unavailable:
        raise
    except RegularsError:
        return None
    return str(row[0]) if row else None
