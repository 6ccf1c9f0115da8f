"""`/account`: what people see and change of their own: profile, password, sessions, connected applications."""

from collections.abc import Mapping, Sequence

import falcon

from regulars.accounts.passkeys import list_passkeys
from regulars.accounts.passwords import change_password
from regulars.accounts.sessions import end_other_sessions, end_session, list_sessions, renew_authentication
from regulars.accounts.totp import has_totp
from regulars.accounts.users import User, password_faults, update_name
from regulars.console.guesses import TooManyAttempts, is_own_password
from regulars.console.pages import Pages, Visitor
from regulars.console.user_agents import device_words
from regulars.errors import Invalid
from regulars.oauth.connections import disconnect, list_connections
from regulars.oauth.scopes import SCOPES
from regulars.tenants.queries import list_tenants_of

WRONG_PASSWORD = "This is not your password."  # noqa: S105 - a sentence
NOT_THE_SAME = "The two new passwords are not the same."
DONE = {
    "name": "Your name is saved.",
    "password": "Your password is changed, and every other session has ended.",
    "session": "The session has ended.",
    "sessions": "All other sessions have ended.",
    "disconnected": "The application is disconnected.",
    "factor-off": "The second factor is off.",
    "passkey": "The passkey is added.",
    "passkey-removed": "The passkey is removed.",
    "revoked": "The token is revoked.",
}
"""What a page says after something was done; its address has the key."""


def done(request: falcon.Request) -> str:
    """What has just been done, as a sentence."""
    return DONE.get(request.get_param("done") or "", "")


class Overview:
    """`/account`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Everything at a glance."""
        visitor, _, user = self.pages.signed_in(request, response)
        database = self.pages.database
        self.pages.show(
            response,
            visitor,
            "account",
            user=user,
            has_totp=has_totp(database, user.id),
            passkeys=len(list_passkeys(database, user.id)),
            sessions=len(list_sessions(database, user.id)),
            connections=len(list_connections(database, user.id)),
        )


class Profile:
    """`/account/profile`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Who they are."""
        visitor, _, user = self.pages.signed_in(request, response)
        self._show(response, visitor, user, user.name, done=done(request))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Another name."""
        visitor, _, user = self.pages.signed_in(request, response)
        name = self.pages.form(request, visitor).get("name")
        try:
            update_name(self.pages.database, user.id, name)
        except Invalid as error:
            self._show(response, visitor, user, name, faults=error.errors, status=422)
            return
        self.pages.go(response, "/account/profile?done=name")

    def _show(
        self,
        response: falcon.Response,
        visitor: Visitor,
        user: User,
        name: str,
        done: str = "",
        faults: Mapping[str, Sequence[str]] | None = None,
        status: int = 200,
    ) -> None:
        tenants = list_tenants_of(self.pages.database, user.id)
        self.pages.show(
            response,
            visitor,
            "profile",
            status=status,
            user=user,
            name=name,
            tenants=tenants,
            done=done,
            faults=faults or {},
        )


class Password:
    """`/account/password`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for the password of now and the new one."""
        visitor, _, user = self.pages.signed_in(request, response)
        self.pages.show(response, visitor, "password", user=user, done=done(request))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Change it, and end all other sessions: one of them may be why it is changed."""
        visitor, session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        database, new = self.pages.database, form.raw("new_password")
        faults: dict[str, list[str]] = {}
        if sentences := password_faults(new):
            faults["new_password"] = sentences
        elif new != form.raw("again"):
            faults["again"] = [NOT_THE_SAME]
        status = 422
        try:
            # Not a free guess beside a new password that is refused.
            if not is_own_password(database, user.id, form.raw("password")):
                faults = {"password": [WRONG_PASSWORD], **faults}
        except TooManyAttempts as wait:
            response.set_header("Retry-After", str(wait.seconds))
            faults, status = {"password": [wait.sentence(visitor.language)]}, 429
        if faults:
            self.pages.show(response, visitor, "password", status=status, user=user, faults=faults)
            return
        with database.transaction():
            change_password(database, user.id, new)
            end_other_sessions(database, user.id, session.id)
            renewed, token = renew_authentication(database, self.pages.settings, session, session.methods)
        self.pages.set_session(response, visitor, renewed, token)
        self.pages.go(response, "/account/password?done=password")


class Sessions:
    """`/account/sessions`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Where they are signed in."""
        visitor, session, user = self.pages.signed_in(request, response)
        rows = [
            (found, device_words(visitor.language, found.user_agent))
            for found in list_sessions(self.pages.database, user.id)
        ]
        self.pages.show(response, visitor, "sessions", rows=rows, here=session.id, done=done(request))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """End one, or all others."""
        visitor, session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("action") == "end_others":
            end_other_sessions(self.pages.database, user.id, session.id)
            self.pages.go(response, "/account/sessions?done=sessions")
            return
        end_session(self.pages.database, user.id, form.get("session"))
        self.pages.go(response, "/account/sessions?done=session")


class Connections:
    """`/account/connections`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The applications that they have allowed something."""
        visitor, _, user = self.pages.signed_in(request, response)
        found = list_connections(self.pages.database, user.id)
        self.pages.show(response, visitor, "connections", connections=found, words=SCOPES, done=done(request))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Disconnect one."""
        visitor, _, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        disconnect(self.pages.database, user.id, form.get("client_id"))
        self.pages.go(response, "/account/connections?done=disconnected")


def account_routes(pages: Pages) -> list[tuple[str, object]]:
    """The addresses of the account's pages that are not about proofs of who somebody is."""
    return [
        ("/account", Overview(pages)),
        ("/account/profile", Profile(pages)),
        ("/account/password", Password(pages)),
        ("/account/sessions", Sessions(pages)),
        ("/account/connections", Connections(pages)),
    ]
