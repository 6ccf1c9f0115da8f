"""The authorization server: Authlib's class, with the storage and the policy of this project.

`token_response` and `endpoint_response` take the parameters of a request in order, with repetitions, and return status,
body and headers. Each request runs in one transaction.

For a request to the token endpoint, Authlib calls these methods of the server and of the grant type:

1. `authenticate_client` of the server.
2. The `validate_…` and `query_…` methods of the grant type, which find the code or token in the request.
3. `authenticate_user`, which claims an authorization code, so that only one of several parallel requests continues.
4. `generate_token`, which calls `issue` of the server, and then `save_token`.
5. The methods that delete a code or revoke a refresh token. They do nothing, because both were claimed before.
6. The hooks for `after_create_token_response`, which add the ID token.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidGrantError, InvalidRequestError, OAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization

from regulars.accounts.memberships import memberships_of
from regulars.accounts.users import User, get_user
from regulars.db.database import Database
from regulars.oauth.access_tokens import issue_access_token
from regulars.oauth.clients import Client, find_client
from regulars.oauth.grants import Grant
from regulars.oauth.refresh_tokens import issue_refresh_token
from regulars.oauth.resources import check_resources
from regulars.scopes import SCOPES
from regulars.settings import Settings

Pairs = Sequence[tuple[str, str]]
Response = tuple[int, Any, list[tuple[str, str]]]

TRUSTED_METHODS = ("client_secret_basic", "client_secret_post")
REPEATABLE = {"resource"}
UNKNOWN_CLIENT = "The client could not be authenticated."


class Payload(OAuth2Payload):
    """The parameters of a request, including repeated ones. `data` has the last value of each."""

    def __init__(self, pairs: Pairs) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._lists[name].append(value)
        # A parameter without a value counts as omitted (RFC 6749, section 3.1).
        self._data = {name: values[-1] for name, values in self._lists.items() if values[-1]}

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists

    def check_not_repeated(self) -> None:
        """Raise `InvalidRequestError` if a parameter except `resource` is repeated (RFC 6749, sections 3.1 and 3.2)."""
        if any(len(values) > 1 for name, values in self._lists.items() if name not in REPEATABLE):
            raise InvalidRequestError("A parameter is repeated. Send each parameter only once.")

    @property
    def resources(self) -> list[str]:
        """Return the requested resources (RFC 8707)."""
        return [value for value in self._lists.get("resource", []) if value]


class Request(OAuth2Request):
    """A request to an endpoint. The grant types set `grant` and `generation` when they claim a code or token."""

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
    """Authlib's server with this database. `grant_types.create_server` registers its grant types and endpoints."""

    def __init__(self, database: Database, settings: Settings) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.database = database
        self.settings = settings

    def request(self, method: str, path: str, pairs: Pairs, headers: Mapping[str, str]) -> Request:
        """Return a request for Authlib.

        Raise `OAuth2Error` if the public URL of this service neither starts with https nor is a loopback address.
        """
        return Request(method, self.settings.origin + path, pairs, headers)

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        # The realm is required (RFC 7617, section 2), but Authlib does not set it.
        named = [(name, value.replace("Basic ", 'Basic realm="regulars", ', 1)) for name, value in headers]
        return status, body, named

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing: no listener uses Authlib's signals."""

    def query_client(self, client_id: str) -> Client | None:
        return find_client(self.database, client_id)

    def validate_requested_scope(self, scope: str | None) -> None:
        """Do nothing: `Client.get_allowed_scope` checks that the client may request the scope."""

    def authenticate_client(self, request: Request, methods: Sequence[str], endpoint: str = "token") -> Client:
        """Return the client that sent the request.

        Raise `InvalidClientError` if it cannot be authenticated with one of `methods`, and `InvalidRequestError` if the
        credentials in the header and in the body contradict each other or are both given.
        """
        basic = request.headers.get("Authorization", "").lower().startswith("basic ")
        if basic and request.form.get("client_secret"):
            raise InvalidRequestError("Authenticate the client only once: in the header or in the body.")
        try:
            client: Client = super().authenticate_client(request, methods, endpoint)
        except OAuth2Error:
            raise InvalidClientError(status_code=401, description=self._authentication_fault(request)) from None
        except ValueError:
            # The Authorization header cannot be read.
            raise InvalidClientError(status_code=401, description=UNKNOWN_CLIENT) from None
        if basic and request.payload.client_id not in {None, client.id}:
            raise InvalidRequestError("client_id differs from the Authorization header.")
        return client

    def _authentication_fault(self, request: Request) -> str:
        """Return why a client could not be authenticated. The text can reveal that a client has no secret."""
        basic_id, basic_secret = extract_basic_authorization(request.headers)
        client = self.query_client(basic_id or request.payload.client_id or "")
        has_sent_secret = basic_secret or request.form.get("client_secret")
        if client is not None and not client.is_confidential and has_sent_secret:
            return "This client has no secret. Send only its client_id, in the body."
        return UNKNOWN_CLIENT

    def answer(self, request: Callable[[], Request], respond: Callable[[Request], Response]) -> Response:
        """Run `respond` in a transaction. Return its response, or an error response if the request is not valid.

        Authlib converts most OAuth errors in `respond` to responses, so that they do not roll back the transaction. The
        end of a grant after the reuse of a token, for example, must be committed.
        """
        try:
            made = request()
            made.payload.check_not_repeated()
            with self.database.transaction():
                return respond(made)
        except OAuth2Error as error:
            return self.handle_response(*error())

    def token_response(self, pairs: Pairs, headers: Mapping[str, str]) -> Response:
        """Handle a request to the token endpoint (RFC 6749, section 3.2)."""
        return self.answer(lambda: self.request("POST", "/oauth/token", pairs, headers), self._token_response)

    def _token_response(self, request: Request) -> Response:
        if not request.payload.grant_type:
            raise InvalidRequestError("grant_type is missing.")
        answer: Response = self.create_token_response(request)
        return answer

    def endpoint_response(self, name: str, path: str, pairs: Pairs, headers: Mapping[str, str]) -> Response:
        """Handle a request to a registered endpoint: revocation, introspection or device_authorization."""
        return self.answer(
            lambda: self.request("POST", path, pairs, headers), lambda made: self.create_endpoint_response(name, made)
        )

    def issue(self, request: Request, scope: str, *, include_refresh_token: bool) -> dict[str, Any]:
        """Return the token response for a request whose code or token, if any, was claimed. Store a refresh token.

        The tokens have the scopes in `scope` that the client may still request.
        """
        grant, client = request.grant, request.client
        scope = " ".join(name for name in scope.split() if name in client.scopes)
        audience = check_resources(self.settings, request.payload.resources, grant.resources if grant else ())
        token: dict[str, Any] = {
            "access_token": issue_access_token(
                self.database,
                self.settings,
                grant.user_id if grant else None,
                scope.split(),
                tenant_id=client.tenant_id,
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
        """Do nothing: `issue` has stored the digest of the refresh token, and access tokens are not stored."""

    def user_of(self, grant: Grant) -> User:
        """Return the user who gave the grant.

        Raise `InvalidGrantError` if the user is disabled or not a member of any tenant.
        """
        if not memberships_of(self.database, grant.user_id):
            raise InvalidGrantError("The user is disabled, or not a member of any tenant.")
        return get_user(self.database, grant.user_id)
