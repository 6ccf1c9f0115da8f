"""ID tokens and the claims about a user (OpenID Connect Core, sections 2, 3.1.2.1 and 5.4)."""

import time
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from authlib.oidc.core import OpenIDToken
from joserfc import jwt
from joserfc.errors import JoseError

from regulars.accounts.users import User
from regulars.db.database import Database
from regulars.oauth.access_tokens import MAX_TOKEN_LENGTH
from regulars.oauth.clients import Client
from regulars.oauth.server import Request, Server
from regulars.oauth.signing_keys import ALGORITHMS, SigningKey, current_key, public_keys


class IdToken(OpenIDToken):
    """Adds an ID token to each token response with the scope openid (OpenID Connect Core, section 2)."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def __call__(self, grant: Any) -> None:
        # A new object for each request keeps one key, even if the key is rotated meanwhile.
        grant.register_hook("after_create_token_response", IdToken(self.server).process_token)

    @cached_property
    def _signing_key(self) -> SigningKey:
        return current_key(self.server.database, self.server.settings)

    def resolve_client_private_key(self, client: Client) -> Any:
        return self._signing_key.key

    def get_client_algorithm(self, client: Client) -> str:
        return self._signing_key.algorithm

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": self._signing_key.algorithm, "kid": self._signing_key.kid, "typ": "JWT"}

    def get_compatible_claims(self, request: Request) -> dict[str, Any]:
        now = int(time.time())
        assert request.grant is not None  # noqa: S101 - service accounts get no ID token
        return {
            "iss": self.server.settings.origin,
            "aud": request.client.id,
            "iat": now,
            "exp": now + self.server.settings.access_token_lifetime,
            "auth_time": int(request.grant.authenticated_at.timestamp()),
            "amr": list(request.grant.methods),
        }

    def generate_user_info(self, user: User, scope: str) -> Mapping[str, Any]:
        return user_claims(user, scope.split())


def user_claims(user: User, scopes: Collection[str]) -> dict[str, Any]:
    """Return the claims about a user that `scopes` allow (OpenID Connect Core, section 5.4).

    There is no `email_verified`, because e-mail addresses are not verified here.
    """
    claims: dict[str, Any] = {"sub": str(user.id)}
    if "profile" in scopes:
        claims["name"] = user.name
    if "email" in scopes:
        claims["email"] = user.email
    return claims


def read_id_token_hint(database: Database, issuer: str, token: str) -> tuple[str | None, int | None]:
    """Return the client id and the user id in one of our ID tokens, or (None, None) for any other text.

    The token may have expired (OpenID Connect Core, section 3.1.2.1).
    """
    if not token or len(token) > MAX_TOKEN_LENGTH:
        return None, None
    keys = public_keys(database)
    try:
        decoded = jwt.decode(
            token, lambda guest: keys[str(guest.headers().get("kid"))].key, algorithms=list(ALGORITHMS)
        )
        claims = decoded.claims
        if claims.get("iss") != issuer or decoded.header.get("typ") != "JWT":
            return None, None
        return str(claims["aud"]), int(claims["sub"])
    except (JoseError, ValueError, TypeError, KeyError):
        return None, None
