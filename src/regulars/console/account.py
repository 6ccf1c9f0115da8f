"""`/account`: people see who they are here, and change it."""

from datetime import UTC, datetime
from typing import Any

import falcon

from regulars.accounts.memberships import memberships_of
from regulars.accounts.passwords import change_password, confirm_password
from regulars.accounts.personal_tokens import create_personal_token, list_personal_tokens, revoke_personal_token
from regulars.accounts.sessions import end_other_sessions, end_session, list_sessions, renew_authentication
from regulars.accounts.throttle import browser_key, forget_failures, record_failure, seconds_to_wait
from regulars.accounts.users import User, update_name
from regulars.console.flash import show_once, take_shown_once
from regulars.console.pages import Form, Pages, Visitor
from regulars.errors import Forbidden, Invalid
from regulars.oauth.connected_apps import disconnect, list_connections
from regulars.permissions import Role
from regulars.scopes import SCOPES
from regulars.tenants.tenants import list_tenants_of

WRONG_PASSWORD = "This is not your password, or you have tried too often: then wait a minute."  # noqa: S105 - a sentence
DONE = {
    "name": "Your name was changed.",
    "password": "Your password was changed. All your other sessions have ended.",
    "session": "The session has ended.",
    "sessions": "All your other sessions have ended.",
    "disconnected": "The application was disconnected. Its access has ended.",
    "revoked": "The token was revoked.",
    "totp-off": "The second factor is off.",
    "passkey": "The passkey was added.",
    "passkey-deleted": "The passkey was deleted.",
}
USUAL = Form([("scope", "customers:read"), ("days", "30")])
ENDS = {"7": 7, "30": 30, "90": 90, "365": 365}
FOR_SCRIPTS = [name for name in SCOPES if ":" in name]
DEVICES = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")


class Overview:
    """`/` and `/account`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Go to the first of the pages."""
        self.pages.signed_in(request, response)
        self.pages.go(response, "/account/profile")


class Profile:
    """`/account/profile`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Who one is, and where one belongs."""
        visitor, _, user = self.pages.signed_in(request, response)
        self._show(request, response, visitor, user, typed=self.pages.begun_form(request).get("name") or user.name)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Change the name."""
        visitor, _, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        try:
            update_name(self.pages.database, user.id, form.get("name"))
        except Invalid as error:
            typed = form.get("name")
            self._show(request, response, visitor, user, typed=typed, faults=error.errors, status=422)
            return
        self.pages.go(response, "/account/profile?done=name")

    def _show(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, **values: Any
    ) -> None:
        tenants = list_tenants_of(self.pages.database, user.id)
        show(self.pages, request, response, visitor, "profile", **({"tenants": tenants, "faults": {}} | values))


class Password:
    """`/account/password`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for the old one and the new one."""
        visitor, _, _ = self.pages.signed_in(request, response)
        show(self.pages, request, response, visitor, "password", faults={})

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Change it; all other sessions end."""
        visitor, session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        database, settings = self.pages.database, self.pages.settings
        if not is_own_password(self.pages, user, form.raw("current")):
            faults = {"current": [WRONG_PASSWORD]}
            show(self.pages, request, response, visitor, "password", faults=faults, status=422)
            return
        try:
            with database.transaction():
                change_password(database, user.id, form.raw("password"))
                end_other_sessions(database, user.id, session.id)
                # Whoever has a copy of this browser's cookie is out, too.
                renewed, token = renew_authentication(database, settings, session, session.methods)
        except Invalid as error:
            show(self.pages, request, response, visitor, "password", faults=error.errors, status=422)
            return
        self.pages.set_session(response, visitor, renewed, token)
        self.pages.go(response, "/account/password?done=password")


class Sessions:
    """`/account/sessions`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Where one is signed in."""
        visitor, session, user = self.pages.signed_in(request, response)
        sessions = [(each, device_words(each.user_agent)) for each in list_sessions(self.pages.database, user.id)]
        show(self.pages, request, response, visitor, "sessions", sessions=sessions, current=session.id)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """End one, or all others."""
        visitor, session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("session"):
            end_session(self.pages.database, user.id, form.get("session"))
            self.pages.go(response, "/account/sessions?done=session")
        else:
            end_other_sessions(self.pages.database, user.id, session.id)
            self.pages.go(response, "/account/sessions?done=sessions")


