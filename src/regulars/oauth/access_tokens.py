"""Access tokens: JSON Web Tokens with the profile of RFC 9068."""

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from sqlalchemy import bindparam, insert, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import revoked_tokens
from regulars.errors import Unauthenticated
from regulars.i18n import _
from regulars.oauth.signing_keys import ALGORITHMS, LEEWAY_SECONDS, PublicKeys, current_key, public_keys
from regulars.security.auth_version import bump_auth_version
from regulars.settings import Settings

TOKEN_TYPE = "at+jwt"  # noqa: S105 - not a password
MAX_TOKEN_LENGTH = 8192
COMMAND_LINE = "regulars-cli"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The claims of a valid access token. Times are in seconds since 1970.

    `user_id` is None for a service account; `subject` is then the id of the client. `grant_id` is the grant under which
    the token was issued, if any.
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


def audiences(settings: Settings) -> tuple[str, ...]:
    """Return the URLs that clients may request as the audience of a token. The first one is the default."""
    origin = settings.origin
    return (origin, origin + "/", origin + "/api", origin + "/api/v1")


def issue_access_token(
    database: Database,
    settings: Settings,
    user_id: int | None,
    scopes: Collection[str],
    *,
    tenant_id: int | None = None,
    client_id: str = COMMAND_LINE,
    audience: Sequence[str] = (),
    grant_id: str | None = None,
) -> str:
    """Return a new access token, signed with the current key. With `tenant_id`, it is limited to that tenant.

    Its subject is the user; if `user_id` is None, the client (RFC 9068, section 2.2). `audience` is this service by
    default. With `grant_id`, the token becomes invalid when that grant ends.
    """
    key = current_key(database, settings)
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": settings.origin,
        "sub": client_id if user_id is None else str(user_id),
        "aud": audience[0] if len(audience) == 1 else list(audience) or settings.origin,
        "iat": now,
        "exp": now + settings.access_token_lifetime,
        "jti": secrets.token_urlsafe(16),
        "client_id": client_id,
        "scope": " ".join(sorted(scopes)),
    }
    if tenant_id is not None:
        claims["tenant_id"] = tenant_id
    if grant_id is not None:
        claims["grant_id"] = grant_id
    header = {"typ": TOKEN_TYPE, "alg": key.algorithm, "kid": key.kid}
    return jwt.encode(header, claims, key.key, algorithms=[key.algorithm])


def verify_access_token(token: str, keys: PublicKeys, settings: Settings, now: int) -> AccessToken:
    """Return the claims of `token`. Do not check whether it was revoked or its grant has ended.

    Raise `Unauthenticated` with the code `invalid_token` if it was not signed with one of `keys`, is for another
    service, or is not valid at `now`.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise _refused(_("The access token is too long."))
    try:
        decoded = jwt.decode(token, lambda guest: _key(guest.headers(), keys), algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError, KeyError):
        raise _refused(_("The access token was not issued by this server.")) from None
    claims = decoded.claims
    if decoded.header.get("typ", "").lower() != TOKEN_TYPE:
        raise _refused(_("The token is not an access token."))
    audience = _audiences_of(claims.get("aud"))
    if claims.get("iss") != settings.origin or audience.isdisjoint(audiences(settings)):
        raise _refused(_("The access token was issued for another service."))
    issued_at, expires_at = _times(claims, settings, now)
    if not keys[decoded.header["kid"]].may_have_signed(issued_at):
        raise _refused(_("The access token was not issued by this server."))
    try:
        return AccessToken(
            token_id=str(claims["jti"]),
            subject=str(claims["sub"]),
            user_id=None if claims["sub"] == claims["client_id"] else _user_id(claims["sub"]),
            client_id=str(claims["client_id"]),
            scopes=frozenset(str(claims["scope"]).split()),
            tenant_id=claims.get("tenant_id"),
            grant_id=claims.get("grant_id"),
            audience=tuple(sorted(audience)),
            issued_at=issued_at,
            expires_at=expires_at,
        )
    except (KeyError, ValueError):
        raise _refused(_("The access token lacks a required claim.")) from None


def _times(claims: Mapping[str, Any], settings: Settings, now: int) -> tuple[int, int]:
    """Return the times when the token was issued and when it expires.

    Raise `Unauthenticated` if it is not valid at `now`, or if its lifetime is longer than this server allows:
    `public_keys` drops a replaced key after that time, when all of its tokens must have expired.
    """
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    if not isinstance(expires_at, int) or expires_at <= now:
        raise _refused(_("The access token has expired."))
    if not isinstance(issued_at, int):
        raise _refused(_("The access token lacks a required claim."))
    if issued_at > now + LEEWAY_SECONDS:
        raise _refused(_("The access token is not valid yet."))
    if expires_at - issued_at > settings.access_token_lifetime:
        raise _refused(_("The access token is valid for longer than this server allows. Get a new one."))
    return issued_at, expires_at


def revoke_token(database: Database, settings: Settings, token: str) -> None:
    """Revoke an access token. Do nothing if it was already revoked. Raise `Unauthenticated` if it is not valid."""
    now = int(time.time())
    claims = verify_access_token(token, public_keys(database, settings), settings, now)
    with database.transaction():
        if not is_revoked(database, claims.token_id):
            expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
            database.execute(INSERT_REVOKED_TOKEN, {"token_id": claims.token_id, "expires_at": expires_at})
            bump_auth_version(database)


def is_revoked(database: Database, token_id: str) -> bool:
    """Tell whether the token with this id was revoked."""
    return database.fetch_one(FIND_REVOKED_TOKEN, {"token_id": token_id}) is not None


def _key(header: dict[str, Any], keys: PublicKeys) -> Any:
    known = keys[str(header.get("kid"))]
    if header.get("alg") != known.algorithm:
        raise ValueError("the algorithm is not the key's")
    return known.key


def _user_id(subject: str) -> int:
    """Return the id of the user with this subject. Raise ValueError if it is not a number that can be stored."""
    user_id = int(subject)
    if user_id.bit_length() > 63:
        raise ValueError("the number is too large")
    return user_id


def _audiences_of(audience: object) -> set[str]:
    return {str(name) for name in audience} if isinstance(audience, list) else {str(audience)}


def _refused(sentence: str) -> Unauthenticated:
    return Unauthenticated(sentence, "invalid_token")
