"""Consents: the scopes that a user has granted to an application. They are kept until the user withdraws them."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import consents

IS_CONSENT = (consents.c.user_id == bindparam("of_user"), consents.c.client_id == bindparam("of_client"))
GET_CONSENT = Statement(select(consents.c.scopes).where(*IS_CONSENT))
# Lock the row, so that neither change is lost if two requests add scopes at the same time.
LOCK_CONSENT = Statement(select(consents.c.scopes).where(*IS_CONSENT).with_for_update())
UPDATE_CONSENT = Statement(
    update(consents).where(*IS_CONSENT).values(scopes=bindparam("scopes"), updated_at=bindparam("now"))
)
DELETE_CONSENT = Statement(delete(consents).where(*IS_CONSENT))


# Do nothing if the consent exists already. `remember_consent` then adds to it.
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
    """Return all scopes that the user has granted to the application; an empty set if there is no consent."""
    return _scopes(database, GET_CONSENT, {"of_user": user_id, "of_client": client_id})


def remember_consent(database: Database, user_id: int, client_id: str, scopes: Iterable[str]) -> None:
    """Add `scopes` to the user's consent for the application."""
    key = {"of_user": user_id, "of_client": client_id}
    now = utc_now()
    with database.transaction():
        database.execute(INSERT_CONSENT, key | {"now": now})
        all_of_them = _scopes(database, LOCK_CONSENT, key) | set(scopes)
        database.execute(UPDATE_CONSENT, key | {"scopes": " ".join(sorted(all_of_them)), "now": now})


def withdraw_consent(database: Database, user_id: int, client_id: str) -> bool:
    """Delete the user's consent for the application. Return whether it existed."""
    return database.execute(DELETE_CONSENT, {"of_user": user_id, "of_client": client_id}) > 0


def _scopes(database: Database, statement: Statement, key: dict[str, object]) -> frozenset[str]:
    row = database.fetch_one(statement, key)
    return frozenset(row[0].split()) if row else frozenset()
