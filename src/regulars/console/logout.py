"""`/oauth/logout`: sign-out requested by a client (OpenID Connect RP-Initiated Logout 1.0)."""

import falcon

from regulars.accounts.sessions import sign_out_session
from regulars.console.pages import Pages, Visitor
from regulars.http.forms import FORM_TYPE, Pairs, parse_pairs, read_form
from regulars.oauth.logout import LogoutRequest, logout_redirect, read_logout
from regulars.oauth.server import Server


class Logout:
    """`/oauth/logout`"""

    answers_head = False

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Sign out if nobody is signed in or the ID token hint names the user; otherwise ask for confirmation."""
        self._respond(request, response, parse_pairs(request.query_string))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Handle the request like `on_get`, with the parameters in the body."""
        pairs = read_form(request) if (request.content_type or "").startswith(FORM_TYPE) else ()
        self._respond(request, response, pairs)

    def _respond(self, request: falcon.Request, response: falcon.Response, pairs: Pairs) -> None:
        visitor = self.pages.visitor(request, response)
        logout = read_logout(self.server, pairs)
        if visitor.session is None or logout.user_id == visitor.session.user_id:
            sign_out(self.pages, self.server, response, visitor, logout)
            return
        self.pages.show(
            response, visitor, "logout", form_targets=logout.form_targets, client=logout.client, request=logout.query
        )


class LogoutConfirmed:
    """`/oauth/logout/confirmed`: the form of the confirmation page."""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Sign out. The form token is checked only if there is a session to protect."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.read_form(request)
        if visitor.session is not None:
            self.pages.check_form(request, form, visitor)
        logout = read_logout(self.server, parse_pairs(form.raw("request")))
        sign_out(self.pages, self.server, response, visitor, logout)


class LoggedOut:
    """`/oauth/logout/done`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Confirm the sign-out."""
        self.pages.show(response, self.pages.visitor(request, response), "logout_done")


def sign_out(pages: Pages, server: Server, response: falcon.Response, visitor: Visitor, logout: LogoutRequest) -> None:
    """End the session, if there is one, and the grants made in it that do not have the scope offline_access.

    Redirect to the URI that the client asked for if it is registered, otherwise to `/oauth/logout/done`.
    """
    if visitor.session is not None:
        sign_out_session(server.database, visitor.session)
        pages.drop_session(response)
    pages.redirect(response, logout_redirect(logout) or "/oauth/logout/done")


def logout_routes(pages: Pages, server: Server) -> list[tuple[str, object]]:
    """Return the routes of client-initiated sign-out."""
    return [
        ("/oauth/logout", Logout(pages, server)),
        ("/oauth/logout/confirmed", LogoutConfirmed(pages, server)),
        ("/oauth/logout/done", LoggedOut(pages)),
    ]
