"""Personal access tokens: a user's own, for a script or a program of theirs."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, select, update

from regulars.accounts.memberships import memberships_of
from regulars.accounts.users import name_faults
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import personal_tokens
from regulars.errors import Forbidden, Invalid, NotFound, Unavailable
from regulars.scopes import SCOPES, unknown_scopes
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version
from regulars.security.tokens import Kind, digest, is_token, new_id, new_token

LONGEST_LIFETIME = 365 * 86400
NOT_PERSONAL = {"openid", "offline_access"}
"""Scopes that mean something to OpenID clients alone."""


class PersonalToken(Struct, frozen=True):
    """What is known of a personal token; not the token. `tenant_id` is set where it is good for one tenant alone."""

    id: str
    user_id: int
    name: str
    scopes: tuple[str, ...]
    tenant_id: int | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


table = personal_tokens.c
FIELDS = (
    table.id,
    table.user_id,
    table.name,
    table.scopes,
    table.bound_tenant_id,
    table.created_at,
    table.expires_at,
    table.used_at,
)
INSERTED = ("id", "digest", "user_id", "name", "scopes", "bound_tenant_id", "created_at", "expires_at")
INSERT = Statement(insert(personal_tokens).values({name: bindparam(name) for name in INSERTED}))
ALL = Statement(select(*FIELDS).order_by(table.id))
OF_USER = Statement(select(*FIELDS).where(table.user_id == bindparam("user_id")).order_by(table.id))
BY_ID = Statement(select(*FIELDS).where(table.id == bindparam("id")))
BY_DIGEST = Statement(select(*FIELDS).where(table.digest == bindparam("digest"), table.expires_at > bindparam("now")))
DELETE = Statement(delete(personal_tokens).where(table.id == bindparam("id")))
TOUCH = Statement(update(personal_tokens).where(table.id == bindparam("of_token")).values(used_at=bindparam("now")))


def create_personal_token(
    database: Database,
    user_id: int,
    *,
    name: str,
    scopes: Sequence[str],
    tenant_id: int | None,
    lifetime: int,
) -> tuple[PersonalToken, str]:
    """A new token of the user's, good for `lifetime` seconds, and what it reads: it is shown this once.

    Raises `Invalid` that names every fault, `Forbidden` where the user is no member of the tenant.
    """
    faults = {"name": name_faults(name), "scopes": _scope_faults(scopes), "lifetime": _lifetime_faults(lifetime)}
    if any(faults.values()):
        raise Invalid({field: sentences for field, sentences in faults.items() if sentences})
    if tenant_id is not None and tenant_id not in memberships_of(database, user_id):
        raise Forbidden(f"The user is no member of tenant {tenant_id}.")
    now = utc_now()
    unique = tuple(scope for scope in SCOPES if scope in scopes)
    expires_at = now + timedelta(seconds=lifetime)
    made = PersonalToken(new_id(), user_id, name.strip(), unique, tenant_id, now, expires_at, None)
    token = new_token(Kind.PERSONAL_TOKEN)
    values = {
        "id": made.id,
        "digest": digest(token),
        "user_id": user_id,
        "name": made.name,
        "scopes": " ".join(made.scopes),
        "bound_tenant_id": tenant_id,
        "created_at": now,
        "expires_at": expires_at,
    }
    with database.transaction():
        database.execute(INSERT, values)
        audit.record(database, "personal_token.created", user_id=user_id, about=made.id)
    return made, token


def list_personal_tokens(database: Database, user_id: int) -> list[PersonalToken]:
    """The user's tokens, those that have expired too, the oldest first."""
    return [_personal_token(row) for row in database.fetch_all(OF_USER, {"user_id": user_id})]


def list_all_personal_tokens(database: Database) -> list[PersonalToken]:
    """Everybody's."""
    return [_personal_token(row) for row in database.fetch_all(ALL)]


def revoke_personal_token(database: Database, token_id: str, user_id: int | None = None) -> None:
    """Make a token worthless, everywhere within a second. Raises `NotFound`, also for one of another than `user_id`."""
    with database.transaction():
        row = database.fetch_one(BY_ID, {"id": token_id}) if token_id.isprintable() else None
        if row is None or user_id not in {None, row[1]} or not database.execute(DELETE, {"id": token_id}):
            raise NotFound("There is no such token; it may have been revoked already.")
        bump_auth_version(database)
        audit.record(database, "personal_token.revoked", user_id=row[1], about=token_id)


def find_personal_token(database: Database, token: str) -> PersonalToken | None:
    """What is known of a token that is good now, or None."""
    if not is_token(token, Kind.PERSONAL_TOKEN):
        return None
    row = database.fetch_one(BY_DIGEST, {"digest": digest(token), "now": datetime.now(UTC)})
    return _personal_token(row) if row else None


def touch_personal_token(database: Database, token_id: str, now: datetime) -> None:
    """Note that the token was used, unless somebody else is writing: who only reads does not wait for them."""
    with suppress(Unavailable), database.transaction(nowait=True):
        database.execute(TOUCH, {"of_token": token_id, "now": now})


def _personal_token(row: Sequence[Any]) -> PersonalToken:
    token_id, user_id, name, scopes, tenant_id, created_at, expires_at, used_at = row
    return PersonalToken(token_id, user_id, name, tuple(scopes.split()), tenant_id, created_at, expires_at, used_at)


def _scope_faults(scopes: Sequence[str]) -> list[str]:
    possible = ", ".join(scope for scope in SCOPES if scope not in NOT_PERSONAL)
    if not scopes:
        return [f"A token must have at least one scope of {possible}."]
    unknown = unknown_scopes(list(scopes)) + [scope for scope in scopes if scope in NOT_PERSONAL]
    return [f"There is no scope {' '.join(unknown)!r} for a personal token; there are {possible}."] if unknown else []


def _lifetime_faults(lifetime: int) -> list[str]:
    return [] if 1 <= lifetime <= LONGEST_LIFETIME else ["A token must be good for 1 second to 365 days."]
