"""Personal access tokens, which users create for their own scripts and programs."""

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
from regulars.i18n import _
from regulars.scopes import SCOPES, unknown_scopes
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version
from regulars.security.tokens import Kind, digest, is_token, new_id, new_token
from regulars.validation import quote

MAX_LIFETIME_SECONDS = 365 * 86400
OPENID_SCOPES = {"openid", "offline_access"}
"""Scopes that personal tokens cannot have: only OpenID clients can use them."""


class PersonalToken(Struct, frozen=True):
    """A personal access token, without its secret. `tenant_id` is set if the token is limited to one tenant."""

    id: str
    user_id: int
    name: str
    scopes: tuple[str, ...]
    tenant_id: int | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


table = personal_tokens.c
TOKEN_COLUMNS = (
    table.id,
    table.user_id,
    table.name,
    table.scopes,
    table.bound_tenant_id,
    table.created_at,
    table.expires_at,
    table.used_at,
)
INSERTED_COLUMNS = ("id", "digest", "user_id", "name", "scopes", "bound_tenant_id", "created_at", "expires_at")
INSERT_TOKEN = Statement(insert(personal_tokens).values({name: bindparam(name) for name in INSERTED_COLUMNS}))
LIST_TOKENS = Statement(select(*TOKEN_COLUMNS).order_by(table.id))
LIST_USER_TOKENS = Statement(select(*TOKEN_COLUMNS).where(table.user_id == bindparam("user_id")).order_by(table.id))
GET_TOKEN = Statement(select(*TOKEN_COLUMNS).where(table.id == bindparam("id")))
FIND_VALID_TOKEN = Statement(
    select(*TOKEN_COLUMNS).where(table.digest == bindparam("digest"), table.expires_at > bindparam("now"))
)
DELETE_TOKEN = Statement(delete(personal_tokens).where(table.id == bindparam("id")))
SET_USED_AT = Statement(
    update(personal_tokens).where(table.id == bindparam("of_token")).values(used_at=bindparam("now"))
)


def create_personal_token(
    database: Database,
    user_id: int,
    *,
    name: str,
    scopes: Sequence[str],
    tenant_id: int | None,
    lifetime: int,
) -> tuple[PersonalToken, str]:
    """Create a token that is valid for `lifetime` seconds. Return it with its secret, of which only a digest is stored.

    Raise `Invalid` with every fault, and `Forbidden` if the user is not a member of the tenant.
    """
    faults = {"name": name_faults(name), "scopes": _scope_faults(scopes), "lifetime": _lifetime_faults(lifetime)}
    if any(faults.values()):
        raise Invalid({field: sentences for field, sentences in faults.items() if sentences})
    if tenant_id is not None and tenant_id not in memberships_of(database, user_id):
        raise Forbidden(_("The user is not a member of tenant {id}.", id=tenant_id))
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
        database.execute(INSERT_TOKEN, values)
        audit.record(database, "personal_token.created", user_id=user_id, about=made.id)
    return made, token


def list_personal_tokens(database: Database, user_id: int) -> list[PersonalToken]:
    """Return the user's tokens, including expired ones, oldest first."""
    return [_personal_token(row) for row in database.fetch_all(LIST_USER_TOKENS, {"user_id": user_id})]


def list_all_personal_tokens(database: Database) -> list[PersonalToken]:
    """Return the tokens of all users, oldest first."""
    return [_personal_token(row) for row in database.fetch_all(LIST_TOKENS)]


def revoke_personal_token(database: Database, token_id: str, user_id: int | None = None) -> None:
    """Delete a token. All servers refuse it within a second.

    Raise `NotFound` if it does not exist, or if `user_id` is given and it belongs to another user.
    """
    with database.transaction():
        row = database.fetch_one(GET_TOKEN, {"id": token_id}) if token_id.isprintable() else None
        if row is None or user_id not in {None, row[1]} or not database.execute(DELETE_TOKEN, {"id": token_id}):
            raise NotFound(_("This token does not exist. It may have been revoked already."))
        bump_auth_version(database)
        audit.record(database, "personal_token.revoked", user_id=row[1], about=token_id)


def find_personal_token(database: Database, token: str) -> PersonalToken | None:
    """Return the token with this secret, or None if it does not exist or has expired."""
    if not is_token(token, Kind.PERSONAL_TOKEN):
        return None
    row = database.fetch_one(FIND_VALID_TOKEN, {"digest": digest(token), "now": datetime.now(UTC)})
    return _personal_token(row) if row else None


def touch_personal_token(database: Database, token_id: str, now: datetime) -> None:
    """Record that the token was used at `now`. Skip this if another transaction is writing, so that no reader waits."""
    with suppress(Unavailable), database.transaction(nowait=True):
        database.execute(SET_USED_AT, {"of_token": token_id, "now": now})


def _personal_token(row: Sequence[Any]) -> PersonalToken:
    token_id, user_id, name, scopes, tenant_id, created_at, expires_at, used_at = row
    return PersonalToken(token_id, user_id, name, tuple(scopes.split()), tenant_id, created_at, expires_at, used_at)


def _scope_faults(scopes: Sequence[str]) -> list[str]:
    possible = ", ".join(scope for scope in SCOPES if scope not in OPENID_SCOPES)
    if not scopes:
        return [_("A token must have at least one of the scopes {scopes}.", scopes=possible)]
    unknown = unknown_scopes(list(scopes)) + [scope for scope in scopes if scope in OPENID_SCOPES]
    return (
        [
            _(
                "Unknown scope {scope}. The scopes of a personal token are {scopes}.",
                scope=quote(" ".join(unknown)),
                scopes=possible,
            )
        ]
        if unknown
        else []
    )


def _lifetime_faults(lifetime: int) -> list[str]:
    return [] if 1 <= lifetime <= MAX_LIFETIME_SECONDS else [_("A token must be valid for 1 second to 365 days.")]
