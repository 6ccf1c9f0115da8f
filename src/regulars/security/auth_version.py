"""The access version: one number that moves with every change to keys, users, memberships or revoked tokens.

A server asks for it at least every second and forgets what it remembers about tokens when it has moved.
"""

from sqlalchemy import select, update

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import auth_version as table

READ = Statement(select(table.c.version))
BUMP = Statement(update(table).values(version=table.c.version + 1))


def auth_version(database: Database) -> int:
    """The number as it stands."""
    row = database.fetch_one(READ)
    return int(row[0]) if row else 0


def bump_auth_version(database: Database) -> None:
    """Let every server know that access has changed; belongs in the transaction that changes it."""
    database.execute(BUMP)
