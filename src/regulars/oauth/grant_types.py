"""The grant types of the token endpoint: Authlib's classes, with the storage of this project and stricter rules."""

import hmac
from datetime import UTC, datetime
from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge
from authlib.oauth2.rfc8628 import DeviceCodeGrant

from regulars.accounts.users import User
from regulars.db.database import Database
from regulars.oauth.authorization_codes import AuthorizationCode, claim_code, find_code
from regulars.oauth.clients import Client
from regulars.oauth.device_codes import (
    DeviceCode,
    claim_device_code,
    find_device_code,
    is_polling_too_often,
)
from regulars.oauth.endpoints import DeviceAuthorization, Introspection, Revocation
from regulars.oauth.grants import end_grant, find_grant
from regulars.oauth.id_token import IdTokenExtension
from regulars.oauth.refresh_tokens import RefreshToken, claim_refresh_token, find_refresh_token
from regulars.oauth.requested_scopes import check_requested_scope
from regulars.oauth.resources import check_resources
from regulars.oauth.server import TRUSTED_METHODS, Request, Server
from regulars.settings import Settings

ANY_METHOD = [*TRUSTED_METHODS, "none"]
INVALID_GRANT = "The code or token is unknown, has expired or was used."


def create_server(database: Database, settings: Settings) -> Server:
    """Return the authorization server, with all supported grant types and endpoints."""
    server = Server(database, settings)
    server.register_grant(CodeGrant, [Pkce(), IdTokenExtension(server)])
    server.register_grant(RefreshGrant, [IdTokenExtension(server)])
    server.register_grant(DeviceGrant, [IdTokenExtension(server)])
    server.register_grant(ServiceGrant)
    server.register_endpoint(Revocation)
    server.register_endpoint(Introspection)
    server.register_endpoint(DeviceAuthorization)
    return server


class TokenIssuer:
    """A mixin for grant types: `Server.issue` issues the tokens of all of them."""

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


class CodeGrant(TokenIssuer, AuthorizationCodeGrant):
    """The authorization code grant (RFC 6749, section 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_METHOD

    def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
        found = find_code(self.server.database, code)
        if found is None or found.client_id != client.id:
            return None
        if found.used_at is not None:
            # A second use may mean that the code was stolen (RFC 6749, section 4.1.2).
            end_grant(self.server.database, found.grant, "code_reused")
            return None
        now = datetime.now(UTC)
        return found if found.expires_at > now and found.grant.is_live(now) else None

    def authenticate_user(self, authorization_code: AuthorizationCode) -> User:
        database = self.server.database
        check_resources(self.server.settings, self.request.payload.resources, authorization_code.grant.resources)
        if not claim_code(database, authorization_code):
            end_grant(database, authorization_code.grant, "code_reused")
            raise InvalidGrantError(INVALID_GRANT)
        self.request.grant = authorization_code.grant
        return self.server.user_of(authorization_code.grant)

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Do nothing: a used code is kept, so that a second use is detected."""


class Pkce(CodeChallenge):
    """PKCE with the method S256 (RFC 7636).

    Public clients must use it. A confidential client may use the nonce of OpenID Connect instead (RFC 9700, section
    2.1.1).
    """

    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]
    CODE_CHALLENGE_METHODS: ClassVar = {
        "S256": lambda verifier, challenge: hmac.compare_digest(create_s256_code_challenge(verifier), challenge)
    }

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if "code_challenge" not in data and "code_challenge_method" not in data:
            has_nonce = "nonce" in data and "openid" in grant.request.scope.split()
            if grant.request.client.is_confidential and has_nonce:
                return
            raise InvalidRequestError("code_challenge is missing. PKCE with S256 is required.")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge_method must be S256.")
        super().validate_code_challenge(grant, redirect_uri)


class RefreshGrant(TokenIssuer, RefreshTokenGrant):
    """The refresh token grant (RFC 6749, section 6), with rotation."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_METHOD
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        return find_refresh_token(self.server.database, refresh_token)

    def authenticate_user(self, refresh_token: RefreshToken) -> User:
        return self.server.user_of(refresh_token.grant)

    def _validate_token_scope(self, token: RefreshToken) -> None:
        check_requested_scope((self.request.payload.scope or "").split(), token.get_scope().split())

    def issue_token(self, user: User, refresh_token: RefreshToken) -> dict[str, Any]:
        check_resources(self.server.settings, self.request.payload.resources, refresh_token.grant.resources)
        generation = claim_refresh_token(self.server.database, self.server.settings, refresh_token)
        if generation is None:
            raise InvalidGrantError(INVALID_GRANT)
        self.request.grant = refresh_token.grant
        self.request.generation = generation
        token: dict[str, Any] = super().issue_token(user, refresh_token)
        return token

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """Do nothing: `issue_token` claimed the old token before it issued the new one."""


class ServiceGrant(TokenIssuer, ClientCredentialsGrant):
    """The client credentials grant (RFC 6749, section 4.4), for service accounts. There is no refresh token."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = list(TRUSTED_METHODS)

    def generate_token(self, *args: Any, scope: str | None = None, **kwargs: Any) -> dict[str, Any]:
        allowed = self.request.client.get_allowed_scope(scope)
        return self.server.issue(self.request, allowed, include_refresh_token=False)


class DeviceGrant(TokenIssuer, DeviceCodeGrant):
    """The device code grant (RFC 8628, section 3.4)."""

    def query_device_credential(self, device_code: str) -> DeviceCode:
        found = find_device_code(self.server.database, device_code)
        if found is None or found.status == "used":
            raise InvalidGrantError(INVALID_GRANT)
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
            raise InvalidGrantError(INVALID_GRANT)
        check_resources(self.server.settings, self.request.payload.resources, grant.resources)
        if not claim_device_code(self.server.database, credential):
            raise InvalidGrantError(INVALID_GRANT)
        self.request.grant = grant
        return self.server.user_of(grant), True

    def should_slow_down(self, credential: DeviceCode) -> bool:
        return is_polling_too_often(self.server.database, credential)
