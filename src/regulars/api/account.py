"""The account of the user of the access token."""

from datetime import datetime
from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.accounts.memberships import end_membership
from regulars.accounts.users import get_user, update_name
from regulars.api.common import Api
from regulars.api.users import NAME
from regulars.errors import Forbidden, NotFound, Unauthenticated
from regulars.http.json_body import read_fields, read_json
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.query_params import read_parameters, read_path_id
from regulars.http.responses import send_content
from regulars.i18n import _
from regulars.permissions import PERMISSIONS, Actor, Identity, RoleName
from regulars.tenants.tenants import OwnTenant, list_tenants_of


class Account(Struct, frozen=True):
    """The user of the access token."""

    id: Annotated[int, Meta(examples=[7])]
    name: Annotated[str, Meta(examples=["Zeynep Arslan"])]
    email: Annotated[str, Meta(examples=["zeynep@example.com"])]
    email_verified: Annotated[
        bool, Meta(description="Whether the user has proved to receive mail at the address.", examples=[True])
    ]
    created_at: Annotated[datetime, Meta(description="UTC, whole seconds.", examples=["2026-11-07T05:31:56Z"])]


class AccountAnswer(Struct, frozen=True):
    """The account of a user."""

    success: Annotated[str, Meta(examples=["The account was found."])]
    data: Account


class AccountTenantsAnswer(Struct, frozen=True):
    """The tenants of a user."""

    success: Annotated[str, Meta(examples=["The tenants were found."])]
    data: list[OwnTenant]


class AccountRoles(Struct, frozen=True):
    """The role and permissions of a user in a tenant."""

    roles: Annotated[list[RoleName], Meta(examples=[["agent"]])]
    permissions: Annotated[
        list[str],
        Meta(
            description="The permissions that both the role and the scopes of the token allow.",
            examples=[["customers:read"]],
        ),
    ]


class AccountRolesAnswer(Struct, frozen=True):
    """A user's roles and permissions in a tenant."""

    success: Annotated[str, Meta(examples=["The roles were found."])]
    data: AccountRoles


class OwnAccount:
    """`/api/v1/account`"""

    operations: ClassVar = {
        "get": Operation(
            id="getAccount",
            summary="Get your account",
            description="Returns the user of the access token.",
            response=AccountAnswer,
            tag="Account",
            scopes=("account:read",),
            needs_tenant=False,
        ),
        **put_and_patch(
            "Account",
            "Changes the name.",
            summary="Update your account",
            response=AccountAnswer,
            tag="Account",
            scopes=("account:write",),
            needs_tenant=False,
            body=(NAME,),
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the account."""
        user_id = own_id(self.api.authenticator.identity(request, "account:read"))
        read_parameters(request, response)
        send_content(request, response, AccountAnswer("The account was found.", self._account(user_id)))

    def on_put(self, request: falcon.Request, response: falcon.Response) -> None:
        """Change the name, if it is given."""
        user_id = own_id(self.api.authenticator.identity(request, "account:write"))
        read_parameters(request, response)
        written = read_fields(read_json(request), (NAME,), partial=True)
        self._account(user_id)
        if "name" in written:
            update_name(self.api.database, user_id, written["name"])
        send_content(request, response, AccountAnswer("The account was changed.", self._account(user_id)))

    on_patch = on_put

    def _account(self, user_id: int) -> Account:
        try:
            user = get_user(self.api.database, user_id)
        except NotFound:
            raise Unauthenticated(_("The user of this access token has been deleted."), "invalid_token") from None
        return Account(user.id, user.name, user.email, user.is_verified, user.created_at)


class OwnTenants:
    """`/api/v1/account/tenants`"""

    operations: ClassVar = {
        "get": Operation(
            id="listAccountTenants",
            summary="Get your tenants",
            description="Returns the tenants of which you are a member, or only the one to which the token is limited.",
            response=AccountTenantsAnswer,
            tag="Account",
            scopes=("account:read", "tenants:read"),
            needs_tenant=False,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the user's tenants, or only the one to which the token is limited."""
        identity = self.api.authenticator.identity(request, "account:read", "tenants:read")
        user_id = own_id(identity)
        read_parameters(request, response)
        mine = list_tenants_of(self.api.database, user_id)
        reachable = [tenant for tenant in mine if identity.tenant_id in {None, tenant.id}]
        send_content(request, response, AccountTenantsAnswer("The tenants were found.", reachable))


class LeaveTenant:
    """`/api/v1/account/tenants/{id}`"""

    operations: ClassVar = {
        "delete": Operation(
            id="leaveTenant",
            summary="Leave a tenant",
            description="Ends your membership; it may already have ended. A tenant must keep at least one owner.",
            response=None,
            status=204,
            tag="Account",
            scopes=("account:write",),
            needs_tenant=False,
            path_parameters=path_id("tenant", 1),
            errors=(409,),
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """End the membership."""
        identity = self.api.authenticator.identity(request, "account:write")
        user_id, tenant_id = own_id(identity), read_path_id(id, _("tenant"))
        read_parameters(request, response)
        not_member = NotFound(_("You are not a member of tenant {id}.", id=tenant_id))
        if identity.tenant_id not in {None, tenant_id}:
            raise not_member
        try:
            end_membership(self.api.database, tenant_id, user_id, Actor(user_id, identity.client_id))
        except NotFound:
            raise not_member from None
        response.status = 204


class OwnRoles:
    """`/api/v1/account/roles`"""

    operations: ClassVar = {
        "get": Operation(
            id="getAccountRoles",
            summary="Get your roles",
            description="Returns your role in a tenant, and your permissions there with this access token.",
            response=AccountRolesAnswer,
            tag="Account",
            scopes=("account:read",),
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the role and permissions in the tenant."""
        principal = self.api.authenticator.principal(request, "account:read")
        own_id(principal.identity)
        read_parameters(request, response)
        permissions = sorted(PERMISSIONS[principal.role] & principal.identity.scopes)
        roles = AccountRoles([principal.role.value], permissions)
        send_content(request, response, AccountRolesAnswer("The roles were found.", roles))


def own_id(identity: Identity) -> int:
    """Return the id of the token's user. Raise `Forbidden` if the token belongs to an application."""
    if identity.user_id is None:
        message = _("The access token belongs to an application, which has no account.")
        raise Forbidden(message, code="insufficient_scope")
    return identity.user_id
