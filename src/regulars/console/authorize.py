"""`/oauth/authorize`: the authorization endpoint and its consent page (RFC 6749, section 3.1)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import falcon

from regulars.accounts.memberships import memberships_of
from regulars.accounts.sessions import Session
from regulars.accounts.users import User
from regulars.console.pages import Pages, Visitor
from regulars.http.forms import Pairs, parse_pairs, read_form
from regulars.oauth.authorization_request import (
    AuthorizationRequest,
    Refused,
    after_sign_in,
    approve,
    as_other_user,
    denied,
    has_consented,
    is_member,
    may_skip_consent,
    must_sign_in,
    read_request,
    redirect_targets,
    suggested_email,
)
from regulars.oauth.clients import Client
from regulars.oauth.server import Server
from regulars.scopes import SCOPES
from regulars.tenants.tenants import OwnTenant, list_tenants_of

AUTHORIZE_PATH = "/oauth/authorize"
LOGIN_REQUIRED = ("login_required", "The user is not signed in.")
CONSENT_REQUIRED = ("consent_required", "The user must consent.")
NOT_A_MEMBER = ("access_denied", "The user is not a member of a tenant in which this application can be used.")
DENIED = ("access_denied", "The user denied the request.")


SCOPE_ICONS = {
    "openid": "person",
    "profile": "person",
    "email": "mail",
    "offline_access": "clock",
    "account:read": "person",
    "account:write": "edit",
    "tenants:read": "building",
    "tenants:write": "settings",
    "users:read": "users",
    "users:write": "users",
    "customers:read": "eye",
    "customers:write": "edit",
}


class Authorize:
    """`/oauth/authorize`"""

    answers_head = False

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Redirect to the sign-in page, show the consent page, or redirect back to the client.

        Raise `Malformed` if the client or the redirect URI is not valid.
        """
        self._respond(request, response, parse_pairs(request.query_string))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Handle the request like `on_get`, with the parameters in the body (OpenID Connect Core, section 3.1.2.1)."""
        self._respond(request, response, read_form(request))

    def _respond(self, request: falcon.Request, response: falcon.Response, pairs: Pairs) -> None:
        visitor = self.pages.visitor(request, response)
        try:
            authorization = read_request(self.server, pairs)
            session = visitor.session
            if session is None or must_sign_in(authorization, session):
                ask_to_sign_in(self.pages, self.server, response, visitor, authorization)
                return
            if not is_member(self.server, authorization, session.user_id):
                raise denied(self.server, authorization, *NOT_A_MEMBER)
            if may_skip_consent(self.server, authorization, session.user_id):
                self.pages.redirect(response, approve(self.server, authorization, session))
                return
            if "none" in authorization.prompts:
                raise denied(self.server, authorization, *CONSENT_REQUIRED)
        except Refused as refusal:
            self.pages.redirect(response, refusal.location)
            return
        show_consent(self.pages, self.server, response, visitor, authorization)


class Consent:
    """`/oauth/consent`: the form of the consent page."""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Redirect back to the client with a code or an error, or to the sign-in page.

        The form contains the authorization request, which is read and checked again.
        """
        visitor = self.pages.visitor(request, response)
        form, session = self.pages.read_form(request), visitor.session
        if session is None:
            # The session ended while the page was open. Repeat the request after a sign-in.
            self.pages.redirect(response, self.pages.sign_in_path(AUTHORIZE_PATH + "?" + form.raw("request")))
            return
        self.pages.check_form(request, form, visitor)
        try:
            authorization = read_request(self.server, parse_pairs(form.raw("request")))
            if must_sign_in(authorization, session):
                ask_to_sign_in(self.pages, self.server, response, visitor, authorization)
                return
            if not is_member(self.server, authorization, session.user_id):
                raise denied(self.server, authorization, *NOT_A_MEMBER)
            if "none" in authorization.prompts:
                raise denied(self.server, authorization, *CONSENT_REQUIRED)
            if form.get("decision") != "allow":
                raise denied(self.server, authorization, *DENIED)
        except Refused as refusal:
            self.pages.redirect(response, refusal.location)
            return
        self.pages.redirect(response, approve(self.server, authorization, session))


def authorize_routes(pages: Pages, server: Server) -> list[tuple[str, object]]:
    """Return the routes of the authorization endpoint and the form of its consent page."""
    return [(AUTHORIZE_PATH, Authorize(pages, server)), ("/oauth/consent", Consent(pages, server))]


def ask_to_sign_in(
    pages: Pages, server: Server, response: falcon.Response, visitor: Visitor, authorization: AuthorizationRequest
) -> None:
    """Redirect to the sign-in page, which repeats the request afterwards. Raise `Refused` if `prompt` is "none"."""
    if "none" in authorization.prompts:
        raise denied(server, authorization, *LOGIN_REQUIRED)
    here = AUTHORIZE_PATH + "?" + urlencode(after_sign_in(authorization), quote_via=quote)
    email = suggested_email(server, authorization)
    hint = "" if email is None else "&" + urlencode({"email": email})
    again = "&reauthenticate=1" if visitor.session else ""
    pages.redirect(response, pages.sign_in_path(here) + hint + again)


def show_consent(
    pages: Pages, server: Server, response: falcon.Response, visitor: Visitor, authorization: AuthorizationRequest
) -> None:
    """Send the consent page. It shows the client, the requested scopes and the tenants to which they apply."""
    assert visitor.session is not None  # noqa: S101 - the user has signed in
    assert visitor.user is not None  # noqa: S101
    client = authorization.client
    request = urlencode(authorization.pairs, quote_via=quote)
    values = consent_values(server, visitor.session, visitor.user, client.tenant_id, authorization.scopes)
    pages.show(
        response,
        visitor.on(f"{AUTHORIZE_PATH}?{request}").reading(authorization.language),
        "consent",
        form_targets=redirect_targets(authorization.redirect_uri),
        logo_urls=logos_on_consent(client, values["tenants"]),
        client=client,
        destination=urlsplit(authorization.redirect_uri).netloc or authorization.redirect_uri.partition(":")[0],
        request=request,
        as_other_user=urlencode(as_other_user(authorization), quote_via=quote),
        was_allowed=has_consented(server, authorization, visitor.session.user_id),
        **values,
    )


def consent_values(
    server: Server, session: Session, user: User, tenant_id: int | None, scopes: tuple[str, ...]
) -> dict[str, Any]:
    """Return values for the template of a consent page: user, scope descriptions, and the tenants in question."""
    memberships = memberships_of(server.database, user.id)
    bound = {tenant_id} if tenant_id is not None else set(memberships)
    tenants = [tenant for tenant in list_tenants_of(server.database, user.id) if tenant.id in bound]
    return {
        "user": user,
        "scopes": [(name, SCOPES[name]) for name in scopes if name != "openid"] or [("openid", SCOPES["openid"])],
        "scope_icons": SCOPE_ICONS,
        "tenants": tenants,
        "touches_tenants": any(":" in name for name in scopes),
    }


def logos_on_consent(client: Client, tenants: Sequence[OwnTenant]) -> list[str | None]:
    """Return the URLs of the logos on a consent page."""
    return [client.logo_url, *(tenant.logo_url for tenant in tenants)]
