"""Read, refuse and approve authorization requests (RFC 6749, section 4.1.1; OpenID Connect Core, section 3.1.2).

The browser is never redirected to a URI that the application has not registered. If the client or the redirect URI is
not valid, the error is shown to the user. All other errors are returned to the application.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from authlib.oauth2 import OAuth2Error

from regulars.accounts.memberships import memberships_of
from regulars.accounts.sessions import Session
from regulars.accounts.users import get_user
from regulars.db.database import Database
from regulars.errors import Malformed
from regulars.i18n import _, first_supported
from regulars.oauth.authorization_codes import issue_code
from regulars.oauth.clients import Client, ClientKind, find_client
from regulars.oauth.consents import consented_scopes, remember_consent
from regulars.oauth.grants import open_grant
from regulars.oauth.id_token import read_hint
from regulars.oauth.resources import check_resources
from regulars.oauth.server import Pairs, Payload, Server
from regulars.permissions import Membership

PROMPTS = {"none", "login", "consent", "select_account"}
UNSUPPORTED_PARAMETERS = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid request: an application asks the user for `scopes`. `pairs` are its parameters as received.

    `named_redirect_uri` is the one in the request, if any; `redirect_uri` is the same or the only registered one.
    `has_hint` is true if the request contains an ID token hint. `hinted_user` is the user in the hint, or None if the
    token is not valid. `language` is the first supported language of `ui_locales`.
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
    language: str | None
    pairs: Pairs


class Refused(Exception):
    """The request is refused. `location` is the redirect URI with parameters that tell the application the error."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


def read_request(server: Server, pairs: Pairs) -> AuthorizationRequest:
    """Read and check an authorization request with these parameters.

    Raise `Malformed` if the client or the redirect URI is not valid, and `Refused` for any other error.
    """
    payload = Payload(pairs)
    client, redirect_uri = _verified_client(server.database, payload)
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
        hinted_user=read_hint(server.database, server.settings, payload.data.get("id_token_hint", ""))[1],
        has_hint="id_token_hint" in payload.data,
        language=first_supported(payload.data.get("ui_locales", "")),
        pairs=list(pairs),
    )


def refused(server: Server, redirect_uri: str, state: str | None, error: str, description: str) -> Refused:
    """Return the exception that redirects to the application with an error (RFC 6749, section 4.1.2.1)."""
    return Refused(_location(server, redirect_uri, state, {"error": error, "error_description": description}))


def denied(server: Server, request: AuthorizationRequest, error: str, description: str) -> Refused:
    """Return the exception that refuses a valid request: see `refused`."""
    return refused(server, request.redirect_uri, request.state, error, description)


def must_sign_in(request: AuthorizationRequest, session: Session | None) -> bool:
    """Tell whether the user must sign in first.

    This is the case if there is no session, the request asks for a sign-in or for another user, or the last sign-in is
    older than `max_age`.
    """
    if session is None or request.prompts & {"login", "select_account"}:
        return True
    if request.has_hint and session.user_id != request.hinted_user:
        return True
    if request.max_age is None:
        return False
    return datetime.now(UTC) - session.authenticated_at > timedelta(seconds=request.max_age)


def after_sign_in(request: AuthorizationRequest) -> Pairs:
    """Return the parameters for repeating the request after the sign-in, without those that required the sign-in.

    An ID token hint for a user is kept, because the application accepts no other user. A hint that is not valid is
    removed, because `must_sign_in` would require a sign-in each time.
    """
    left = " ".join(sorted(request.prompts - {"login", "select_account"}))
    done = {"prompt", "max_age", "login_hint"} | ({"id_token_hint"} if request.hinted_user is None else set())
    rest = [(name, value) for name, value in request.pairs if name not in done]
    return [*rest, ("prompt", left)] if left else rest


def as_other_user(request: AuthorizationRequest) -> Pairs:
    """Return the parameters for repeating the request as another user: with `prompt=select_account`, without hints."""
    done = {"prompt", "login_hint", "id_token_hint"}
    return [*((name, value) for name, value in request.pairs if name not in done), ("prompt", "select_account")]


def suggested_email(server: Server, request: AuthorizationRequest) -> str | None:
    """Return the e-mail address to fill in at the sign-in.

    An empty string leaves the field empty. None fills in the address of the signed-in user, if there is one.
    """
    if request.login_hint:
        return request.login_hint[:255]
    if request.hinted_user is not None:
        return get_user(server.database, request.hinted_user).email
    return "" if "select_account" in request.prompts else None


def is_member(server: Server, request: AuthorizationRequest, user_id: int) -> bool:
    """Tell whether the user may use the application of the request: see `is_for`."""
    return is_for(request.client, memberships_of(server.database, user_id))


