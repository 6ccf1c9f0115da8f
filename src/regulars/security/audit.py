"""The audit log: what happened to people's access, kept in the database; never a secret."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, insert, select

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import audit_events
from regulars.security.tokens import new_id


class AuditEvent(Struct, frozen=True):
    """Something that happened; `about` is the id of what it happened to (a grant, a session, a token)."""

    id: str
    kind: str
    user_id: int | None
    client_id: str | None
    about: str | None
    address: str | None
    created_at: datetime


FIELDS = ("id", "kind", "user_id", "client_id", "about", "address", "created_at")
INSERT = Statement(insert(audit_events).values({name: bindparam(name) for name in FIELDS}))
NEWEST = Statement(
    select(*(audit_events.c[name] for name in FIELDS)).order_by(audit_events.c.id.desc()).limit(bindparam("limit"))
)


def record(
    database: Database,
    kind: str,
    *,
    user_id: int | None = None,
    client_id: str | None = None,
    about: str | None = None,
    address: str | None = None,
) -> None:
    """Write an event down, in the transaction that it belongs to."""
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "user_id": user_id,
        "client_id": client_id,
        "about": about,
        "address": address,
        "created_at": utc_now(),
    }
    database.execute(INSERT, values)


def list_events(database: Database, limit: int = 100) -> list[AuditEvent]:
    """The newest events, newest first."""
    return [AuditEvent(*row) for row in database.fetch_all(NEWEST, {"limit": limit})]
