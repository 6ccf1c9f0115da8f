"""Consents: what a user has allowed an application; remembered until it is withdrawn."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, insert, select, update

from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import consents

MINE = (consents.c.user_id == bindparam("of_user"), consents.c.client_id == bindparam("of_client"))
ONE = Statement(select(consents.c.scopes).where(*MINE))
INSERT = Statement(
    insert(consents).values(
        {name: bindparam(name) for name in ("user_id", "client_id", "scopes", "created_at", "updated_at")}
    )
)
UPDATE = Statement(update(consents).where(*MINE).values(scopes=bindparam("scopes"), updated_at=bindparam("updated_at")))
DELETE = Statement(delete(consents).where(*MINE))


def consented_scopes(database: Database, user_id: int, client_id: str) -> frozenset[str]:
    """All scopes that the user has allowed the application."""
    row = database.fetch_one(ONE, {"of_user": user_id, "of_client": client_id})
    return frozenset(row[0].split()) if row else frozenset()


def remember_consent(database: Database, user_id: int, client_id: str, scopes: Iterable[str]) -> None:
    """Add `scopes` to what the user has allowed the application."""
    now = datetime.now(UTC).replace(microsecond=0)
    with database.transaction():
        known = consented_scopes(database, user_id, client_id)
        values = {"scopes": " ".join(sorted(known | set(scopes))), "updated_at": now}
        if not database.execute(UPDATE, values | {"of_user": user_id, "of_client": client_id}):
            database.execute(INSERT, values | {"user_id": user_id, "client_id": client_id, "created_at": now})


def withdraw_consent(database: Database, user_id: int, client_id: str) -> bool:
    """Forget what the user has allowed the application; whether there was anything."""
    return database.execute(DELETE, {"of_user": user_id, "of_client": client_id}) > 0