def is_for(client: Client, memberships: Mapping[int, Membership]) -> bool:
    """Tell whether a user with these memberships may use the application.

    Only members of its tenant may use an application of a tenant. Members of any tenant may use one without a tenant.
    """
    return client.tenant_id in memberships if client.tenant_id is not None else bool(memberships)


def has_consented(server: Server, request: AuthorizationRequest, user_id: int) -> bool:
    """Tell whether the user has consented to all requested scopes before."""
    return set(request.scopes) <= consented_scopes(server.database, user_id, request.client.id)


def may_skip_consent(server: Server, request: AuthorizationRequest, user_id: int) -> bool:
    """Tell whether the consent page can be skipped.

    It can be skipped if the user has consented before and the request does not ask for it. For a native app without an
    https redirect URI, the user must confirm each time: any other app on the device can use the same custom scheme or
    loopback port, so the identity of the app is not certain (RFC 8252, section 8.6).
    """
    is_sure = request.client.kind is not ClientKind.NATIVE or request.redirect_uri.startswith("https://")
    return is_sure and "consent" not in request.prompts and has_consented(server, request, user_id)


def approve(server: Server, request: AuthorizationRequest, session: Session) -> str:
    """Store the consent of the user of `session`, a grant and a code. Return the redirect URI with the code."""
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


@dataclass(frozen=True, slots=True)
class Requester:
    """The application for which a user signs in. `name` is empty if there is none.

    `form_targets` are the Content-Security-Policy sources to which a form on the sign-in page may redirect, because the
    redirects after the form can lead to the application: see `redirect_targets`. `language` is the one that the
    application asks for.
    """

    name: str = ""
    form_targets: tuple[str, ...] | None = ()
    language: str | None = None


def requesting_application(database: Database, target: str) -> Requester:
    """Return the application whose authorization request is the path `target`; an empty `Requester` if none is."""
    path, _, query = target.partition("?")
    if not path.endswith("/oauth/authorize"):
        return Requester()
    payload = Payload(parse_qsl(query, keep_blank_values=True))
    try:
        client, redirect_uri = _verified_client(database, payload)
    except Malformed:
        return Requester()
    language = first_supported(payload.data.get("ui_locales", ""))
    return Requester(client.name, redirect_targets(redirect_uri), language)


def redirect_targets(redirect_uri: str) -> tuple[str, ...] | None:
    """Return the sources of a Content-Security-Policy that match a redirect URI, or None if no source can match it."""
    parts = urlsplit(redirect_uri)
    if parts.scheme in {"http", "https"}:
        # The grammar of sources has no IPv6 addresses, so allow the whole scheme.
        return (f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}",)
    # The grammar of sources does not allow underscores in schemes, but some apps use them.
    scheme = redirect_uri.partition(":")[0]
    return None if "_" in scheme else (f"{scheme}:",)


def _verified_client(database: Database, payload: Payload) -> tuple[Client, str]:
    """Return the client and the redirect URI of a request. Raise `Malformed` if either is not valid."""
    for name in ("client_id", "redirect_uri"):
        if len(payload.datalist.get(name, ())) > 1:
            raise Malformed(
                _("The application sent the parameter {name} more than once.", name=name), "invalid_request"
            )
    client = find_client(database, payload.client_id or "")
    if client is None:
        raise Malformed(_("The application that sent you here is unknown."), "invalid_client")
    redirect_uri = payload.redirect_uri or client.get_default_redirect_uri()
    if redirect_uri is None or not client.check_redirect_uri(redirect_uri):
        raise Malformed(
            _("The address to which the application wants to send you is not registered. Nothing was sent there."),
            "invalid_request",
        )
    return client, redirect_uri


def _check_supported(payload: Payload) -> None:
    """Raise `OAuth2Error` for unsupported parameters and values that Authlib accepts or reports less clearly."""
    for name, error in UNSUPPORTED_PARAMETERS.items():
        if name in payload.data:
            raise OAuth2Error(f"The parameter {name} is not supported.", error=error)
    if "response_type" not in payload.data:
        raise OAuth2Error("response_type is missing.", error="invalid_request")
    if payload.data["response_type"] != "code":
        raise OAuth2Error("response_type must be code.", error="unsupported_response_type")
    if payload.data.get("response_mode", "query") != "query":
        raise OAuth2Error("response_mode must be query.", error="invalid_request")


def _prompts(payload: Payload) -> frozenset[str]:
    prompts = frozenset(payload.data.get("prompt", "").split())
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise OAuth2Error(
            "prompt must be none, or one or more of login, consent, select_account.", error="invalid_request"
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
    """Return the redirect URI with these parameters, `state` and the issuer (RFC 9207). Leave out empty parameters."""
    answer: Sequence[tuple[str, str]] = [
        *((name, value) for name, value in parameters.items() if value),
        *([("state", state)] if state else []),
        ("iss", server.settings.origin),
    ]
    return redirect_uri + ("&" if "?" in redirect_uri else "?") + urlencode(answer, quote_via=quote)
