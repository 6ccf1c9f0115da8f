"""The endpoints for device authorization, revocation and introspection."""

import time
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint

from regulars.accounts.memberships import memberships_of
from regulars.errors import Unauthenticated
from regulars.oauth.access_tokens import AccessToken, is_revoked, revoke_token, verify_access_token
from regulars.oauth.clients import DEVICE_CODE, Client, find_client
from regulars.oauth.device_codes import (
    INTERVAL_SECONDS,
    LIFETIME_SECONDS,
    issue_device_code,
)
from regulars.oauth.grants import end_grant, is_grant_live
from regulars.oauth.refresh_tokens import RefreshToken, find_refresh_token
from regulars.oauth.resources import check_resources
from regulars.oauth.server import TRUSTED_METHODS, Request, Server
from regulars.oauth.signing_keys import public_keys


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    """The device authorization endpoint (RFC 8628, section 3.1)."""

    server: Server

    def create_endpoint_response(self, request: Request) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client: Client = self.authenticate_client(request)
        if not client.check_grant_type(DEVICE_CODE):
            raise InvalidClientError(description="The application is not registered for devices.")
        scope = client.get_allowed_scope(request.payload.scope)
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


class FoundToken:
    """A token with its client, and the methods that Authlib calls for revocation and introspection."""

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


class TokenFinder:
    """A mixin that finds the token in a request and ignores its `token_type_hint`. An invalid token is not found."""

    server: Server
    CLIENT_AUTH_METHODS: ClassVar = [*TRUSTED_METHODS, "none"]

    def check_params(self, request: Request, client: Client) -> None:
        if not request.form.get("token"):
            raise InvalidRequestError("token is missing.")

    def query_token(self, token: str, hint: str | None) -> FoundToken | None:
        database = self.server.database
        refresh = find_refresh_token(database, token)
        if refresh:
            client = find_client(database, refresh.grant.client_id)
            return FoundToken(client, refresh, token) if client else None
        try:
            settings = self.server.settings
            access = verify_access_token(token, public_keys(database, settings), settings, int(time.time()))
        except Unauthenticated:
            return None
        client = find_client(database, access.client_id)
        is_dead = (
            is_revoked(database, access.token_id)
            or (access.grant_id and not is_grant_live(database, access.grant_id))
            or (access.user_id is not None and not memberships_of(database, access.user_id))
        )
        return FoundToken(client, access, token) if client and not is_dead else None


class Revocation(TokenFinder, RevocationEndpoint):
    """The revocation endpoint (RFC 7009). The revocation of a refresh token ends its grant."""

    def revoke_token(self, token: FoundToken, request: Request) -> None:
        if isinstance(token.token, RefreshToken):
            end_grant(self.server.database, token.token.grant, "revoked")
        else:
            revoke_token(self.server.database, self.server.settings, token.text)


class Introspection(TokenFinder, IntrospectionEndpoint):
    """The introspection endpoint (RFC 7662), for clients with a secret.

    A client can introspect its own tokens and those of its tenant's applications. An application that the operator
    registered can introspect all tokens.
    """

    CLIENT_AUTH_METHODS: ClassVar = list(TRUSTED_METHODS)

    def check_permission(self, token: FoundToken, client: Client, request: Request) -> bool:
        return client.tenant_id is None or client.id == token.client.id or client.tenant_id == token.client.tenant_id

    def introspect_token(self, found: FoundToken) -> dict[str, Any]:
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
