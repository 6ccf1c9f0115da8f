"""Authorization requests and their responses (RFC 6749, section 4.1; OpenID Connect Core, section 3.1.2).

Browsers are only redirected to registered redirect URIs. Until the client and the redirect URI have been checked, an
error is shown to the user on a page; later errors are sent to the application.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from authlib.oauth2 import OAuth2Error

from regulars.accounts.memberships import memberships_of
from regulars.accounts.sessions import Session
from regulars.accounts.users import get_user
from regulars.db.database import Database
from regulars.errors import Malformed
from regulars.i18n import _
from regulars.oauth.access_tokens import check_resources
from regulars.oauth.authorization_codes import issue_code
from regulars.oauth.clients import Client, ClientKind, find_client
from regulars.oauth.consents import consented_scopes, remember_consent
from regulars.oauth.grants import open_grant
from regulars.oauth.id_token import read_id_token_hint
from regulars.oauth.server import Pairs, Payload, Server

PROMPT_VALUES = {"none", "login", "consent", "select_account"}
UNSUPPORTED_PARAMETERS = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid authorization request. `pairs` are its original parameters.

    `has_hint` is true if it has an id_token_hint. `hinted_user` is the user in it, or None if it is not valid.
    """

    client: Client
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    redirect_uri: str
    named_redirect_uri: str | None
    state: str | None
    code_challenge: str | None
    nonce: str | None
    prompts: frozenset[str]
    max_age: int | None
    login_hint: str | None
    hinted_user: int | None
    has_hint: bool
    pairs: Pairs


class Refused(Exception):
    """Refusal of a request. `location` is the redirect URI of the application with the error."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


def read_request(server: Server, pairs: Pairs) -> AuthorizationRequest:
    """Return the request with these parameters.

    Raise `Malformed` for an error to show to the user, and `Refused` for an error to send to the application.
    """
    payload = Payload(pairs)
    client, redirect_uri = _client_and_redirect_uri(server.database, payload)
    state = payload.state
    try:
        payload.check_not_repeated()
        _check_supported(payload)
        grant = server.get_consent_grant(server.request("GET", "/oauth/authorize", pairs, {}))
        scope: str = grant.request.scope
        resources = check_resources(server.settings, payload.resources) if payload.resources else ()
        prompts, max_age = _prompts(payload), _max_age(payload)
    except OAuth2Error as error:
        raise refused(server, redirect_uri, state, str(error.error), str(error.get_error_description() or "")) from None
    return AuthorizationRequest(
        client=client,
        scopes=tuple(scope.split()),
        resources=resources,
        redirect_uri=redirect_uri,
        named_redirect_uri=payload.redirect_uri,
        state=state,
        code_challenge=payload.data.get("code_challenge"),
        nonce=payload.data.get("nonce"),
        prompts=prompts,
        max_age=max_age,
        login_hint=payload.data.get("login_hint"),
        hinted_user=read_id_token_hint(server.database, server.settings.origin, payload.data.get("id_token_hint", ""))[
            1
        ],
        has_hint="id_token_hint" in payload.data,
        pairs=list(pairs),
    )


def refused(server: Server, redirect_uri: str, state: str | None, error: str, description: str) -> Refused:
    """Return an error that redirects to the application (RFC 6749, section 4.1.2.1)."""
    return Refused(_location(server, redirect_uri, state, {"error": error, "error_description": description}))


def denied(server: Server, request: AuthorizationRequest, error: str, description: str) -> Refused:
    """Return an error that redirects to the application of a valid request."""
    return refused(server, request.redirect_uri, request.state, error, description)


def must_sign_in(request: AuthorizationRequest, session: Session | None) -> bool:
    """Return whether the user must sign in (again), as prompt, max_age or id_token_hint require."""
    if session is None or request.prompts & {"login", "select_account"}:
        return True
    if request.has_hint and session.user_id != request.hinted_user:
        return True
    if request.max_age is None:
        return False
    return datetime.now(UTC) - session.authenticated_at > timedelta(seconds=request.max_age)


def after_sign_in(request: AuthorizationRequest) -> Pairs:
    """Return the parameters of the request without those that required the sign-in.

    A valid id_token_hint is kept. An invalid one would require a sign-in forever.
    """
    remaining_prompts = " ".join(sorted(request.prompts - {"login", "select_account"}))
    removed = {"prompt", "max_age", "login_hint"} | ({"id_token_hint"} if request.hinted_user is None else set())
    rest = [(name, value) for name, value in request.pairs if name not in removed]
    return [*rest, ("prompt", remaining_prompts)] if remaining_prompts else rest


def as_another(request: AuthorizationRequest) -> Pairs:
    """Return the parameters of the request with which the user can sign in as a different user."""
    removed = {"prompt", "login_hint", "id_token_hint"}
    return [*((name, value) for name, value in request.pairs if name not in removed), ("prompt", "select_account")]


def likely_email(server: Server, request: AuthorizationRequest) -> str | None:
    """Return the e-mail address to suggest on the sign-in page, "" for none, or None for that of the signed-in user."""
    if request.login_hint:
        return request.login_hint[:255]
    if request.hinted_user is not None:
        return get_user(server.database, request.hinted_user).email
    return "" if "select_account" in request.prompts else None


def is_member(server: Server, request: AuthorizationRequest, user_id: int) -> bool:
    """Return whether the user may use the application. Only members may use an application of a tenant."""
    tenant_id = request.client.tenant_id
    return tenant_id is None or tenant_id in memberships_of(server.database, user_id)


def has_consented(server: Server, request: AuthorizationRequest, user_id: int) -> bool:
    """Return whether the user has already consented to all requested scopes."""
    return set(request.scopes) <= consented_scopes(server.database, user_id, request.client.id)


def may_skip_consent(server: Server, request: AuthorizationRequest, user_id: int) -> bool:
    """Return whether the consent page can be skipped.

    Any app on a device can use the private-use scheme or loopback port of a native app, so the user confirms such
    requests each time (RFC 8252, section 8.6).
    """
    is_identity_certain = request.client.kind is not ClientKind.NATIVE or request.redirect_uri.startswith("https://")
    return is_identity_certain and "consent" not in request.prompts and has_consented(server, request, user_id)


def approve(server: Server, request: AuthorizationRequest, session: Session) -> str:
    """Store the consent of the session's user. Return the redirect URI with a new authorization code."""
    database = server.database
    with database.transaction():
        remember_consent(database, session.user_id, request.client.id, request.scopes)
        grant = open_grant(
            database,
            server.settings,
            client_id=request.client.id,
            scopes=request.scopes,
            resources=request.resources,
            session=session,
        )
        code = issue_code(
            database,
            grant,
            redirect_uri=request.named_redirect_uri,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
        )
    return _location(server, request.redirect_uri, request.state, {"code": code})


