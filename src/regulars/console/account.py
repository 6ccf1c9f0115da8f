"""`/account`: profile, password, sessions, connected applications and access tokens of the signed-in user."""

from datetime import UTC, datetime
from typing import Any

import falcon

from regulars.accounts.memberships import end_membership
from regulars.accounts.passkeys import list_passkeys
from regulars.accounts.passwords import confirm_password, hash_new_password, store_password
from regulars.accounts.personal_tokens import create_personal_token, list_personal_tokens, revoke_personal_token
from regulars.accounts.sessions import end_other_sessions, end_session, list_sessions, renew_authentication
from regulars.accounts.throttle import browser_key, forget_failures, record_failure, seconds_to_wait
from regulars.accounts.users import User, update_name
from regulars.console.flash import redirect_with_flash, take_flash
from regulars.console.pages import Form, Pages, Visitor
from regulars.console.settings_page import ask_first, is_confirmed, show
from regulars.errors import Conflict, Forbidden, Invalid, NotFound
from regulars.i18n import _
from regulars.oauth.connected_apps import disconnect, list_connections
from regulars.permissions import CONSOLE, Actor
from regulars.scopes import SCOPES
from regulars.tenants.tenants import list_tenants_of
from regulars.validation import quote

WRONG_CURRENT_PASSWORD = _("The password is wrong, or there were too many attempts. Wait a minute and try again.")
LEAVING = _("You will no longer see its customers. Your access tokens for it end. To return, you need an invitation.")
DEFAULT_TOKEN_FORM = Form([("scope", "customers:read"), ("days", "30")])
TOKEN_LIFETIMES = {"7": 7, "30": 30, "90": 90, "365": 365}
TOKEN_SCOPES = [name for name in SCOPES if ":" in name]
DEVICES = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")


class Overview:
    """`/account`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Redirect to the profile."""
        self.pages.signed_in(request, response)
        self.pages.redirect(response, "/account/profile")


class Profile:
    """`/account/profile`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the name, the e-mail address and the tenants of the user."""
        visitor, _session, user = self.pages.signed_in(request, response)
        self._show(request, response, visitor, user, typed=self.pages.draft_form(request).get("name") or user.name)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Change the name, or leave a tenant after a confirmation."""
        visitor, _session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("leave"):
            self._leave(request, response, visitor, user, form)
            return
        try:
            update_name(self.pages.database, user.id, form.get("name"))
        except Invalid as error:
            typed = form.get("name")
            self._show(request, response, visitor, user, typed=typed, faults=error.errors, status=422)
            return
        self.pages.redirect(response, "/account/profile?done=name")

    def _leave(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, form: Form
    ) -> None:
        tenants = list_tenants_of(self.pages.database, user.id)
        tenant = next((mine for mine in tenants if str(mine.id) == form.get("leave")), None)
        if tenant is None:
            raise NotFound(_("There is nothing at this address."))
        if not is_confirmed(form):
            ask_first(
                self.pages, request, response, visitor, form,
                question=_("Leave {name}?", name=tenant.name),
                consequence=LEAVING,
                action=_("Leave"),
                back="/account/profile",
            )  # fmt: skip
            return
        try:
            end_membership(self.pages.database, tenant.id, user.id, Actor(user.id, CONSOLE, visitor.address))
        except Conflict as error:
            self._show(request, response, visitor, user, faults={"leave": [error.message]}, status=409)
            return
        if len(tenants) == 1:
            # The end of the last membership has ended the session.
            self.pages.drop_session(response)
            self.pages.redirect(response, "/oauth/logout/done")
        else:
            self.pages.redirect(response, "/account/profile?done=left")

    def _show(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, **values: Any
    ) -> None:
        tenants = list_tenants_of(self.pages.database, user.id)
        logos = [tenant.logo_url for tenant in tenants]
        defaults: dict[str, Any] = {"tenants": tenants, "logo_urls": logos, "faults": {}, "typed": user.name}
        show(self.pages, request, response, visitor, "profile", **(defaults | values))


class Password:
    """`/account/password`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for the current and the new password."""
        visitor, _session, user = self.pages.signed_in(request, response)
        self._show(request, response, visitor, user, faults={})

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Change the password. End all other sessions and the access of applications, and renew this session."""
        visitor, session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        database, settings = self.pages.database, self.pages.settings
        if not is_own_password(self.pages, user, form.raw("current")):
            faults = {"current": [WRONG_CURRENT_PASSWORD]}
            self._show(request, response, visitor, user, faults=faults, status=422)
            return
        try:
            new_hash = hash_new_password(user, form.raw("password"))
        except Invalid as error:
            self._show(request, response, visitor, user, faults=error.errors, status=422)
            return
        with database.transaction():
            store_password(
                database,
                settings,
                user,
                new_hash,
                keep_session=session.id,
                with_tokens=form.get("tokens") == "yes",
                with_passkeys=form.get("passkeys") == "yes",
                language=visitor.language,
            )
            # Replace the session token, so that a stolen copy of the cookie stops working.
            renewed, token = renew_authentication(database, settings, session, session.methods)
        self.pages.set_session(response, visitor, renewed, token)
        self.pages.redirect(response, "/account/password?done=password")

    def _show(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, **values: Any
    ) -> None:
        show(self.pages, request, response, visitor, "password", **other_access(self.pages, user), **values)


