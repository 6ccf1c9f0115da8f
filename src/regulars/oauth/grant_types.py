"""Grant types of the token endpoint: Authlib's grants with our storage and stricter rules.

`regulars.oauth.server` describes the order in which Authlib calls these methods.
"""

import hmac
from datetime import UTC, datetime
from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge
from authlib.oauth2.rfc8628 import DeviceCodeGrant

from regulars.accounts.users import User
from regulars.db.database import Database
from regulars.oauth.access_tokens import check_resources
from regulars.oauth.authorization_codes import AuthorizationCode, claim_code, find_code
from regulars.oauth.clients import Client
from regulars.oauth.device_codes import DeviceCode, claim_device_code, find_device_code, is_polling_too_early
from regulars.oauth.endpoints import DeviceAuthorization, Introspection, Revocation
from regulars.oauth.grants import end_grant, find_grant
from regulars.oauth.id_token import IdToken
from regulars.oauth.refresh_tokens import RefreshToken, claim_refresh_token, find_refresh_token
from regulars.oauth.server import ALL_AUTH_METHODS, SECRET_AUTH_METHODS, Request, Server
from regulars.settings import Settings

INVALID_CREDENTIAL = "The code or token is unknown, has expired, or has already been used."


def create_server(database: Database, settings: Settings) -> Server:
    """Return the authorization server with its grants and endpoints. It has no implicit and no password grant."""
    server = Server(database, settings)
    server.register_grant(AuthorizationCodes, [Pkce(), IdToken(server)])
    server.register_grant(RefreshTokens, [IdToken(server)])
    server.register_grant(DeviceCodes, [IdToken(server)])
    server.register_grant(ServiceAccounts)
    server.register_endpoint(Revocation)
    server.register_endpoint(Introspection)
    server.register_endpoint(DeviceAuthorization)
    return server


class TokenResponseMixin:
    """Creates the token response of every grant with `Server.issue_tokens`."""

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
        return self.server.issue_tokens(self.request, scope or "", include_refresh_token=include_refresh_token)


class AuthorizationCodes(TokenResponseMixin, AuthorizationCodeGrant):
    """The authorization code grant (RFC 6749, section 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ALL_AUTH_METHODS

    def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
        stored = find_code(self.server.database, code)
        if stored is None or stored.client_id != client.id:
            return None
        if stored.used_at is not None:
            # A second use may be an attack, so its tokens are revoked (RFC 6749, section 4.1.2).
            end_grant(self.server.database, stored.grant, "code_reused")
            return None
        now = datetime.now(UTC)
        return stored if stored.expires_at > now and stored.grant.is_live(now) else None

    def authenticate_user(self, authorization_code: AuthorizationCode) -> User:
        database = self.server.database
        check_resources(self.server.settings, self.request.payload.resources, authorization_code.grant.resources)
        if not claim_code(database, authorization_code):
            end_grant(database, authorization_code.grant, "code_reused")
            raise InvalidGrantError(INVALID_CREDENTIAL)
        self.request.grant = authorization_code.grant
        return self.server.get_grant_user(authorization_code.grant)

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Keep the used code, so that a second use is detected."""


class Pkce(CodeChallenge):
    """Proof Key for Code Exchange (RFC 7636), with S256 only.

    Public clients must use it. Confidential clients can send OpenID Connect's nonce instead (RFC 9700, section 2.1.1).
    """

    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]
    CODE_CHALLENGE_METHODS: ClassVar = {
        "S256": lambda verifier, challenge: hmac.compare_digest(create_s256_code_challenge(verifier), challenge)
    }

    def validate_code_challenge(self, grant: AuthorizationCodes, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if "code_challenge" not in data and "code_challenge_method" not in data:
            has_nonce = "nonce" in data and "openid" in grant.request.scope.split()
            if grant.request.client.is_confidential and has_nonce:
                return
            raise InvalidRequestError("code_challenge is required (PKCE with S256).")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge_method must be S256.")
        super().validate_code_challenge(grant, redirect_uri)


class RefreshTokens(TokenResponseMixin, RefreshTokenGrant):
    """The refresh token grant, with rotation (RFC 6749, section 6)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ALL_AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        return find_refresh_token(self.server.database, refresh_token)

    def authenticate_user(self, refresh_token: RefreshToken) -> User:
        return self.server.get_grant_user(refresh_token.grant)

    def issue_token(self, user: User, refresh_token: RefreshToken) -> dict[str, Any]:
        check_resources(self.server.settings, self.request.payload.resources, refresh_token.grant.resources)
        generation = claim_refresh_token(self.server.database, self.server.settings, refresh_token)
        if generation is None:
            raise InvalidGrantError(INVALID_CREDENTIAL)
        self.request.grant = refresh_token.grant
        self.request.generation = generation
        token: dict[str, Any] = super().issue_token(user, refresh_token)
        return token

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """Do nothing: `issue_token` has already claimed the old token."""


class ServiceAccounts(TokenResponseMixin, ClientCredentialsGrant):
    """The client credentials grant, for service accounts (RFC 6749, section 4.4)."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(SECRET_AUTH_METHODS)

    def generate_token(self, *args: Any, scope: str | None = None, **kwargs: Any) -> dict[str, Any]:
        allowed = self.request.client.get_allowed_scope(scope)
        if allowed is None:
            raise InvalidScopeError
        return self.server.issue_tokens(self.request, allowed, include_refresh_token=False)


class DeviceCodes(TokenResponseMixin, DeviceCodeGrant):
    """The device code grant (RFC 8628, section 3.4)."""

    def query_device_credential(self, device_code: str) -> DeviceCode:
        stored = find_device_code(self.server.database, device_code)
        if stored is None or stored.status == "used":
            raise InvalidGrantError(INVALID_CREDENTIAL)
        self.request.credential = stored
        return stored

    def query_user_grant(self, user_code: str) -> tuple[User | None, bool] | None:
        credential: DeviceCode = self.request.credential
        if credential.status == "denied":
            return None, False
        if credential.status == "pending" or credential.grant_id is None:
            return None
        grant = find_grant(self.server.database, credential.grant_id)
        if grant is None or not grant.is_live(datetime.now(UTC)):
            raise InvalidGrantError(INVALID_CREDENTIAL)
        check_resources(self.server.settings, self.request.payload.resources, grant.resources)
        if not claim_device_code(self.server.database, credential):
            raise InvalidGrantError(INVALID_CREDENTIAL)
        self.request.grant = grant
        return self.server.get_grant_user(grant), True

    def should_slow_down(self, credential: DeviceCode) -> bool:
        return is_polling_too_early(self.server.database, credential)