class Connections:
    """`/account/connections`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The applications that one has allowed something."""
        visitor, _, user = self.pages.signed_in(request, response)
        connections = list_connections(self.pages.database, user.id)
        show(self.pages, request, response, visitor, "connections", connections=connections, words=SCOPES)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Disconnect one."""
        visitor, _, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        disconnect(self.pages.database, user.id, form.get("client"))
        self.pages.go(response, "/account/connections?done=disconnected")


class Tokens:
    """`/account/tokens`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The personal access tokens that one has, and a form for a new one."""
        visitor, _, user = self.pages.signed_in(request, response)
        token = take_shown_once(self.pages, request, response, user)
        form = self.pages.begun_form(request)
        if not form.pairs:
            form = USUAL
        self._show(request, response, visitor, user, form, token=token)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Make a token, which is shown once; or revoke one."""
        visitor, _, user = self.pages.just_signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("revoke"):
            revoke_personal_token(self.pages.database, form.get("revoke"), user.id)
            self.pages.go(response, "/account/tokens?done=revoked")
            return
        tenant, days = form.get("tenant"), ENDS.get(form.get("days"), 0)
        try:
            _, token = create_personal_token(
                self.pages.database,
                user.id,
                name=form.get("name"),
                scopes=form.all("scope"),
                tenant_id=int(tenant) if tenant.isascii() and tenant.isdigit() and len(tenant) < 19 else None,
                lifetime=days * 86400,
            )
        except Invalid as error:
            self._show(request, response, visitor, user, form, faults=error.errors, status=422)
        except Forbidden as error:
            self._show(request, response, visitor, user, form, faults={"tenant": [error.message]}, status=422)
        else:
            show_once(self.pages, response, user, "/account/tokens", token)

    def _show(
        self,
        request: falcon.Request,
        response: falcon.Response,
        visitor: Visitor,
        user: User,
        form: Form,
        **values: Any,
    ) -> None:
        tenants = list_tenants_of(self.pages.database, user.id)
        usual: dict[str, Any] = {
            "form": form,
            "chosen": set(form.all("scope")),
            "tokens": list_personal_tokens(self.pages.database, user.id),
            "tenants": tenants,
            "names": {tenant.id: tenant.name for tenant in tenants},
            "now": datetime.now(UTC),
            "scopes": {name: SCOPES[name] for name in FOR_SCRIPTS},
            "ends": ENDS,
            "token": "",
            "faults": {},
        }
        show(self.pages, request, response, visitor, "tokens", **(usual | values))


def account_routes(pages: Pages) -> list[tuple[str, object]]:
    """The addresses of one's own account."""
    return [
        ("/", Overview(pages)),
        ("/account", Overview(pages)),
        ("/account/profile", Profile(pages)),
        ("/account/password", Password(pages)),
        ("/account/sessions", Sessions(pages)),
        ("/account/connections", Connections(pages)),
        ("/account/tokens", Tokens(pages)),
    ]


def show(
    pages: Pages,
    request: falcon.Request,
    response: falcon.Response,
    visitor: Visitor,
    name: str,
    *,
    status: int = 200,
    **values: Any,
) -> None:
    """A page of the account, with the way to the others, and what was just done."""
    assert visitor.user is not None  # noqa: S101 - these pages are for people who have signed in
    roles = {membership.role for membership in memberships_of(pages.database, visitor.user.id).values()}
    done = DONE.get(request.get_param("done") or "", "") if request.method == "GET" else ""
    pages.show(
        response,
        visitor,
        f"account_{name}",
        status=status,
        here=request.path.removeprefix(pages.root),
        done=done,
        manages=bool(roles & {Role.OWNER, Role.ADMIN}),
        **values,
    )


def is_own_password(pages: Pages, user: User, password: str) -> bool:
    """Whether it is the user's; after some wrong ones none is for a while, or a found browser would let one guess."""
    keys, now = [browser_key(f"password {user.id}")], datetime.now(UTC)
    if seconds_to_wait(pages.database, keys, now):
        return False
    record_failure(pages.database, keys, now)
    if not confirm_password(pages.database, user.id, password):
        return False
    forget_failures(pages.database, keys)
    return True


def device_words(user_agent: str) -> str:
    """A browser and its device, as well as its own words tell."""
    browser = next((name for name in BROWSERS if name in user_agent), "")
    device = next((name for name in DEVICES if name in user_agent), "")
    plain = {"Edg": "Edge", "OPR": "Opera", "Macintosh": "Mac"}
    return " · ".join(plain.get(name, name) for name in (browser, device) if name) or user_agent[:60]
