"""The audit log of sign-ins, tokens and permissions, in the database. It contains no secrets."""

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
    """An event. `about` names its object, such as the id of a grant, a session or a token.

    `address` is the network address of the client, if it was recorded.
    """

    id: str
    kind: str
    user_id: int | None
    client_id: str | None
    about: str | None
    address: str | None
    created_at: datetime
    tenant_id: int | None


EVENT_COLUMNS = ("id", "kind", "user_id", "client_id", "about", "address", "created_at", "about_tenant_id")
INSERT_EVENT = Statement(insert(audit_events).values({name: bindparam(name) for name in EVENT_COLUMNS}))
LIST_NEWEST_EVENTS = Statement(
    select(*(audit_events.c[name] for name in EVENT_COLUMNS))
    .order_by(audit_events.c.id.desc())
    .limit(bindparam("limit"))
)
LIST_TENANT_EVENTS = Statement(
    select(*(audit_events.c[name] for name in EVENT_COLUMNS))
    .where(audit_events.c.about_tenant_id == bindparam("tenant_id"), audit_events.c.id < bindparam("before"))
    .order_by(audit_events.c.id.desc())
    .limit(bindparam("limit"))
)
LIST_TENANT_EVENTS_OF_KIND = Statement(
    select(*(audit_events.c[name] for name in EVENT_COLUMNS))
    .where(
        audit_events.c.about_tenant_id == bindparam("tenant_id"),
        audit_events.c.id < bindparam("before"),
        audit_events.c.kind == bindparam("kind"),
    )
    .order_by(audit_events.c.id.desc())
    .limit(bindparam("limit"))
)
NEWEST = "g"
"""A value greater than every id, in every collation: ids begin with a hexadecimal digit."""


def record(
    database: Database,
    kind: str,
    *,
    user_id: int | None = None,
    client_id: str | None = None,
    about: str | None = None,
    address: str | None = None,
    tenant_id: int | None = None,
) -> None:
    """Write an event, in the current transaction if there is one. The owners of `tenant_id`, if given, can read it."""
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "user_id": user_id,
        "client_id": client_id,
        "about": about,
        "address": address,
        "created_at": utc_now(),
        "about_tenant_id": tenant_id,
    }
    database.execute(INSERT_EVENT, values)


def list_events(database: Database, limit: int = 100) -> list[AuditEvent]:
    """Return the latest `limit` events of all tenants, newest first."""
    return [AuditEvent(*row) for row in database.fetch_all(LIST_NEWEST_EVENTS, {"limit": limit})]


def list_tenant_events(
    database: Database, tenant_id: int, *, limit: int = 100, before: str = NEWEST, kind: str | None = None
) -> list[AuditEvent]:
    """Return at most `limit` events of a tenant with ids less than `before`, newest first, of one kind if given."""
    values: dict[str, Any] = {"tenant_id": tenant_id, "limit": limit, "before": before}
    if kind is None:
        return [AuditEvent(*row) for row in database.fetch_all(LIST_TENANT_EVENTS, values)]
    values["kind"] = kind
    return [AuditEvent(*row) for row in database.fetch_all(LIST_TENANT_EVENTS_OF_KIND, values)]
