"""Grants. Each one records that a user has given an application access, in one session.

Codes and tokens are issued under a grant, and become invalid with it. Its refresh tokens form one family.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from regulars.accounts.sessions import Session
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import grants
from regulars.security.audit import record
from regulars.security.auth_version import bump_auth_version
from regulars.security.tokens import new_id
from regulars.settings import Settings

COLUMN_NAMES = (
    "id",
    "client_id",
    "user_id",
    "scopes",
    "resource",
    "session_id",
    "methods",
    "authenticated_at",
    "generation",
    "rotated_at",
    "grace_uses",
    "created_at",
    "used_at",
    "expires_at",
    "ended_at",
)
GRANT_COLUMNS = tuple(grants.c[name] for name in COLUMN_NAMES)
GET_GRANT = Statement(select(*GRANT_COLUMNS).where(grants.c.id == bindparam("grant_id")))
FIND_LIVE_GRANT = Statement(
    select(grants.c.id).where(grants.c.id == bindparam("grant_id"), grants.c.ended_at.is_(None))
)
INSERT_GRANT = Statement(insert(grants).values({name: bindparam(name) for name in COLUMN_NAMES}))
END_GRANT = Statement(
    update(grants)
    .where(grants.c.id == bindparam("grant_id"), grants.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)
END_GRANTS = Statement(
    update(grants)
    .where(
        grants.c.user_id == bindparam("of_user"),
        grants.c.client_id == bindparam("of_client"),
        grants.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant. `generation` is the number of the current refresh token. An empty `resources` means all resources."""

    id: str
    client_id: str
    user_id: int
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    session_id: str | None
    methods: tuple[str, ...]
    authenticated_at: datetime
    generation: int
    rotated_at: datetime | None
    grace_uses: int
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Tell whether the grant is valid at `now`: it has neither ended nor expired."""
        return self.ended_at is None and self.expires_at > now


def open_grant(
    database: Database,
    settings: Settings,
    *,
    client_id: str,
    scopes: Sequence[str],
    resources: Sequence[str],
    session: Session,
) -> Grant:
    """Store a new grant for the user of `session`, with the lifetime in the settings, and return it."""
    now = utc_now()
    grant = Grant(
        id=new_id(),
        client_id=client_id,
        user_id=session.user_id,
        scopes=tuple(scopes),
        resources=tuple(resources),
        session_id=session.id,
        methods=session.methods,
        authenticated_at=session.authenticated_at,
        generation=0,
        rotated_at=None,
        grace_uses=0,
        created_at=now,
        used_at=now,
        expires_at=now + timedelta(seconds=settings.grant_lifetime),
        ended_at=None,
    )
    database.execute(INSERT_GRANT, _values(grant))
    record(database, "grant.opened", user_id=grant.user_id, client_id=client_id, about=grant.id)
    return grant


def find_grant(database: Database, grant_id: str) -> Grant | None:
    """Return the grant with this id, or None."""
    row = database.fetch_one(GET_GRANT, {"grant_id": grant_id})
    return _grant(row) if row else None


def is_grant_live(database: Database, grant_id: str) -> bool:
    """Tell whether the grant exists and has no `ended_at`. Otherwise, its access tokens are invalid."""
    return database.fetch_one(FIND_LIVE_GRANT, {"grant_id": grant_id}) is not None


def end_grant(database: Database, grant: Grant, why: str) -> None:
    """End a grant, if it has not ended. All servers refuse its tokens within a second. `why` is for the audit log."""
    with database.transaction():
        if database.execute(END_GRANT, {"grant_id": grant.id, "now": utc_now()}):
            bump_auth_version(database)
            record(database, f"grant.{why}", user_id=grant.user_id, client_id=grant.client_id, about=grant.id)


def end_grants_of(database: Database, user_id: int, client_id: str) -> None:
    """End all grants that the user has given to the application, like `end_grant`, but without audit events."""
    with database.transaction():
        now = utc_now()
        if database.execute(END_GRANTS, {"of_user": user_id, "of_client": client_id, "now": now}):
            bump_auth_version(database)


def _grant(row: Row) -> Grant:
    values = dict(zip(COLUMN_NAMES, row, strict=True))
    values["scopes"] = tuple(values["scopes"].split())
    values["resources"] = tuple((values.pop("resource") or "").split())
    values["methods"] = tuple(values["methods"].split())
    return Grant(**values)


def _values(grant: Grant) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(grant, name) for name in COLUMN_NAMES if name != "resource"}
    return values | {
        "scopes": " ".join(grant.scopes),
        "resource": " ".join(grant.resources) or None,
        "methods": " ".join(grant.methods),
    }
