"""Whether a database has this program's schema. Without Alembic, which takes a sixth of a server's start to load."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import text

from regulars.db.connect import open_database, sqlite_path
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.errors import ConfigurationError, RegularsError, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
NAMES = re.compile(r'^(revision|down_revision) = "(.+)"$', re.MULTILINE)

CURRENT = Statement(text("SELECT version_num FROM alembic_version"))


@cache
def known_revisions() -> tuple[str, ...]:
    """The revisions of this program's schema, oldest first."""
    following = {}
    for path in MIGRATIONS.glob("*.py"):
        names = dict(NAMES.findall(path.read_text("utf-8")))
        following[names.get("down_revision")] = names["revision"]
    found = [following[None]]
    while found[-1] in following:
        found.append(following[found[-1]])
    return tuple(found)


def check_known(revision: str | None) -> str:
    """The newest revision. Raises `ConfigurationError` where the database's is none of ours."""
    newest = known_revisions()[-1]
    if revision is not None and revision not in known_revisions():
        raise ConfigurationError(
            f"The database is newer than this program: its schema is at revision {revision}, the newest known here is"
            f" {newest}. Install the version of Regulars that made it, or a later one."
        )
    return newest


def check_schema(database: Database) -> None:
    """Raise `ConfigurationError` unless the schema is exactly this program's."""
    revision = _revision(database)
    newest = check_known(revision)
    if revision != newest:
        state = f"is at revision {revision}" if revision else "has no tables yet"
        raise ConfigurationError(f"The database {state}, this program needs {newest}: run 'regulars migrate'.")


def is_up_to_date(url: str) -> bool:
    """Whether the SQLite file of `url` is there and has this program's schema."""
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
    """The revision of the schema; None where there is none. Raises `Unavailable`."""
    try:
        row = database.fetch_one(CURRENT)
    except Unavailable:
        raise
    except RegularsError:
        return None
    return str(row[0]) if row else None