class Sessions:
    """`/account/sessions`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the sessions of the user."""
        visitor, session, user = self.pages.signed_in(request, response)
        sessions = [(listed, device_name(listed.user_agent)) for listed in list_sessions(self.pages.database, user.id)]
        show(self.pages, request, response, visitor, "sessions", sessions=sessions, current=session.id)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """End one session, or all except the current one."""
        visitor, session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("session"):
            end_session(self.pages.database, user.id, form.get("session"))
            self.pages.redirect(response, "/account/sessions?done=session")
        else:
            end_other_sessions(self.pages.database, user.id, session.id)
            self.pages.redirect(response, "/account/sessions?done=sessions")


class Connections:
    """`/account/connections`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the applications that the user has granted access."""
        visitor, _session, user = self.pages.signed_in(request, response)
        connections = list_connections(self.pages.database, user.id)
        logos = [each.logo_url for each in connections]
        values: dict[str, Any] = {"connections": connections, "words": SCOPES}
        show(self.pages, request, response, visitor, "connections", logo_urls=logos, **values)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Disconnect an application: withdraw the consent and end its access."""
        visitor, _session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        connections = list_connections(self.pages.database, user.id)
        connection = next((each for each in connections if each.client_id == form.get("client")), None)
        if connection is not None and not is_confirmed(form):
            ask_first(
                self.pages, request, response, visitor, form,
                question=_("Disconnect {name}?", name=connection.name),
                consequence=_("The application can no longer act on your behalf. To use it again, allow it again."),
                action=_("Disconnect"),
                back="/account/connections",
            )  # fmt: skip
            return
        disconnect(self.pages.database, user.id, form.get("client"))
        self.pages.redirect(response, "/account/connections?done=disconnected")


class Tokens:
    """`/account/tokens`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the personal access tokens of the user, with a form for a new one."""
        visitor, _session, user = self.pages.signed_in(request, response)
        token = take_flash(self.pages, request, response, user)
        form = self.pages.draft_form(request)
        if not form.pairs:
            form = DEFAULT_TOKEN_FORM
        self._show(request, response, visitor, user, form, made_token=token)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Create a token, which is shown once, or revoke one."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("revoke"):
            tokens = list_personal_tokens(self.pages.database, user.id)
            token = next((each for each in tokens if each.id == form.get("revoke")), None)
            if token is not None and not is_confirmed(form):
                ask_first(
                    self.pages, request, response, visitor, form,
                    question=_("Revoke {name}?", name=token.name),
                    consequence=_("Scripts that use the token lose access immediately. It cannot be restored."),
                    action=_("Revoke"),
                    back="/account/tokens",
                )  # fmt: skip
                return
            revoke_personal_token(self.pages.database, form.get("revoke"), user.id)
            self.pages.redirect(response, "/account/tokens?done=revoked")
            return
        days = TOKEN_LIFETIMES.get(form.get("days"), 0)
        try:
            _made, secret = create_personal_token(
                self.pages.database,
                user.id,
                name=form.get("name"),
                scopes=form.all("scope"),
                tenant_id=_chosen_tenant(form.get("tenant")),
                lifetime=days * 86400,
            )
        except Invalid as error:
            self._show(request, response, visitor, user, form, faults=error.errors, status=422)
        except Forbidden as error:
            self._show(request, response, visitor, user, form, faults={"tenant": [error.message]}, status=422)
        else:
            redirect_with_flash(self.pages, response, user, "/account/tokens", secret)

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
        defaults: dict[str, Any] = {
            "form": form,
            "chosen": set(form.all("scope")),
            "tokens": list_personal_tokens(self.pages.database, user.id),
            "tenants": tenants,
            "names": {tenant.id: tenant.name for tenant in tenants},
            "now": datetime.now(UTC),
            "scopes": {name: SCOPES[name] for name in TOKEN_SCOPES},
            "lifetimes": list(TOKEN_LIFETIMES),
            "made_token": "",
            "faults": {},
        }
        show(self.pages, request, response, visitor, "tokens", **(defaults | values))


def account_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of the account pages."""
    return [
        ("/account", Overview(pages)),
        ("/account/profile", Profile(pages)),
        ("/account/password", Password(pages)),
        ("/account/sessions", Sessions(pages)),
        ("/account/connections", Connections(pages)),
        ("/account/tokens", Tokens(pages)),
    ]


def _chosen_tenant(text: str) -> int | None:
    """Return the id of the tenant to which a token is limited, or None for all. Raise `Invalid` if it is no number."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid({"tenant": [_("The tenant must be a number, not {value}.", value=quote(text))]})
    return int(text)


def other_access(pages: Pages, user: User) -> dict[str, Any]:
    """Return the tokens and passkeys of the user, for a page that offers to delete them when the password changes."""
    return {
        "tokens": list_personal_tokens(pages.database, user.id),
        "passkeys": list_passkeys(pages.database, user.id),
    }


def is_own_password(pages: Pages, user: User, password: str) -> bool:
    """Tell whether this is the user's password. Count wrong ones.

    After several wrong ones, return False for some time without a check, so that nobody can guess the password in an
    unattended browser.
    """
    keys, now = [browser_key(f"password {user.id}")], datetime.now(UTC)
    if seconds_to_wait(pages.database, keys, now):
        return False
    record_failure(pages.database, keys, now)
    if not confirm_password(pages.database, user.id, password):
        return False
    forget_failures(pages.database, keys)
    return True


def device_name(user_agent: str) -> str:
    """Return browser and device from a User-Agent header, such as "Firefox · Linux"; its start if both are unknown."""
    browser = next((name for name in BROWSERS if name in user_agent), "")
    device = next((name for name in DEVICES if name in user_agent), "")
    names = {"Edg": "Edge", "OPR": "Opera", "Macintosh": "Mac"}
    return " · ".join(names.get(name, name) for name in (browser, device) if name) or user_agent[:60]
