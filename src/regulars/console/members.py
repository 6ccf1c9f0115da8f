"""`/members`: owners invite people to their business, change roles and remove members."""

from typing import Any

import falcon

from regulars.accounts.invitations import (
    invite,
    list_invitations,
    resend_invitation,
    revoke_invitation,
)
from regulars.accounts.memberships import change_role, end_membership, list_members
from regulars.accounts.users import read_user_email
from regulars.console.flash import redirect_with_flash, take_flash
from regulars.console.pages import Form, Pages
from regulars.console.screen import Screen, open_screen
from regulars.console.settings_page import ask_first, check_business, is_confirmed, show
from regulars.errors import Conflict, Invalid, NotFound, RegularsError
from regulars.i18n import _
from regulars.mail import is_configured
from regulars.permissions import Role
from regulars.validation import read_name

MEMBERS_PATH = "/members"
ROLES = (Role.AGENT, Role.VIEWER, Role.ADMIN, Role.OWNER)


class Members:
    """`/members`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the members and the pending invitations of the business."""
        screen = open_screen(self.pages, request, response, "users:write", is_sensitive=True)
        link = take_flash(self.pages, request, response, screen.user)
        self._show(request, response, screen, shown_link=link)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Invite somebody, resend or revoke an invitation, or change the role of a member or remove the member."""
        screen = open_screen(self.pages, request, response, "users:write", is_sensitive=True)
        form = self.pages.form(request, screen.visitor)
        check_business(form, screen)
        if form.get("do") == "remove" and not is_confirmed(form):
            self._ask_to_remove(request, response, screen, form)
            return
        try:
            link, done = self._act(screen, form)
        except RegularsError as error:
            if not isinstance(error, Conflict | Invalid):
                raise
            faults = error.errors or {"form": [error.message]}
            self._show(request, response, screen, form=form, faults=faults, status=422)
            return
        if link:
            redirect_with_flash(self.pages, response, screen.user, MEMBERS_PATH, link)
        elif done == "removed" and form.get("user") == str(screen.user.id):
            self.pages.redirect(response, "/account/profile?done=left")
        else:
            self.pages.redirect(response, f"{MEMBERS_PATH}?done={done}")

    def _act(self, screen: Screen, form: Form) -> tuple[str, str]:
        """Carry out the action in the form. Return the link of an invitation, or "", and a key of `DONE_MESSAGES`."""
        database, settings = self.pages.database, self.pages.settings
        tenant_id, actor = screen.tenant.id, screen.actor
        match form.get("do"):
            case "invite":
                email, name, role = read_invited(form)
                sent = invite(database, settings, tenant_id, email=email, name=name, role=role, actor=actor)
                return sent.link, "invited"
            case "resend":
                return resend_invitation(database, settings, tenant_id, form.get("invitation"), actor).link, "invited"
            case "revoke":
                revoke_invitation(database, tenant_id, form.get("invitation"), actor)
                return "", "invitation-revoked"
            case "role":
                change_role(database, tenant_id, form.number("user"), _role(form.get("role")), actor)
                return "", "role"
            case "remove":
                end_membership(database, tenant_id, form.number("user"), actor)
                return "", "removed"
            case _:
                raise NotFound(_("There is nothing at this address."))

    def _ask_to_remove(self, request: falcon.Request, response: falcon.Response, screen: Screen, form: Form) -> None:
        members = list_members(self.pages.database, screen.tenant.id)
        member = next((each for each in members if each.user_id == form.number("user")), None)
        if member is None:
            raise NotFound(_("There is nothing at this address."))
        ask_first(
            self.pages, request, response, screen.visitor, form,
            question=_("Remove {name}?", name=member.name),
            consequence=_(
                "{name} ({email}) will have no access to {tenant} within a second. To return, the person needs a new"
                " invitation.",
                name=member.name,
                email=member.email,
                tenant=screen.tenant.name,
            ),
            action=_("Remove"),
            back=MEMBERS_PATH,
        )  # fmt: skip

    def _show(self, request: falcon.Request, response: falcon.Response, screen: Screen, **values: Any) -> None:
        database, tenant_id = self.pages.database, screen.tenant.id
        found = list_invitations(database, tenant_id)
        defaults: dict[str, Any] = {
            "members": list_members(database, tenant_id),
            "invitations": [each for each in found if each.status in {"pending", "expired"}],
            "user": screen.user,
            "roles": ROLES,
            "shown_link": "",
            "form": Form([]),
            "faults": {},
            "can_mail": is_configured(self.pages.settings),
        }
        show(self.pages, request, response, screen.visitor, "members", **(defaults | values))


def read_invited(form: Form) -> tuple[str, str | None, Role]:
    """Return address, name and role from the form of a new invitation. Raise `Invalid` if any of them is not valid."""
    faults: dict[str, list[str]] = {}
    email = name = ""
    try:
        email = read_user_email(form.get("email"))
    except ValueError as error:
        faults["email"] = [_("{field} {rule}.", field="email", rule=error.args[0])]
    try:
        name = read_name(form.get("name")) if form.get("name") else ""
    except ValueError as error:
        faults["name"] = [_("{field} {rule}.", field="name", rule=error.args[0])]
    if faults:
        raise Invalid(faults)
    return email, name or None, _role(form.get("role"))


def member_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the route of the members page."""
    return [(MEMBERS_PATH, Members(pages))]


def _role(text: str) -> Role:
    if text not in set(Role):
        raise Invalid({"role": [_("Choose a role.")]})
    return Role(text)
