"""Verify access tokens of an external authorization server: JSON Web Tokens for this service (RFC 9068)."""

import math
import time
from collections.abc import Mapping
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from regulars.accounts.memberships import memberships_of
from regulars.accounts.users import User, find_holder, find_user_by_subject
from regulars.db.database import Database
from regulars.errors import Unauthenticated
from regulars.i18n import _
from regulars.oauth.access_tokens import MAX_TOKEN_LENGTH
from regulars.oauth.jwks_client import KEY_TYPES, ExternalKeys
from regulars.permissions import Identity
from regulars.settings import Settings

TOKEN_TYPES = {"at+jwt", "application/at+jwt", "jwt"}
SKEW_SECONDS = 60
CACHE_SECONDS = 60
"""Maximum time for which a verified token is cached. Then it is verified again: its key may have been withdrawn."""

Claims = Mapping[str, Any]


class ExternalIssuer:
    """Verifies tokens of the issuer in `settings.issuer`, and finds their users."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.issuer
        self.audience = settings.origin
        self.user_claim = settings.issuer_user_claim
        self.keys = ExternalKeys(settings.issuer)
        # Accept headers with private parameters, and long headers, because they can contain a certificate.
        self.registry = JWSRegistry(algorithms=list(KEY_TYPES), strict_check_header=False)
        self.registry.max_header_length = MAX_TOKEN_LENGTH

    def identity(self, database: Database, token: str) -> tuple[Identity, float]:
        """Return the identity of the user of `token`, and the time until which it may be cached, in seconds since 1970.

        Raise `Unauthenticated` with the code `invalid_token` if the token is not valid or matches no user, and
        `Unavailable` if the issuer's keys cannot be fetched.
        """
        now = time.time()
        claims = self._verified(token, now)
        user = self._user(database, claims)
        if user is None:
            raise _refused(_("No user matches the {claim} of the access token.", claim=self.user_claim))
        identity = Identity(
            user_id=user.id,
            client_id=_client_id(claims),
            scopes=_scopes(claims),
            memberships=memberships_of(database, user.id),
        )
        return identity, min(claims["exp"] + SKEW_SECONDS, now + CACHE_SECONDS)

    def _verified(self, token: str, now: float) -> Claims:
        if len(token) > MAX_TOKEN_LENGTH:
            raise _refused(_("The access token is too long."))
        try:
            decoded = jwt.decode(token, lambda guest: self.keys.find(guest.headers()), registry=self.registry)
        except (JoseError, ValueError, TypeError, KeyError):
            raise _refused(_("The access token was not issued by the authorization server.")) from None
        claims = decoded.claims
        if str(decoded.header.get("typ", "JWT")).lower() not in TOKEN_TYPES:
            raise _refused(_("The token is not an access token."))
        if claims.get("iss") != self.issuer:
            raise _refused(_("The access token was issued by another authorization server."))
        if self.audience not in _as_list(claims.get("aud")):
            raise _refused(_("The access token was issued for another service."))
        _check_times(claims, now)
        return claims

    def _user(self, database: Database, claims: Claims) -> User | None:
        if self.user_claim == "sub":
            subject = claims.get("sub")
            return find_user_by_subject(database, subject) if isinstance(subject, str) and subject else None
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise _refused(_("The access token has no e-mail address that its issuer has verified."))
        return find_holder(database, email)


def external_issuer(settings: Settings) -> ExternalIssuer | None:
    """Return the verifier for the issuer in the settings, or None if no issuer is set."""
    return ExternalIssuer(settings) if settings.issuer else None


def _check_times(claims: Claims, now: float) -> None:
    """Raise `Unauthenticated` if the token has expired or is not valid yet, with a tolerance of `SKEW_SECONDS`."""
    expires_at = claims.get("exp")
    if not _is_time(expires_at) or expires_at <= now - SKEW_SECONDS:
        raise _refused(_("The access token has expired."))
    for claim in ("nbf", "iat"):
        if claim in claims and not (_is_time(claims[claim]) and claims[claim] <= now + SKEW_SECONDS):
            raise _refused(_("The access token is not valid yet."))


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _scopes(claims: Claims) -> frozenset[str]:
    granted = claims.get("scope", claims.get("scp"))
    if isinstance(granted, str):
        return frozenset(granted.split())
    return frozenset(scope for scope in _as_list(granted) if isinstance(scope, str))


def _client_id(claims: Claims) -> str:
    """Return the id of the application, for the log."""
    return str(claims.get("client_id") or claims.get("azp") or "(unknown)")[:255]


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _refused(sentence: str) -> Unauthenticated:
    return Unauthenticated(sentence, "invalid_token")
