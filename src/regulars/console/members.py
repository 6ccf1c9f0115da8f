"""`/members`: owners invite people to their businesses, change roles and remove members."""

from typing import Any

import falcon

from regulars.accounts.invitations import (
    invite,
    list_invitations,
    resend_invitation,
    revoke_invitation,
)
from regulars.accounts.memberships import change_role, end_membership, list_members, memberships_of
from regulars.accounts.users import User, read_user_email
from regulars.console.account import show
from regulars.console.flash import redirect_with_flash, take_flash
from regulars.console.pages import Form, Pages, Visitor
from regulars.errors import Conflict, Invalid, NotFound, RegularsError
from regulars.i18n import _
from regulars.mail import is_configured
from regulars.permissions import CONSOLE, Actor, Role
from regulars.tenants.tenants import OwnTenant, list_tenants_of
from regulars.validation import read_name

MEMBERS_PATH = "/members"
ROLES = (Role.AGENT, Role.VIEWER, Role.ADMIN, Role.OWNER)


class Members:
    """`/members`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the members and the pending invitations of the businesses that the user owns."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        link = take_flash(self.pages, request, response, user)
        self._show(request, response, visitor, user, shown_link=link)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Invite somebody, resend or revoke an invitation, or change the role of a member or remove the member."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        form = self.pages.form(request, visitor)
        tenant = self._tenant(user, form.get("tenant"))
        if form.get("do") == "remove" and form.get("sure") != "yes":
            member = self._member(tenant, form.get("user"))
            show(self.pages, request, response, visitor, "remove_member", tenant=tenant, member=member)
            return
        try:
            link, done = self._act(user, tenant, form)
        except RegularsError as error:
            if not isinstance(error, Conflict | Invalid):
                raise
            faults = error.errors or {"form": [error.message]}
            values = {"form": form, "faults": faults, "at": tenant.id}
            self._show(request, response, visitor, user, status=422, **values)
            return
        if link:
            redirect_with_flash(self.pages, response, user, MEMBERS_PATH, link)
        elif done == "removed" and form.get("user") == str(user.id):
            self.pages.redirect(response, "/account/profile?done=left")
        else:
            self.pages.redirect(response, f"{MEMBERS_PATH}?done={done}")

    def _act(self, user: User, tenant: OwnTenant, form: Form) -> tuple[str, str]:
        """Carry out the action in the form. Return the link of an invitation, or "", and a key of `DONE_MESSAGES`."""
        database, settings, actor = self.pages.database, self.pages.settings, Actor(user.id, CONSOLE)
        match form.get("do"):
            case "invite":
                email, name, role = read_invited(form)
                sent = invite(database, settings, tenant.id, email=email, name=name, role=role, actor=actor)
                return sent.link, "invited"
            case "resend":
                return resend_invitation(database, settings, tenant.id, form.get("invitation"), actor).link, "invited"
            case "revoke":
                revoke_invitation(database, tenant.id, form.get("invitation"), actor)
                return "", "invitation-revoked"
            case "role":
                change_role(database, tenant.id, _number(form.get("user")), _role(form.get("role")), actor)
                return "", "role"
            case "remove":
                end_membership(database, tenant.id, _number(form.get("user")), actor)
                return "", "removed"
            case _:
                raise NotFound(_("There is nothing at this address."))

    def _show(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, **values: Any
    ) -> None:
        database = self.pages.database
        owned = [
            (tenant, list_members(database, tenant.id), _open_invitations(self.pages, tenant.id))
            for tenant in owned_by(self.pages, user)
        ]
        if not owned:
            raise NotFound(_("There is nothing at this address."))
        defaults: dict[str, Any] = {
            "owned": owned,
            "user": user,
            "roles": ROLES,
            "shown_link": "",
            "form": Form([]),
            "faults": {},
            "at": 0,
            "can_mail": is_configured(self.pages.settings),
        }
        show(self.pages, request, response, visitor, "members", **(defaults | values))

    def _tenant(self, user: User, number: str) -> OwnTenant:
        tenant = next((owned for owned in owned_by(self.pages, user) if str(owned.id) == number), None)
        if tenant is None:
            raise NotFound(_("There is nothing at this address."))
        return tenant

    def _member(self, tenant: OwnTenant, number: str) -> Any:
        members = list_members(self.pages.database, tenant.id)
        member = next((known for known in members if str(known.user_id) == number), None)
        if member is None:
            raise NotFound(_("There is nothing at this address."))
        return member


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


def owned_by(pages: Pages, user: User) -> list[OwnTenant]:
    """Return the tenants that the user owns."""
    memberships = memberships_of(pages.database, user.id)
    owned = {tenant_id for tenant_id, membership in memberships.items() if membership.role is Role.OWNER}
    return [tenant for tenant in list_tenants_of(pages.database, user.id) if tenant.id in owned]


def member_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the route of the members page."""
    return [(MEMBERS_PATH, Members(pages))]


def _open_invitations(pages: Pages, tenant_id: int) -> list[Any]:
    found = list_invitations(pages.database, tenant_id)
    return [invitation for invitation in found if invitation.status in {"pending", "expired"}]


def _role(text: str) -> Role:
    if text not in set(Role):
        raise Invalid({"role": [_("Choose a role.")]})
    return Role(text)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