def who_asks(database: Database, target: str) -> tuple[str, tuple[str, ...] | None]:
    """Return the application's name and the form-action sources of the authorization request at the path `target`.

    The sign-in page uses it, because signing in may redirect to the application. Return "" and () for other paths.
    """
    path, _separator, query = target.partition("?")
    if not path.endswith("/oauth/authorize"):
        return "", ()
    try:
        client, redirect_uri = _client_and_redirect_uri(database, Payload(parse_qsl(query, keep_blank_values=True)))
    except Malformed:
        return "", ()
    return client.name, redirect_targets(redirect_uri)


def redirect_targets(redirect_uri: str) -> tuple[str, ...] | None:
    """Return the Content-Security-Policy sources for a redirect URI, or None if CSP cannot express it."""
    parts = urlsplit(redirect_uri)
    if parts.scheme in {"http", "https"}:
        # CSP has no syntax for IPv6 addresses, so the whole scheme is allowed.
        return (f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}",)
    # CSP allows no underscore in a scheme, but existing apps use one.
    scheme = redirect_uri.partition(":")[0]
    return None if "_" in scheme else (f"{scheme}:",)


def _client_and_redirect_uri(database: Database, payload: Payload) -> tuple[Client, str]:
    """Return the client and its registered redirect URI. Raise `Malformed`."""
    for name in ("client_id", "redirect_uri"):
        if len(payload.datalist.get(name, ())) > 1:
            raise Malformed(
                _("The application sent the parameter {name} more than once.", name=name), "invalid_request"
            )
    client = find_client(database, payload.client_id or "")
    if client is None:
        raise Malformed(_("Unknown application. Check the client_id."), "invalid_client")
    redirect_uri = payload.redirect_uri or client.get_default_redirect_uri()
    if redirect_uri is None or not client.check_redirect_uri(redirect_uri):
        raise Malformed(
            _("The redirect URI is not registered for this application. Nothing was sent to it."),
            "invalid_request",
        )
    return client, redirect_uri


def _check_supported(payload: Payload) -> None:
    """Raise `OAuth2Error` for parameters that Authlib does not check, or checks without a clear message."""
    for name, error in UNSUPPORTED_PARAMETERS.items():
        if name in payload.data:
            raise OAuth2Error(f"The parameter {name} is not supported.", error=error)
    if "response_type" not in payload.data:
        raise OAuth2Error("response_type is required.", error="invalid_request")
    if payload.data["response_type"] != "code":
        raise OAuth2Error("response_type must be code.", error="unsupported_response_type")
    if payload.data.get("response_mode", "query") != "query":
        raise OAuth2Error("response_mode must be query.", error="invalid_request")


def _prompts(payload: Payload) -> frozenset[str]:
    prompts = frozenset(payload.data.get("prompt", "").split())
    if not prompts <= PROMPT_VALUES or ("none" in prompts and len(prompts) > 1):
        raise OAuth2Error(
            "prompt must be none, or a combination of login, consent and select_account.", error="invalid_request"
        )
    return prompts


def _max_age(payload: Payload) -> int | None:
    text = payload.data.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise OAuth2Error("max_age must be a number of seconds.", error="invalid_request")
    return int(text)


def _location(server: Server, redirect_uri: str, state: str | None, parameters: dict[str, str]) -> str:
    """Return the redirect URI with the response parameters, the state and the issuer (RFC 9207)."""
    response: Sequence[tuple[str, str]] = [
        *((name, value) for name, value in parameters.items() if value),
        *([("state", state)] if state else []),
        ("iss", server.settings.origin),
    ]
    return redirect_uri + ("&" if "?" in redirect_uri else "?") + urlencode(response, quote_via=quote)
