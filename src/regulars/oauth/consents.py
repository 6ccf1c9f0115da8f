"""Consents: what a user has allowed an application; remembered until it is withdrawn."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import consents

MINE = (consents.c.user_id == bindparam("of_user"), consents.c.client_id == bindparam("of_client"))
ONE = Statement(select(consents.c.scopes).where(*MINE))
# Locked, so that of two who add scopes at once neither loses the other's.
LOCKED = Statement(select(consents.c.scopes).where(*MINE).with_for_update())
UPDATE = Statement(update(consents).where(*MINE).values(scopes=bindparam("scopes"), updated_at=bindparam("now")))
DELETE = Statement(delete(consents).where(*MINE))


# Does nothing if the consent exists: a second click on the same button must not fail.
INSERT_CONSENT = Statement(
    upsert(consents)
    .values(
        user_id=bindparam("of_user"),
        client_id=bindparam("of_client"),
        scopes="",
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
)


def consented_scopes(database: Database, user_id: int, client_id: str) -> frozenset[str]:
    """All scopes that the user has allowed the application."""
    return _scopes(database, ONE, {"of_user": user_id, "of_client": client_id})


def remember_consent(database: Database, user_id: int, client_id: str, scopes: Iterable[str]) -> None:
    """Add `scopes` to what the user has allowed the application."""
    mine = {"of_user": user_id, "of_client": client_id}
    now = utc_now()
    with database.transaction():
        database.execute(INSERT_CONSENT, mine | {"now": now})
        all_of_them = _scopes(database, LOCKED, mine) | set(scopes)
        database.execute(UPDATE, mine | {"scopes": " ".join(sorted(all_of_them)), "now": now})


def withdraw_consent(database: Database, user_id: int, client_id: str) -> bool:
    """Forget what the user has allowed the application; whether there was anything."""
    return database.execute(DELETE, {"of_user": user_id, "of_client": client_id}) > 0


def _scopes(database: Database, statement: Statement, mine: dict[str, object]) -> frozenset[str]:
    row = database.fetch_one(statement, mine)
    return frozenset(row[0].split()) if row else frozenset()
