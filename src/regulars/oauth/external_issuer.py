"""Access tokens of an outside authorization server: JSON Web Tokens that it signs for this service (RFC 9068)."""

import math
import time
from collections.abc import Mapping
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from regulars.accounts.memberships import memberships_of
from regulars.accounts.users import User, find_user_by_email, find_user_by_subject
from regulars.db.database import Database
from regulars.errors import Unauthenticated
from regulars.oauth.access_tokens import LONGEST_TOKEN
from regulars.oauth.jwks_client import KEY_TYPES, OutsideKeys
from regulars.permissions import Identity
from regulars.settings import Settings

TYPES = {"at+jwt", "application/at+jwt", "jwt"}
SKEW_SECONDS = 60
REMEMBERED_SECONDS = 60
"""A token is looked at anew so often: its key may have been withdrawn."""

Claims = Mapping[str, Any]


class OutsideIssuer:
    """Verifies the tokens that `settings.issuer` made, and finds the users whom they belong to."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.issuer
        self.audience = settings.origin
        self.user_claim = settings.issuer_user_claim
        self.keys = OutsideKeys(settings.issuer)
        # Their headers may have members of the issuer's own, and a certificate.
        self.registry = JWSRegistry(algorithms=list(KEY_TYPES), strict_check_header=False)
        self.registry.max_header_length = LONGEST_TOKEN

    def identity(self, database: Database, token: str) -> tuple[Identity, float]:
        """What `token` says, and until when that may be remembered.

        Raises `Unauthenticated` with the code `invalid_token`, `Unavailable` where the issuer cannot be asked for its
        keys.
        """
        now = time.time()
        claims = self._verified(token, now)
        user = self._user(database, claims)
        if user is None:
            raise Unauthenticated(f"No user here fits the access token's {self.user_claim}.", "invalid_token")
        identity = Identity(
            user_id=user.id,
            client_id=_client_id(claims),
            scopes=_scopes(claims),
            memberships=memberships_of(database, user.id),
        )
        return identity, min(claims["exp"] + SKEW_SECONDS, now + REMEMBERED_SECONDS)

    def _verified(self, token: str, now: float) -> Claims:
        if len(token) > LONGEST_TOKEN:
            raise _refused("is too long")
        try:
            decoded = jwt.decode(token, lambda guest: self.keys.find(guest.headers()), registry=self.registry)
        except (JoseError, ValueError, TypeError, KeyError):
            raise _refused("is not one that the authorization server issued") from None
        claims = decoded.claims
        if str(decoded.header.get("typ", "JWT")).lower() not in TYPES:
            raise _refused("is no access token")
        if claims.get("iss") != self.issuer:
            raise _refused("was issued by another authorization server")
        if self.audience not in _listed(claims.get("aud")):
            raise _refused("was issued for another service")
        _check_times(claims, now)
        return claims

    def _user(self, database: Database, claims: Claims) -> User | None:
        if self.user_claim == "sub":
            subject = claims.get("sub")
            return find_user_by_subject(database, subject) if isinstance(subject, str) and subject else None
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise _refused("names no e-mail address that its issuer has verified")
        return find_user_by_email(database, email)


def outside_issuer(settings: Settings) -> OutsideIssuer | None:
    """The outside authorization server whose tokens are accepted here, if one is set."""
    return OutsideIssuer(settings) if settings.issuer else None


def _check_times(claims: Claims, now: float) -> None:
    """The clocks of two servers may differ by `SKEW_SECONDS`."""
    expires_at = claims.get("exp")
    if not _is_time(expires_at) or expires_at <= now - SKEW_SECONDS:
        raise _refused("has expired")
    for claim in ("nbf", "iat"):
        if claim in claims and not (_is_time(claims[claim]) and claims[claim] <= now + SKEW_SECONDS):
            raise _refused("is not good yet")


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _scopes(claims: Claims) -> frozenset[str]:
    granted = claims.get("scope", claims.get("scp"))
    if isinstance(granted, str):
        return frozenset(granted.split())
    return frozenset(scope for scope in _listed(granted) if isinstance(scope, str))


def _client_id(claims: Claims) -> str:
    """The application, as the log names it."""
    return str(claims.get("client_id") or claims.get("azp") or "(unknown)")[:255]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"The access token {why}.", "invalid_token")
