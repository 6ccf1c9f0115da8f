"""The auth version: a number that increases with every change of signing keys, users, memberships and revoked tokens.

Each server reads it at least once a second. If it has changed, the server empties its cache of verified tokens.
"""

from sqlalchemy import select, update

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import auth_version as table

GET_VERSION = Statement(select(table.c.version))
INCREMENT_VERSION = Statement(update(table).values(version=table.c.version + 1))


def auth_version(database: Database) -> int:
    """Return the current auth version."""
    row = database.fetch_one(GET_VERSION)
    return int(row[0]) if row else 0


def bump_auth_version(database: Database) -> None:
    """Increment the auth version, so that servers empty their caches. Call this in the transaction of the change."""
    database.execute(INCREMENT_VERSION)
