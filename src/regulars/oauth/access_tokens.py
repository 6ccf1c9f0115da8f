"""Access tokens: JSON Web Tokens (RFC 9068), bound to an audience (RFC 8707)."""

import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2 import OAuth2Error
from joserfc import jwt
from joserfc.errors import JoseError
from sqlalchemy import bindparam, delete, insert, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import revoked_tokens
from regulars.errors import Unauthenticated
from regulars.i18n import _
from regulars.oauth.signing_keys import ALGORITHMS, PublicKeys, current_key, public_keys
from regulars.security.auth_version import bump_auth_version
from regulars.settings import Settings

ACCESS_TOKEN_TYP_HEADER = "at+jwt"  # noqa: S105 - not a secret
LIFETIME_SECONDS = 3600
MAX_TOKEN_LENGTH = 8192
COMMAND_LINE_CLIENT = "regulars-cli"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The claims of a verified access token. Times are in seconds since 1970.

    `user_id` is None for a service account: its subject is the client itself.
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


FIND_REVOKED_TOKEN = Statement(
    select(revoked_tokens.c.token_id).where(revoked_tokens.c.token_id == bindparam("token_id"))
)
INSERT_REVOKED_TOKEN = Statement(
    insert(revoked_tokens).values({name: bindparam(name) for name in ("token_id", "expires_at")})
)
DELETE_EXPIRED_REVOCATIONS = Statement(delete(revoked_tokens).where(revoked_tokens.c.expires_at < bindparam("now")))


def audiences(settings: Settings) -> tuple[str, ...]:
    """Return the audiences of this service that a client can request. The first is the default."""
    origin = settings.origin
    return (origin, origin + "/", origin + "/api", origin + "/api/v1")


class InvalidTarget(OAuth2Error):
    """Error for a requested resource for which no token can be issued (RFC 8707, section 2)."""

    error = "invalid_target"


def check_resources(settings: Settings, requested: Sequence[str], granted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the audience of a token: the requested resources, else the granted ones, else this service.

    `granted` is empty if the grant allows every resource. Raise `InvalidTarget` for any other requested resource.
    """
    known = audiences(settings)
    if any(name not in (granted or known) for name in requested):
        raise InvalidTarget("A requested resource is unknown or was not granted.")
    return tuple(dict.fromkeys(requested)) or tuple(granted) or known[:1]


def issue_access_token(
    database: Database,
    settings: Settings,
    user_id: int | None,
    scopes: Collection[str],
    *,
    tenant_id: int | None = None,
    lifetime: int = LIFETIME_SECONDS,
    client_id: str = COMMAND_LINE_CLIENT,
    audience: Sequence[str] = (),
    grant_id: str | None = None,
) -> str:
    """Return a new access token that is valid for `lifetime` seconds.

    With `tenant_id`, it is valid only in that tenant. With `grant_id`, it ends with that grant. The default audience
    is this service. The subject is the user, or the client if there is no user (RFC 9068, section 2.2).
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
    header = {"typ": ACCESS_TOKEN_TYP_HEADER, "alg": key.algorithm, "kid": key.kid}
    return jwt.encode(header, claims, key.key, algorithms=[key.algorithm])


def verify_access_token(token: str, keys: PublicKeys, settings: Settings, now: int) -> AccessToken:
    """Return the claims of a token that one of `keys` signed for this service and that is valid at `now`.

    Raise `Unauthenticated` with the code `invalid_token` for any other token.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise _invalid(_("The access token is too long."))
    try:
        decoded = jwt.decode(token, lambda guest: _key(guest.headers(), keys), algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError, KeyError):
        raise _invalid(_("The access token was not issued by this service.")) from None
    claims = decoded.claims
    if decoded.header.get("typ", "").lower() != ACCESS_TOKEN_TYP_HEADER:
        raise _invalid(_("The token is not an access token."))
    audience = _audience_set(claims.get("aud"))
    if claims.get("iss") != settings.origin or audience.isdisjoint(audiences(settings)):
        raise _invalid(_("The access token was issued for another service."))
    expires_at = claims.get("exp")
    if not isinstance(expires_at, int) or expires_at <= now:
        raise _invalid(_("The access token has expired."))
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
        raise _invalid(_("The access token is missing a claim.")) from None


def revoke_token(database: Database, settings: Settings, token: str) -> None:
    """Revoke an access token. Raise `Unauthenticated` if it is not valid."""
    now = int(time.time())
    claims = verify_access_token(token, public_keys(database), settings, now)
    with database.transaction():
        database.execute(DELETE_EXPIRED_REVOCATIONS, {"now": datetime.fromtimestamp(now, UTC)})
        if not is_revoked(database, claims.token_id):
            expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
            database.execute(INSERT_REVOKED_TOKEN, {"token_id": claims.token_id, "expires_at": expires_at})
            bump_auth_version(database)


def is_revoked(database: Database, token_id: str) -> bool:
    """Return whether the token with this id has been revoked."""
    return database.fetch_one(FIND_REVOKED_TOKEN, {"token_id": token_id}) is not None


def _key(header: dict[str, Any], keys: PublicKeys) -> Any:
    known = keys[str(header.get("kid"))]
    if header.get("alg") != known.algorithm:
        raise ValueError("the algorithm does not match the key")
    return known.key


def _audience_set(audience: object) -> set[str]:
    return {str(name) for name in audience} if isinstance(audience, list) else {str(audience)}


def _invalid(message: str) -> Unauthenticated:
    return Unauthenticated(message, "invalid_token")
