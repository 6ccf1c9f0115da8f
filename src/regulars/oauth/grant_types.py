"""The ways to a token, and the endpoints beside: Authlib's grants and endpoints with our storage and stricter rules."""

import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidGrantError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant
from authlib.oidc.core import OpenIDToken

from regulars.accounts.users import User
from regulars.db.database import Database
from regulars.errors import Unauthenticated
from regulars.oauth.access_tokens import AccessToken, is_revoked, revoke_token, verify_access_token
from regulars.oauth.authorization_codes import AuthorizationCode, claim_code, find_code
from regulars.oauth.clients import DEVICE_CODE, Client, find_client
from regulars.oauth.device_codes import (
    INTERVAL_SECONDS,
    LIFETIME_SECONDS,
    DeviceCode,
    claim_device_code,
    find_device_code,
    is_polling_too_often,
    issue_device_code,
)
from regulars.oauth.grants import end_grant, find_grant, is_grant_live
from regulars.oauth.refresh_tokens import RefreshToken, claim_refresh_token, find_refresh_token
from regulars.oauth.resources import check_resources
from regulars.oauth.server import TRUSTED_METHODS, Request, Server
from regulars.oauth.signing_keys import SigningKey, current_key, public_keys
from regulars.oauth.userinfo import claims_of
from regulars.settings import Settings

ANY_METHOD = [*TRUSTED_METHODS, "none"]
NO_LONGER_GOOD = "It is not known, has expired, or was used already."


def create_server(database: Database, settings: Settings) -> Server:
    """The authorization server with all that it can do: there is no implicit and no password grant."""
    server = Server(database, settings)
    server.register_grant(CodeFlow, [Pkce(), IdToken(server)])
    server.register_grant(RefreshFlow, [IdToken(server)])
    server.register_grant(DeviceFlow, [IdToken(server)])
    server.register_grant(ServiceFlow)
    server.register_endpoint(Revocation)
    server.register_endpoint(Introspection)
    server.register_endpoint(DeviceAuthorization)
    return server


