"""The authorization server: Authlib's server with our storage and stricter rules.

`token_response` and `endpoint_response` take the parameters of a request as name-value pairs and return (status, body,
headers). Each request runs in one transaction.

Authlib calls our methods for a token request in this order:

1. `Server.query_client`, and the `check_…` methods of the client, to authenticate it
2. the grant's lookup: `query_authorization_code` and Pkce's check of the verifier, `authenticate_refresh_token`, or
   `query_device_credential` and `query_user_grant`
3. `authenticate_user` (not for devices and service accounts). The grants claim the code or token with one conditional
   UPDATE, here or in `issue_token` and `query_user_grant`, and set `request.grant`
4. `generate_token`, which calls `Server.issue_tokens`
5. `save_token` and the deletion of the old code or token, which do nothing here because step 3 has claimed it
6. the hook `after_create_token_response`, in which `IdToken` adds the ID token
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Payload

from regulars.accounts.users import User, get_user
from regulars.db.database import Database
from regulars.oauth.access_tokens import check_resources, issue_access_token
from regulars.oauth.clients import Client, find_client
from regulars.oauth.grants import Grant
from regulars.oauth.refresh_tokens import issue_refresh_token
from regulars.scopes import SCOPES
from regulars.settings import Settings

Pairs = Sequence[tuple[str, str]]
OAuthResponse = tuple[int, Any, list[tuple[str, str]]]

SECRET_AUTH_METHODS = ("client_secret_basic", "client_secret_post")
ALL_AUTH_METHODS = [*SECRET_AUTH_METHODS, "none"]
REPEATABLE_PARAMETERS = {"resource"}


class Payload(OAuth2Payload):
    """The parameters of a request, including repeated ones."""

    def __init__(self, pairs: Pairs) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._lists[name].append(value)
        # RFC 6749, section 3.1: a parameter without a value is treated as omitted.
        self._data = {name: values[-1] for name, values in self._lists.items() if values[-1]}

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists

    def check_not_repeated(self) -> None:
        """Raise `InvalidRequestError` if a parameter is repeated (RFC 6749, sections 3.1 and 3.2)."""
        if any(len(values) > 1 for name, values in self._lists.items() if name not in REPEATABLE_PARAMETERS):
            raise InvalidRequestError("A parameter is repeated. Send each parameter only once.")

    @property
    def resources(self) -> list[str]:
        """The requested resources (RFC 8707)."""
        return [value for value in self._lists.get("resource", []) if value]


class Request(OAuth2Request):
    """A request to an endpoint of the authorization server. `grant` is set when its code or token has been claimed."""

    payload: Payload

    def __init__(self, method: str, uri: str, pairs: Pairs, headers: Mapping[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = Payload(pairs)
        self.grant: Grant | None = None
        self.generation = 0

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data


class Server(AuthorizationServer):
    """Authlib's server on our database. `grant_types.create_server` registers its grants and endpoints."""

    def __init__(self, database: Database, settings: Settings) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.database = database
        self.settings = settings

    def request(self, method: str, path: str, pairs: Pairs, headers: Mapping[str, str]) -> Request:
        """Return a request for Authlib. Raise `OAuth2Error` unless the service uses https or a loopback address."""
        return Request(method, self.settings.origin + path, pairs, headers)

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> OAuthResponse:
        # RFC 7617, section 2: the realm is required, and Authlib omits it.
        headers_with_realm = [(name, value.replace("Basic ", 'Basic realm="regulars", ', 1)) for name, value in headers]
        return status, body, headers_with_realm

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing: signals are not used."""

    def query_client(self, client_id: str) -> Client | None:
        return find_client(self.database, client_id)

    def authenticate_client(self, request: Request, methods: Sequence[str], endpoint: str = "token") -> Client:
        """Return the client that sent the request. Raise `InvalidClientError` or `InvalidRequestError`."""
        basic = request.headers.get("Authorization", "").lower().startswith("basic ")
        if basic and request.form.get("client_secret"):
            raise InvalidRequestError("Send the client secret in the Authorization header or in the body, not in both.")
        try:
            client: Client = super().authenticate_client(request, methods, endpoint)
        except (OAuth2Error, ValueError):
            raise InvalidClientError(
                status_code=401, description="Client authentication failed. Check client_id and client_secret."
            ) from None
        if basic and request.payload.client_id not in {None, client.id}:
            raise InvalidRequestError("client_id does not match the Authorization header.")
        return client

    def _respond(
        self, make_request: Callable[[], Request], respond: Callable[[Request], OAuthResponse]
    ) -> OAuthResponse:
        """Return the response of `respond`, which runs in a transaction, or of the OAuth error that was raised.

        Authlib returns most errors as responses, which commit: the end of a grant after reuse of its code is kept.
        """
        try:
            request = make_request()
            request.payload.check_not_repeated()
            with self.database.transaction():
                return respond(request)
        except OAuth2Error as error:
            return self.handle_response(*error())

    def token_response(self, pairs: Pairs, headers: Mapping[str, str]) -> OAuthResponse:
        """Return the response of the token endpoint (RFC 6749, section 3.2)."""
        return self._respond(lambda: self.request("POST", "/oauth/token", pairs, headers), self._create_token_response)

    def _create_token_response(self, request: Request) -> OAuthResponse:
        if not request.payload.grant_type:
            raise InvalidRequestError("grant_type is required.")
        response: OAuthResponse = self.create_token_response(request)
        return response

    def endpoint_response(self, name: str, path: str, pairs: Pairs, headers: Mapping[str, str]) -> OAuthResponse:
        """Return the response of a registered endpoint: revocation, introspection or device_authorization."""
        return self._respond(
            lambda: self.request("POST", path, pairs, headers),
            lambda request: self.create_endpoint_response(name, request),
        )

    def issue_tokens(self, request: Request, scope: str, *, include_refresh_token: bool) -> dict[str, Any]:
        """Return the token response for a request whose code or token, if any, has been claimed."""
        grant, client = request.grant, request.client
        audience = check_resources(self.settings, request.payload.resources, grant.resources if grant else ())
        token: dict[str, Any] = {
            "access_token": issue_access_token(
                self.database,
                self.settings,
                grant.user_id if grant else None,
                scope.split(),
                tenant_id=client.tenant_id,
                lifetime=self.settings.access_token_lifetime,
                client_id=client.id,
                audience=audience,
                grant_id=grant.id if grant else None,
            ),
            "token_type": "Bearer",
            "expires_in": self.settings.access_token_lifetime,
            "scope": scope,
        }
        if grant and include_refresh_token:
            token["refresh_token"] = issue_refresh_token(self.database, self.settings, grant, request.generation)
        return token

    def save_token(self, token: dict[str, Any], request: Request) -> None:
        """Do nothing: `issue_tokens` has stored the refresh token, and access tokens are not stored."""

    def get_grant_user(self, grant: Grant) -> User:
        """Return the user of the grant."""
        return get_user(self.database, grant.user_id)
