"""The endpoints of the authorization server for clients. The pages for users are in the console."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar

import falcon
import msgspec

from regulars.accounts.throttle import count_request, seconds_to_wait_for_request
from regulars.accounts.users import get_user
from regulars.api.authentication import Authenticator
from regulars.db.database import Database
from regulars.errors import Forbidden, Malformed, NotFound, Unauthenticated
from regulars.http.forms import FORM_TYPE, Pairs, read_form
from regulars.http.public_url import client_address
from regulars.i18n import _
from regulars.oauth.id_token import user_claims
from regulars.oauth.metadata import key_set, resource_metadata, server_metadata
from regulars.oauth.server import Response, Server
from regulars.oauth.signing_keys import current_key
from regulars.settings import Settings

NOT_A_FORM: Response = (
    400,
    {"error": "invalid_request", "error_description": f"Send the parameters as {FORM_TYPE}, in the body."},
    [],
)


def routes(server: Server, authenticator: Authenticator) -> list[tuple[str, object]]:
    """Return the paths of the endpoints, each with its resource."""
    database, settings = server.database, server.settings
    metadata = Document(server_metadata(settings))
    return [
        ("/.well-known/openid-configuration", metadata),
        ("/.well-known/oauth-authorization-server", metadata),
        ("/.well-known/oauth-protected-resource", Document(resource_metadata(settings))),
        ("/oauth/jwks", Keys(database, settings)),
        ("/oauth/token", TokenEndpoint(server)),
        ("/oauth/revoke", NamedEndpoint(server, "revocation")),
        ("/oauth/introspect", NamedEndpoint(server, "introspection")),
        ("/oauth/device_authorization", DeviceAuthorization(server)),
        ("/oauth/userinfo", UserInfo(database, authenticator)),
    ]


def read_parameters(request: falcon.Request) -> Pairs | None:
    """Return the parameters in the body of a request, or None if it is not a valid form."""
    try:
        return read_form(request)
    except Malformed:
        return None


class Document:
    """A document that does not change while the server runs."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = msgspec.json.encode(content)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the document."""
        response.set_header("Cache-Control", "public, max-age=300")
        response.data = self.content


class Keys:
    """`/oauth/jwks`"""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the public keys. Create the first key if there is none: clients may read it before it signs a token."""
        keys = key_set(self.database, self.settings)
        if not keys["keys"]:
            current_key(self.database, self.settings)
            keys = key_set(self.database, self.settings)
        response.set_header("Cache-Control", "public, max-age=60")
        response.data = msgspec.json.encode(keys)


class TokenEndpoint:
    """`/oauth/token`"""

    def __init__(self, server: Server) -> None:
        self.server = server

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Issue tokens."""
        pairs = read_parameters(request)
        send(response, NOT_A_FORM if pairs is None else self.server.token_response(pairs, headers_of(request)))


class NamedEndpoint:
    """An endpoint to which clients send a form: revocation, introspection or device authorization."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Process the form."""
        pairs = read_parameters(request)
        if pairs is None:
            send(response, NOT_A_FORM)
        else:
            send(response, self.server.endpoint_response(self.name, request.path, pairs, headers_of(request)))


class DeviceAuthorization(NamedEndpoint):
    """`/oauth/device_authorization`: rate-limited by IP address, because anonymous devices add a row per request."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, "device_authorization")

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Issue a device code, or respond with 429 if the address has sent too many requests."""
        database, now = self.server.database, datetime.now(UTC)
        address = client_address(request.env, self.server.settings.trusted_proxies)
        seconds = seconds_to_wait_for_request(database, self.name, address, now)
        if seconds:
            send(response, _slow_down(seconds))
            return
        super().on_post(request, response)
        if response.status_code == HTTPStatus.OK:
            count_request(database, self.name, address, now)


class UserInfo:
    """`/oauth/userinfo` (OpenID Connect Core, section 5.3)"""

    scope: ClassVar = "openid"

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get those claims of the token's user that the token's scopes allow."""
        identity = self.authenticator.identity(request, self.scope)
        if identity.user_id is None:
            raise Forbidden(_("The access token belongs to an application, not to a user."), "insufficient_scope")
        response.set_header("Cache-Control", "no-store")
        try:
            user = get_user(self.database, identity.user_id)
        except NotFound:
            # The user was deleted after the token was verified, which is less than a second ago.
            raise Unauthenticated(_("The user of this access token has been deleted."), "invalid_token") from None
        response.data = msgspec.json.encode(user_claims(user, identity.scopes))

    on_post = on_get


def _slow_down(seconds: int) -> Response:
    description = f"This address has sent too many requests. Try again in {seconds} seconds."
    return 429, {"error": "slow_down", "error_description": description}, [("Retry-After", str(seconds))]


def headers_of(request: falcon.Request) -> dict[str, str]:
    """Return the headers that authenticate a client."""
    return {"Authorization": request.get_header("Authorization") or ""}


def send(response: falcon.Response, answer: Response) -> None:
    """Send a response of the authorization server, which must not be cached (RFC 6749, section 5.1)."""
    status, body, headers = answer
    response.status = status
    for name, value in headers:
        if name.lower() != "content-type":
            response.set_header(name, value)
    response.set_header("Cache-Control", "no-store")
    response.content_type = "application/json"
    response.data = msgspec.json.encode(body)
