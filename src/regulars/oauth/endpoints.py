"""Endpoints beside the token endpoint: device authorization, revocation and introspection."""

import time
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint

from regulars.errors import Unauthenticated
from regulars.oauth.access_tokens import (
    AccessToken,
    check_resources,
    is_revoked,
    revoke_token,
    verify_access_token,
)
from regulars.oauth.clients import DEVICE_CODE, Client, find_client
from regulars.oauth.device_codes import INTERVAL_SECONDS, LIFETIME_SECONDS, issue_device_code
from regulars.oauth.grants import end_grant, is_grant_live
from regulars.oauth.refresh_tokens import RefreshToken, find_refresh_token
from regulars.oauth.server import ALL_AUTH_METHODS, SECRET_AUTH_METHODS, Request, Server
from regulars.oauth.signing_keys import public_keys


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    """The device authorization endpoint (RFC 8628, section 3.1)."""

    server: Server

    def create_endpoint_response(self, request: Request) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client: Client = self.authenticate_client(request)
        if not client.check_grant_type(DEVICE_CODE):
            raise InvalidClientError(description="This client may not use the device authorization grant.")
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


class ClientToken:
    """A token and the client that it was issued to. Revocation and introspection read it."""

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


class TokenEndpointMixin:
    """Finds the token of a revocation or introspection request. `token_type_hint` is ignored."""

    server: Server
    CLIENT_AUTH_METHODS: ClassVar = ALL_AUTH_METHODS

    def check_params(self, request: Request, client: Client) -> None:
        if not request.form.get("token"):
            raise InvalidRequestError("token is required.")

    def query_token(self, token: str, hint: str | None) -> ClientToken | None:
        database = self.server.database
        refresh_token = find_refresh_token(database, token)
        if refresh_token:
            client = find_client(database, refresh_token.grant.client_id)
            return ClientToken(client, refresh_token, token) if client else None
        try:
            access_token = verify_access_token(token, public_keys(database), self.server.settings, int(time.time()))
        except Unauthenticated:
            return None
        client = find_client(database, access_token.client_id)
        has_ended = is_revoked(database, access_token.token_id) or (
            access_token.grant_id and not is_grant_live(database, access_token.grant_id)
        )
        return ClientToken(client, access_token, token) if client and not has_ended else None


class Revocation(TokenEndpointMixin, RevocationEndpoint):
    """The revocation endpoint (RFC 7009). Revoking a refresh token ends its grant, with all tokens of the grant."""

    def revoke_token(self, token: ClientToken, request: Request) -> None:
        if isinstance(token.token, RefreshToken):
            end_grant(self.server.database, token.token.grant, "revoked")
        else:
            revoke_token(self.server.database, self.server.settings, token.text)


class Introspection(TokenEndpointMixin, IntrospectionEndpoint):
    """The introspection endpoint (RFC 7662), for clients with a secret.

    A client of a tenant can introspect its own tokens and those of the tenant's other clients. A client that the
    operator registered can introspect every token.
    """

    CLIENT_AUTH_METHODS: ClassVar = list(SECRET_AUTH_METHODS)

    def check_permission(self, token: ClientToken, client: Client, request: Request) -> bool:
        return client.tenant_id is None or client.id == token.client.id or client.tenant_id == token.client.tenant_id

    def introspect_token(self, client_token: ClientToken) -> dict[str, Any]:
        token, issuer = client_token.token, self.server.settings.origin
        if isinstance(token, RefreshToken):
            return {
                "client_id": client_token.client.id,
                "scope": token.get_scope(),
                "sub": str(token.grant.user_id),
                "iss": issuer,
                "exp": int(token.expires_at.timestamp()),
            }
        claims = {
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
        return claims | ({"tenant_id": token.tenant_id} if token.tenant_id is not None else {})
