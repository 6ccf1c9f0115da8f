"""ID tokens (OpenID Connect Core): add them to token responses, and read them in the parameter `id_token_hint`."""

import time
from collections.abc import Collection, Mapping
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
from regulars.settings import Settings


class IdTokenExtension:
    """Adds an ID token to each token response whose scope has `openid`."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def __call__(self, grant: Any) -> None:
        """Register the hook that adds the ID token. Authlib calls this for each grant object that it creates."""
        grant.register_hook("after_create_token_response", self.add_id_token)

    def add_id_token(self, grant: Any, response: Any) -> None:
        """Add an ID token, signed with the current key, to `response` if its scope contains `openid`."""
        settings = self.server.settings
        IdToken(settings, current_key(self.server.database, settings)).process_token(grant, response)


class IdToken(OpenIDToken):
    """An ID token (OpenID Connect Core, section 2), signed with `signing_key`."""

    def __init__(self, settings: Settings, signing_key: SigningKey) -> None:
        self.settings = settings
        self.signing_key = signing_key

    def resolve_client_private_key(self, client: Client) -> Any:
        return self.signing_key.key

    def get_client_algorithm(self, client: Client) -> str:
        return self.signing_key.algorithm

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": self.signing_key.algorithm, "kid": self.signing_key.kid, "typ": "JWT"}

    def get_compatible_claims(self, request: Request) -> dict[str, Any]:
        now = int(time.time())
        assert request.grant is not None  # noqa: S101 - only grants of users have the scope openid
        return {
            "iss": self.settings.origin,
            "aud": request.client.id,
            "iat": now,
            "exp": now + self.settings.access_token_lifetime,
            "auth_time": int(request.grant.authenticated_at.timestamp()),
            "amr": list(request.grant.methods),
        }

    def generate_user_info(self, user: User, scope: str) -> Mapping[str, Any]:
        return user_claims(user, scope.split())


def user_claims(user: User, scopes: Collection[str]) -> dict[str, Any]:
    """Return the claims about a user that `scopes` allow (OpenID Connect Core, section 5.4).

    An unverified address is left out: applications could believe that the user owns it.
    """
    claims: dict[str, Any] = {"sub": str(user.id)}
    if "profile" in scopes:
        claims["name"] = user.name
    if "email" in scopes:
        claims |= {"email": user.email} if user.is_verified else {}
        claims["email_verified"] = user.is_verified
    return claims


def read_hint(database: Database, settings: Settings, token: str) -> tuple[str | None, int | None]:
    """Return the ids of the client and the user in an ID token of this server, even if it has expired.

    Return (None, None) for any other text, and for a token that was signed with a revoked or an expired key.
    """
    if not token or len(token) > MAX_TOKEN_LENGTH:
        return None, None
    keys = public_keys(database, settings)
    try:
        decoded = jwt.decode(
            token, lambda token_: keys[str(token_.headers().get("kid"))].key, algorithms=list(ALGORITHMS)
        )
        claims = decoded.claims
        if claims.get("iss") != settings.origin or decoded.header.get("typ") != "JWT":
            return None, None
        if not keys[decoded.header["kid"]].may_have_signed(int(claims["iat"])):
            return None, None
        return str(claims["aud"]), int(claims["sub"])
    except (JoseError, ValueError, TypeError, KeyError):
        return None, None
