"""`/invitation`: the target of an invitation link. The person signs in or signs up, and accepts or declines."""

from typing import Any

import falcon

from regulars.accounts.invitations import (
    INVITATION_PATH,
    OpenedInvitation,
    accept_invitation,
    decline_invitation,
    open_invitation,
    sign_up,
)
from regulars.accounts.memberships import is_member
from regulars.accounts.passkeys import begin_sign_up, finish_sign_up
from regulars.accounts.users import hash_password, name_faults, user_faults
from regulars.console.pages import Form, Pages, Visitor
from regulars.console.sign_in import STEP_SECONDS, send_options, sign_in
from regulars.errors import Conflict, Invalid
from regulars.i18n import _
from regulars.security.tokens import Kind, new_token

LINK_COOKIE = "invitation"
INVITATION_ENDED = _("This invitation is no longer valid.")
WELCOME = "/account/profile?done=accepted"


class InvitationPage:
    """`/invitation`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the invitation, with forms to accept it, decline it or sign up."""
        token = self.pages.take_link(request, response, LINK_COOKIE)
        visitor = self.pages.visitor(request, response)
        show_invitation(self.pages, response, visitor, open_invitation(self.pages.database, token))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Accept or decline the invitation, or sign up and accept it."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        token = self.pages.take_link(request, response, LINK_COOKIE)
        opened = open_invitation(self.pages.database, token)
        if opened is None or opened.invitation.status != "pending":
            show_invitation(self.pages, response, visitor, opened, status=422)
            return
        try:
            self._act(response, visitor, form, opened)
        except Invalid as error:
            show_invitation(self.pages, response, visitor, opened, form=form, faults=error.errors, status=422)
        except Conflict as error:
            # Read the invitation again, because it may have ended in the meantime.
            opened = open_invitation(self.pages.database, token)
            show_invitation(self.pages, response, visitor, opened, form=form, fault=error.message, status=422)

    def _act(self, response: falcon.Response, visitor: Visitor, form: Form, opened: OpenedInvitation) -> None:
        if form.get("do") == "decline":
            decline_invitation(self.pages.database, opened)
            self.pages.drop_link(response, LINK_COOKIE)
            self.pages.show(response, visitor, "invitation_declined", opened=opened)
        elif form.get("do") == "sign-up":
            self._sign_up(response, visitor, form, opened)
        elif visitor.user is None:
            self.pages.redirect(response, self.pages.sign_in_path(INVITATION_PATH))
        else:
            accept_invitation(self.pages.database, opened, visitor.user)
            self.pages.drop_link(response, LINK_COOKIE)
            self.pages.redirect(response, WELCOME)

    def _sign_up(self, response: falcon.Response, visitor: Visitor, form: Form, opened: OpenedInvitation) -> None:
        name, password = form.get("name"), form.raw("password")
        if faults := user_faults(opened.invitation.email, name, password):
            raise Invalid(faults)
        user = sign_up(self.pages.database, opened, name=name, password_hash=hash_password(password))
        self.pages.drop_link(response, LINK_COOKIE)
        sign_in(self.pages, response, visitor, user.id, ("pwd",), WELCOME)


class PasskeySignUpOptions:
    """`/invitation/passkey/options`: the options for `navigator.credentials.create`, as JSON."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send the options with a new challenge. Raise `Conflict` if the invitation has ended."""
        form = self.pages.form(request, self.pages.visitor(request, response))
        opened = open_invitation(self.pages.database, self.pages.take_link(request, response, LINK_COOKIE))
        if opened is None or opened.invitation.status != "pending":
            raise Conflict(INVITATION_ENDED)
        options, token = begin_sign_up(
            self.pages.database,
            self.pages.settings,
            opened.invitation.email,
            form.get("name") or opened.invitation.email,
        )
        self.pages.set_step(response, token, STEP_SECONDS)
        send_options(response, options)


class PasskeySignUp:
    """`/invitation/passkey`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Create a user with the passkey, accept the invitation and sign in."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        database, settings = self.pages.database, self.pages.settings
        opened = open_invitation(database, self.pages.take_link(request, response, LINK_COOKIE))
        try:
            if opened is None or opened.invitation.status != "pending":
                raise Conflict(INVITATION_ENDED)
            if faults := name_faults(form.get("name")):
                raise Invalid({"name": faults})
            passkey = finish_sign_up(database, settings, self.pages.step(request), form.raw("credential"))
            # The password is random and unknown to everybody, because the user signs in with the passkey.
            password_hash = hash_password(new_token(Kind.CHALLENGE))
            user = sign_up(database, opened, name=form.get("name"), password_hash=password_hash, passkey=passkey)
        except (Conflict, Invalid) as error:
            show_invitation(self.pages, response, visitor, opened, form=form, fault=error.message, status=422)
            return
        self.pages.set_step(response, "", 0)
        self.pages.drop_link(response, LINK_COOKIE)
        sign_in(self.pages, response, visitor, user.id, ("hwk",), WELCOME)


def show_invitation(
    pages: Pages,
    response: falcon.Response,
    visitor: Visitor,
    opened: OpenedInvitation | None,
    *,
    form: Form | None = None,
    faults: dict[str, list[str]] | None = None,
    fault: str = "",
    status: int = 200,
) -> None:
    """Send the page of an invitation; if it has ended or is unknown, the page says so."""
    name = (opened.invitation.name or "") if opened else ""
    values: dict[str, Any] = {
        "opened": opened,
        "invitation": opened.invitation if opened else None,
        "is_member": bool(opened and visitor.user and is_member(pages.database, opened.tenant_id, visitor.user.id)),
        "name": form.get("name") if form else name,
        "faults": faults or {},
        "fault": fault,
    }
    logos = [opened.tenant_logo_url] if opened else []
    pages.show(response, visitor.on(INVITATION_PATH), "invitation", status=status, logo_urls=logos, **values)


def invitation_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of the invitation page and of sign-up with a passkey."""
    return [
        (INVITATION_PATH, InvitationPage(pages)),
        ("/invitation/passkey/options", PasskeySignUpOptions(pages)),
        ("/invitation/passkey", PasskeySignUp(pages)),
    ]
