"""Consents: the scopes that a user has granted to an application. They are kept until withdrawn."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import consents

IS_CONSENT = (consents.c.user_id == bindparam("of_user"), consents.c.client_id == bindparam("of_client"))
FIND_CONSENT = Statement(select(consents.c.scopes).where(*IS_CONSENT))
# Locks the row, so that two concurrent additions of scopes keep both.
LOCK_CONSENT = Statement(select(consents.c.scopes).where(*IS_CONSENT).with_for_update())
UPDATE_CONSENT = Statement(
    update(consents).where(*IS_CONSENT).values(scopes=bindparam("scopes"), updated_at=bindparam("now"))
)
DELETE_CONSENT = Statement(delete(consents).where(*IS_CONSENT))


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
    """Return the scopes that the user has granted to the application."""
    return _scopes(database, FIND_CONSENT, {"of_user": user_id, "of_client": client_id})


def remember_consent(database: Database, user_id: int, client_id: str, scopes: Iterable[str]) -> None:
    """Add `scopes` to the user's consent to the application."""
    keys = {"of_user": user_id, "of_client": client_id}
    now = utc_now()
    with database.transaction():
        database.execute(INSERT_CONSENT, keys | {"now": now})
        all_scopes = _scopes(database, LOCK_CONSENT, keys) | set(scopes)
        database.execute(UPDATE_CONSENT, keys | {"scopes": " ".join(sorted(all_scopes)), "now": now})


def withdraw_consent(database: Database, user_id: int, client_id: str) -> bool:
    """Delete the user's consent to the application. Return whether it existed."""
    return database.execute(DELETE_CONSENT, {"of_user": user_id, "of_client": client_id}) > 0


def _scopes(database: Database, statement: Statement, keys: dict[str, object]) -> frozenset[str]:
    row = database.fetch_one(statement, keys)
    return frozenset(row[0].split()) if row else frozenset()
