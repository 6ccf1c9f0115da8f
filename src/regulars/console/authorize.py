"""`/oauth/authorize`: an application sends its user here; they sign in, agree, and are sent back."""

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
    as_another,
    denied,
    has_consented,
    is_member,
    likely_email,
    may_skip_consent,
    must_sign_in,
    read_request,
    redirect_targets,
)
from regulars.oauth.server import Server
from regulars.scopes import SCOPES
from regulars.tenants.tenants import list_tenants_of

PATH = "/oauth/authorize"
LOGIN_REQUIRED = ("login_required", "Nobody is signed in.")
CONSENT_REQUIRED = ("consent_required", "The user must be asked.")
NOT_A_MEMBER = ("access_denied", "The user is no member of the tenant that this application belongs to.")
DENIED = ("access_denied", "The user denied the request.")


class Authorize:
    """`/oauth/authorize`"""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Sign in, ask, or send back at once."""
        self._answer(request, response, parse_pairs(request.query_string))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """The same for a request whose parameters are in the body (OpenID Connect Core, section 3.1.2.1)."""
        self._answer(request, response, read_form(request))

    def _answer(self, request: falcon.Request, response: falcon.Response, pairs: Pairs) -> None:
        visitor = self.pages.visitor(request, response)
        try:
            asked = read_request(self.server, pairs)
            session = visitor.session
            if session is None or must_sign_in(asked, session):
                self._sign_in(response, visitor, asked)
                return
            if not is_member(self.server, asked, session.user_id):
                raise denied(self.server, asked, *NOT_A_MEMBER)
            if may_skip_consent(self.server, asked, session.user_id):
                self.pages.go(response, approve(self.server, asked, session))
                return
            if "none" in asked.prompts:
                raise denied(self.server, asked, *CONSENT_REQUIRED)
        except Refused as refusal:
            self.pages.go(response, refusal.location)
            return
        show_consent(self.pages, self.server, response, visitor, asked)

    def _sign_in(self, response: falcon.Response, visitor: Visitor, asked: AuthorizationRequest) -> None:
        if "none" in asked.prompts:
            raise denied(self.server, asked, *LOGIN_REQUIRED)
        here = PATH + "?" + urlencode(after_sign_in(asked), quote_via=quote)
        email = likely_email(self.server, asked)
        hint = "" if email is None else "&" + urlencode({"email": email})
        again = "&reauthenticate=1" if visitor.session else ""
        self.pages.go(response, self.pages.sign_in_path(here) + hint + again)


class Consent:
    """`/oauth/consent`: the form on the page that asks."""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """The user agreed or not; the request is read again from its parameters, as if it came anew."""
        visitor = self.pages.visitor(request, response)
        form, session = self.pages.read_form(request), visitor.session
        if session is None:
            # It ended while the page was open: the request starts again, and the user is asked again.
            self.pages.go(response, self.pages.sign_in_path(PATH + "?" + form.raw("request")))
            return
        self.pages.check_form(request, form, visitor)
        try:
            asked = read_request(self.server, parse_pairs(form.raw("request")))
            if not is_member(self.server, asked, session.user_id):
                raise denied(self.server, asked, *NOT_A_MEMBER)
            if form.get("decision") != "allow":
                raise denied(self.server, asked, *DENIED)
        except Refused as refusal:
            self.pages.go(response, refusal.location)
            return
        self.pages.go(response, approve(self.server, asked, session))


def authorize_routes(pages: Pages, server: Server) -> list[tuple[str, object]]:
    """The addresses of the authorization endpoint and its form."""
    return [(PATH, Authorize(pages, server)), ("/oauth/consent", Consent(pages, server))]


def show_consent(
    pages: Pages, server: Server, response: falcon.Response, visitor: Visitor, asked: AuthorizationRequest
) -> None:
    """The page that asks: who wants what, in which tenants."""
    assert visitor.session is not None  # noqa: S101 - nobody is asked before they have signed in
    assert visitor.user is not None  # noqa: S101
    pages.show(
        response,
        visitor,
        "consent",
        form_targets=redirect_targets(asked.redirect_uri),
        logo_url=asked.client.logo_url,
        client=asked.client,
        destination=urlsplit(asked.redirect_uri).netloc or asked.redirect_uri.partition(":")[0],
        request=urlencode(asked.pairs, quote_via=quote),
        as_another=urlencode(as_another(asked), quote_via=quote),
        was_allowed=has_consented(server, asked, visitor.session.user_id),
        **what_is_asked(server, visitor.session, visitor.user, asked.client.tenant_id, asked.scopes),
    )


def what_is_asked(
    server: Server, session: Session, user: User, tenant_id: int | None, scopes: tuple[str, ...]
) -> dict[str, Any]:
    """For a page that asks for consent: the scopes in words, and the tenants where they would count."""
    memberships = memberships_of(server.database, user.id)
    bound = {tenant_id} if tenant_id is not None else set(memberships)
    tenants = [tenant for tenant in list_tenants_of(server.database, user.id) if tenant.id in bound]
    return {
        "user": user,
        "scopes": [SCOPES[name] for name in scopes if name != "openid"] or [SCOPES["openid"]],
        "tenants": tenants,
        "touches_tenants": any(":" in name for name in scopes),
    }