class Issuing:
    """For all grants: the token response is made in one place."""

    server: Server
    request: Request

    def generate_token(
        self,
        user: User | None = None,
        scope: str | None = None,
        grant_type: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        return self.server.issue(self.request, scope or "", include_refresh_token=include_refresh_token)


class CodeFlow(Issuing, AuthorizationCodeGrant):
    """RFC 6749, section 4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_METHOD

    def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
        found = find_code(self.server.database, code)
        if found is None or found.client_id != client.id:
            return None
        if found.used_at is not None:
            # RFC 6749, section 4.1.2: whoever has it a second time may not be who had it first.
            end_grant(self.server.database, found.grant, "code_reused")
            return None
        now = datetime.now(UTC)
        return found if found.expires_at > now and found.grant.is_live(now) else None

    def authenticate_user(self, authorization_code: AuthorizationCode) -> User:
        database = self.server.database
        check_resources(self.server.settings, self.request.payload.resources, authorization_code.grant.resources)
        if not claim_code(database, authorization_code):
            end_grant(database, authorization_code.grant, "code_reused")
            raise InvalidGrantError(NO_LONGER_GOOD)
        self.request.grant = authorization_code.grant
        return self.server.user_of(authorization_code.grant)

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """It stays as used, so that a second use is noticed."""


class Pkce(CodeChallenge):
    """RFC 7636 with S256 alone.

    Every public client needs it; a confidential one may have OpenID Connect's nonce instead (RFC 9700, section 2.1.1).
    """

    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]
    CODE_CHALLENGE_METHODS: ClassVar = {
        "S256": lambda verifier, challenge: hmac.compare_digest(create_s256_code_challenge(verifier), challenge)
    }

    def validate_code_challenge(self, grant: CodeFlow, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if "code_challenge" not in data and "code_challenge_method" not in data:
            has_nonce = "nonce" in data and "openid" in grant.request.scope.split()
            if grant.request.client.is_confidential and has_nonce:
                return
            raise InvalidRequestError("The code_challenge is missing: PKCE with S256 is required.")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The code_challenge_method must be S256.")
        super().validate_code_challenge(grant, redirect_uri)


class RefreshFlow(Issuing, RefreshTokenGrant):
    """RFC 6749, section 6, with rotation."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_METHOD
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        return find_refresh_token(self.server.database, refresh_token)

    def authenticate_user(self, refresh_token: RefreshToken) -> User:
        return self.server.user_of(refresh_token.grant)

    def issue_token(self, user: User, refresh_token: RefreshToken) -> dict[str, Any]:
        check_resources(self.server.settings, self.request.payload.resources, refresh_token.grant.resources)
        generation = claim_refresh_token(self.server.database, self.server.settings, refresh_token)
        if generation is None:
            raise InvalidGrantError(NO_LONGER_GOOD)
        self.request.grant = refresh_token.grant
        self.request.generation = generation
        token: dict[str, Any] = super().issue_token(user, refresh_token)
        return token

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """It was claimed before the new one was issued."""


class ServiceFlow(Issuing, ClientCredentialsGrant):
    """RFC 6749, section 4.4: a service account, in the one tenant that it belongs to."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(TRUSTED_METHODS)

    def generate_token(self, *args: Any, scope: str | None = None, **kwargs: Any) -> dict[str, Any]:
        allowed = self.request.client.get_allowed_scope(scope)
        if allowed is None:
            raise InvalidScopeError
        return self.server.issue(self.request, allowed, include_refresh_token=False)


class DeviceFlow(Issuing, DeviceCodeGrant):
    """RFC 8628, section 3.4."""

    def query_device_credential(self, device_code: str) -> DeviceCode:
        found = find_device_code(self.server.database, device_code)
        if found is None or found.status == "used":
            raise InvalidGrantError(NO_LONGER_GOOD)
        self.request.credential = found
        return found

    def query_user_grant(self, user_code: str) -> tuple[User | None, bool] | None:
        credential: DeviceCode = self.request.credential
        if credential.status == "denied":
            return None, False
        if credential.status == "pending" or credential.grant_id is None:
            return None
        grant = find_grant(self.server.database, credential.grant_id)
        if grant is None or not grant.is_live(datetime.now(UTC)):
            raise InvalidGrantError(NO_LONGER_GOOD)
        check_resources(self.server.settings, self.request.payload.resources, grant.resources)
        if not claim_device_code(self.server.database, credential):
            raise InvalidGrantError(NO_LONGER_GOOD)
        self.request.grant = grant
        return self.server.user_of(grant), True

    def should_slow_down(self, credential: DeviceCode) -> bool:
        return is_polling_too_often(self.server.database, credential)


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    """RFC 8628, section 3.1."""

    server: Server

    def create_endpoint_response(self, request: Request) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client: Client = self.authenticate_client(request)
        if not client.check_grant_type(DEVICE_CODE):
            raise InvalidClientError(description="This application is not for devices.")
        self.server.validate_requested_scope(request.payload.scope)
        scope = client.get_allowed_scope(request.payload.scope)
        if scope is None:
            raise InvalidScopeError
        settings = self.server.settings
        resources = check_resources(settings, request.payload.resources) if request.payload.resources else ()
        device_code, user_code = issue_device_code(self.server.database, client.id, scope.split(), resources)
        page = settings.origin + "/device"
        return (
            200,
            {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?{urlencode({'user_code': user_code}, quote_via=quote)}",
                "expires_in": LIFETIME_SECONDS,
                "interval": INTERVAL_SECONDS,
            },
            [("Content-Type", "application/json")],
        )


class Found:
    """A token of one of our clients, as revocation and introspection see it."""

    def __init__(self, client: Client, token: RefreshToken | AccessToken, text: str) -> None:
        self.client = client
        self.token = token
        self.text = text

    def check_client(self, client: Client) -> bool:
        return client.id == self.client.id

    def is_expired(self) -> bool:
        if isinstance(self.token, RefreshToken):
            return self.token.is_expired()
        return self.token.expires_at <= time.time()

    def is_revoked(self) -> bool:
        return isinstance(self.token, RefreshToken) and self.token.is_revoked()


class FindsTokens:
    """For revocation and introspection: a token is found whatever the hint says."""

    server: Server
    CLIENT_AUTH_METHODS: ClassVar = ANY_METHOD

    def check_params(self, request: Request, client: Client) -> None:
        if not request.form.get("token"):
            raise InvalidRequestError("The token is missing.")

    def query_token(self, token: str, hint: str | None) -> Found | None:
        database = self.server.database
        refresh = find_refresh_token(database, token)
        if refresh:
            client = find_client(database, refresh.grant.client_id)
            return Found(client, refresh, token) if client else None
        try:
            access = verify_access_token(token, public_keys(database), self.server.settings, int(time.time()))
        except Unauthenticated:
            return None
        client = find_client(database, access.client_id)
        is_dead = is_revoked(database, access.token_id) or (
            access.grant_id and not is_grant_live(database, access.grant_id)
        )
        return Found(client, access, token) if client and not is_dead else None


class Revocation(FindsTokens, RevocationEndpoint):
    """RFC 7009. A refresh token takes its whole family with it."""

    def revoke_token(self, token: Found, request: Request) -> None:
        if isinstance(token.token, RefreshToken):
            end_grant(self.server.database, token.token.grant, "revoked")
        else:
            revoke_token(self.server.database, self.server.settings, token.text)


class Introspection(FindsTokens, IntrospectionEndpoint):
    """RFC 7662, for clients with a secret: about their own tokens, and those of their tenant's applications.

    An application that the operator registered may ask about any token.
    """

    CLIENT_AUTH_METHODS: ClassVar = list(TRUSTED_METHODS)

    def check_permission(self, token: Found, client: Client, request: Request) -> bool:
        return client.tenant_id is None or client.id == token.client.id or client.tenant_id == token.client.tenant_id

    def introspect_token(self, found: Found) -> dict[str, Any]:
        token, issuer = found.token, self.server.settings.origin
        if isinstance(token, RefreshToken):
            return {
                "client_id": found.client.id,
                "scope": token.get_scope(),
                "sub": str(token.grant.user_id),
                "iss": issuer,
                "exp": int(token.expires_at.timestamp()),
            }
        about = {
            "client_id": token.client_id,
            "scope": " ".join(sorted(token.scopes)),
            "sub": token.subject,
            "aud": list(token.audience),
            "iss": issuer,
            "iat": token.issued_at,
            "exp": token.expires_at,
            "jti": token.token_id,
            "token_type": "Bearer",
        }
        return about | ({"tenant_id": token.tenant_id} if token.tenant_id is not None else {})


class IdToken(OpenIDToken):
    """The ID token of OpenID Connect Core, section 2, wherever the scope openid was granted."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._key: SigningKey | None = None

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_create_token_response", self.process_token)

    def encode_id_token(self, token: dict[str, Any], request: Request) -> str:
        maker = IdToken(self.server)
        maker._key = current_key(self.server.database, self.server.settings)
        encoded: str = super(IdToken, maker).encode_id_token(token, request)
        return encoded

    def resolve_client_private_key(self, client: Client) -> Any:
        return self._signing_key.key

    def get_client_algorithm(self, client: Client) -> str:
        return self._signing_key.algorithm

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": self._signing_key.algorithm, "kid": self._signing_key.kid, "typ": "JWT"}

    def get_compatible_claims(self, request: Request) -> dict[str, Any]:
        now = int(time.time())
        assert request.grant is not None  # noqa: S101 - only people have ID tokens
        return {
            "iss": self.server.settings.origin,
            "aud": request.client.id,
            "iat": now,
            "exp": now + self.server.settings.access_token_lifetime,
            "auth_time": int(request.grant.authenticated_at.timestamp()),
            "amr": list(request.grant.methods),
        }

    def generate_user_info(self, user: User, scope: str) -> Mapping[str, Any]:
        return claims_of(user, scope.split())

    @property
    def _signing_key(self) -> SigningKey:
        assert self._key is not None  # noqa: S101 - set by encode_id_token
        return self._key
