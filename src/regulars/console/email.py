"""`/account/email`: the e-mail address of the user. `/account/confirm-email`: the target of links in messages."""

from typing import Any

import falcon

from regulars.accounts.email_addresses import (
    CONFIRM_PATH,
    Link,
    cancel_change,
    find_link,
    lost_its_address,
    pending_change,
    replace_unverified,
    send_verification,
    start_change,
    use_link,
)
from regulars.accounts.throttle import account_key, record_failure, seconds_to_wait
from regulars.accounts.users import User, get_user
from regulars.clock import utc_now
from regulars.console.account import WRONG_CURRENT_PASSWORD, is_own_password
from regulars.console.pages import EMAIL_PATH, Form, Pages, Visitor
from regulars.console.settings_page import show
from regulars.errors import Conflict, Invalid
from regulars.i18n import _
from regulars.mail import is_configured

TOO_MANY_MESSAGES = _("You have asked for many messages. Wait a minute and try again.")
LINK_COOKIE = "confirm"


class EmailAddress:
    """`/account/email`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the address, whether it is confirmed, and a form for another one."""
        visitor, _session, user = self.pages.signed_in(request, response)
        self._show(request, response, visitor, user)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send a message to confirm the address or a new one, or cancel a change.

        If this service cannot send e-mail, replace an unverified address immediately.
        """
        visitor, _session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("do") == "cancel":
            cancel_change(self.pages.database, user.id)
            self.pages.redirect(response, f"{EMAIL_PATH}?done=email-cancelled")
            return
        try:
            done = self._act(visitor, user, form)
        except (Invalid, Conflict) as error:
            faults = error.errors or {"email": [error.message]}
            self._show(request, response, visitor, user, typed=form.get("email"), faults=faults, status=422)
            return
        self.pages.redirect(response, f"{EMAIL_PATH}?done={done}")

    def _act(self, visitor: Visitor, user: User, form: Form) -> str:
        """Carry out the action in the form. Return the key of the message to show.

        Raise `Invalid` for a wrong password, a bad address or too many messages, and `Conflict` for a taken address.
        """
        database, settings = self.pages.database, self.pages.settings
        if is_configured(settings):
            self._check_rate(user)
        if form.get("do") == "verify" and is_configured(settings):
            send_verification(database, settings, user, visitor.language)
            return "email-sent"
        if not is_own_password(self.pages, user, form.raw("password")):
            raise Invalid({"password": [WRONG_CURRENT_PASSWORD]})
        if is_configured(settings):
            start_change(database, settings, user, form.get("email"), visitor.language)
            return "email-links" if user.is_verified else "email-sent"
        replace_unverified(database, user, form.get("email"))
        return "email-changed"

    def _check_rate(self, user: User) -> None:
        keys, now = [account_key(f"mail {user.id}")], utc_now()
        if seconds_to_wait(self.pages.database, keys, now):
            raise Invalid({"form": [TOO_MANY_MESSAGES]})
        record_failure(self.pages.database, keys, now)

    def _show(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, **values: Any
    ) -> None:
        defaults: dict[str, Any] = {
            "user": user,
            "is_lost": lost_its_address(self.pages.database, user),
            "change": pending_change(self.pages.database, user.id),
            "can_mail": is_configured(self.pages.settings),
            "typed": "",
            "faults": {},
        }
        show(self.pages, request, response, visitor, "email", **(defaults | values))


class ConfirmEmail:
    """`/account/confirm-email`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask the user to confirm, because programs that scan messages also open links.

        Only the user to whom the link was sent can confirm. Otherwise, the owner of an address could confirm it for an
        account that somebody else created.
        """
        token = self.pages.take_link(request, response, LINK_COOKIE)
        visitor, _session, user = self.pages.signed_in(request, response)
        found = find_link(self.pages.database, self.pages.settings, user, token)
        show(self.pages, request, response, visitor, "confirm_email", found=found, links=Link, fault="")

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Use up the link: verify the address or confirm the change. Redirect to the page of the address."""
        visitor, _session, user = self.pages.signed_in(request, response)
        self.pages.form(request, visitor)
        database, token = self.pages.database, self.pages.take_link(request, response, LINK_COOKIE)
        try:
            used = use_link(database, self.pages.settings, user, token, visitor.language)
        except Conflict as error:
            values: dict[str, Any] = {"found": None, "links": Link, "fault": error.message}
            show(self.pages, request, response, visitor, "confirm_email", status=409, **values)
            return
        if used is None:
            values = {"found": None, "links": Link, "fault": ""}
            show(self.pages, request, response, visitor, "confirm_email", status=422, **values)
            return
        self.pages.drop_link(response, LINK_COOKIE)
        has_changed = get_user(database, user.id).email != user.email
        done = "email-verified" if used is Link.VERIFY else "email-changed" if has_changed else "email-half"
        self.pages.redirect(response, f"{EMAIL_PATH}?done={done}")


def email_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of the pages for the e-mail address."""
    return [(EMAIL_PATH, EmailAddress(pages)), (CONFIRM_PATH, ConfirmEmail(pages))]
