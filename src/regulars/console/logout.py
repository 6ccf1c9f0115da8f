"""`/oauth/logout`: an application signs its user out (OpenID Connect RP-Initiated Logout 1.0)."""

import falcon

from regulars.accounts.sessions import end_session
from regulars.console.pages import Pages, Visitor
from regulars.http.forms import FORM_TYPE, Pairs, parse_pairs, read_form
from regulars.oauth.logout import LogoutRequest, end_grants_of_session, read_logout, where_to_go
from regulars.oauth.server import Server


class Logout:
    """`/oauth/logout`"""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Sign out at once where the application proves whom it means, else ask."""
        self._answer(request, response, parse_pairs(request.query_string))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """The same with the parameters in the body."""
        pairs = read_form(request) if (request.content_type or "").startswith(FORM_TYPE) else ()
        self._answer(request, response, pairs)

    def _answer(self, request: falcon.Request, response: falcon.Response, pairs: Pairs) -> None:
        visitor = self.pages.visitor(request, response)
        asked = read_logout(self.server, pairs)
        if visitor.session is None or asked.user_id == visitor.session.user_id:
            sign_out(self.pages, self.server, response, visitor, asked)
            return
        self.pages.show(
            response, visitor, "logout", form_targets=asked.form_targets, client=asked.client, request=asked.query
        )


class LogoutConfirmed:
    """`/oauth/logout/confirmed`: the form on the page that asks."""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Sign out; whoever is signed out already has nothing to confirm."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.read_form(request)
        if visitor.session is not None:
            self.pages.check_form(request, form, visitor)
        asked = read_logout(self.server, parse_pairs(form.raw("request")))
        sign_out(self.pages, self.server, response, visitor, asked)


class LoggedOut:
    """`/oauth/logout/done`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Say so."""
        self.pages.show(response, self.pages.visitor(request, response), "logout_done")


def sign_out(pages: Pages, server: Server, response: falcon.Response, visitor: Visitor, asked: LogoutRequest) -> None:
    """End the session, and what the application may do without its user; then go where it asked, if it may."""
    if visitor.session is not None:
        with server.database.transaction():
            end_grants_of_session(server.database, visitor.session, asked.client)
            end_session(server.database, visitor.session.user_id, visitor.session.id)
        pages.drop_session(response)
    pages.go(response, where_to_go(asked) or "/oauth/logout/done")


def logout_routes(pages: Pages, server: Server) -> list[tuple[str, object]]:
    """The addresses of signing out for an application."""
    return [
        ("/oauth/logout", Logout(pages, server)),
        ("/oauth/logout/confirmed", LogoutConfirmed(pages, server)),
        ("/oauth/logout/done", LoggedOut(pages)),
    ]
