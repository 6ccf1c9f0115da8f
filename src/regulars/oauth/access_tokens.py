"""Access tokens: JSON Web Tokens as RFC 9068 profiles them."""

import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from sqlalchemy import bindparam, delete, insert, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import revoked_tokens
from regulars.errors import Unauthenticated
from regulars.oauth.signing_keys import ALGORITHMS, PublicKeys, current_key, public_keys
from regulars.security.auth_version import bump_auth_version
from regulars.settings import Settings

TYPE = "at+jwt"
LIFETIME = 3600
LONGEST_TOKEN = 8192
COMMAND_LINE = "regulars-cli"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a good access token says. Times are in seconds since 1970.

    `user_id` is None for a service account, whose subject is the client itself; `grant_id` is what it was issued under.
    """

    token_id: str
    subject: str
    user_id: int | None
    client_id: str
    scopes: frozenset[str]
    tenant_id: int | None
    grant_id: str | None
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int


REVOKED = Statement(select(revoked_tokens.c.token_id).where(revoked_tokens.c.token_id == bindparam("token_id")))
REVOKE = Statement(insert(revoked_tokens).values({name: bindparam(name) for name in ("token_id", "expires_at")}))
DELETE_EXPIRED = Statement(delete(revoked_tokens).where(revoked_tokens.c.expires_at < bindparam("now")))


def audiences(settings: Settings) -> tuple[str, ...]:
    """The names under which a client may ask for a token for this service; the first is what it gets unasked."""
    origin = settings.origin
    return (origin, origin + "/", origin + "/api", origin + "/api/v1")


def issue_access_token(
    database: Database,
    settings: Settings,
    user_id: int | None,
    scopes: Collection[str],
    *,
    tenant_id: int | None = None,
    lifetime: int = LIFETIME,
    client_id: str = COMMAND_LINE,
    audience: Sequence[str] = (),
    grant_id: str | None = None,
) -> str:
    """A new access token, good for `lifetime` seconds, bound to one tenant where one is given.

    Its subject is the user, or the client itself where there is none (RFC 9068, section 2.2). `audience` is this
    service unless it says otherwise; with `grant_id` the token ends when that grant does.
    """
    key = current_key(database, settings)
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": settings.origin,
        "sub": client_id if user_id is None else str(user_id),
        "aud": audience[0] if len(audience) == 1 else list(audience) or settings.origin,
        "iat": now,
        "exp": now + lifetime,
        "jti": secrets.token_urlsafe(16),
        "client_id": client_id,
        "scope": " ".join(sorted(scopes)),
    }
    if tenant_id is not None:
        claims["tenant_id"] = tenant_id
    if grant_id is not None:
        claims["grant_id"] = grant_id
    header = {"typ": TYPE, "alg": key.algorithm, "kid": key.kid}
    return jwt.encode(header, claims, key.key, algorithms=[key.algorithm])


def verify_access_token(token: str, keys: PublicKeys, settings: Settings, now: int) -> AccessToken:
    """What `token` says, if it was signed with one of `keys` for this service and is good at `now`.

    Raises `Unauthenticated` with the code `invalid_token`.
    """
    if len(token) > LONGEST_TOKEN:
        raise _refused("is too long")
    try:
        decoded = jwt.decode(token, lambda guest: _key(guest.headers(), keys), algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError, KeyError):
        raise _refused("is not one that was issued here") from None
    claims = decoded.claims
    if decoded.header.get("typ", "").lower() != TYPE:
        raise _refused("is no access token")
    audience = _listed(claims.get("aud"))
    if claims.get("iss") != settings.origin or audience.isdisjoint(audiences(settings)):
        raise _refused("was issued for another service")
    expires_at = claims.get("exp")
    if not isinstance(expires_at, int) or expires_at <= now:
        raise _refused("has expired")
    try:
        return AccessToken(
            token_id=str(claims["jti"]),
            subject=str(claims["sub"]),
            user_id=None if claims["sub"] == claims["client_id"] else int(claims["sub"]),
            client_id=str(claims["client_id"]),
            scopes=frozenset(str(claims["scope"]).split()),
            tenant_id=claims.get("tenant_id"),
            grant_id=claims.get("grant_id"),
            audience=tuple(sorted(audience)),
            issued_at=int(claims["iat"]),
            expires_at=expires_at,
        )
    except (KeyError, ValueError):
        raise _refused("lacks a claim") from None


def revoke_token(database: Database, settings: Settings, token: str) -> None:
    """Make a token worthless before it expires. Raises `Unauthenticated` where it is worth nothing anyway."""
    now = int(time.time())
    claims = verify_access_token(token, public_keys(database), settings, now)
    with database.transaction():
        database.execute(DELETE_EXPIRED, {"now": datetime.fromtimestamp(now, UTC)})
        if not is_revoked(database, claims.token_id):
            expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
            database.execute(REVOKE, {"token_id": claims.token_id, "expires_at": expires_at})
            bump_auth_version(database)


def is_revoked(database: Database, token_id: str) -> bool:
    """Whether the token with this id was revoked."""
    return database.fetch_one(REVOKED, {"token_id": token_id}) is not None


def _key(header: dict[str, Any], keys: PublicKeys) -> Any:
    known = keys[str(header.get("kid"))]
    if header.get("alg") != known.algorithm:
        raise ValueError("the algorithm is not the key's")
    return known.key


def _listed(audience: object) -> set[str]:
    return {str(name) for name in audience} if isinstance(audience, list) else {str(audience)}


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"The access token {why}.", "invalid_token")
