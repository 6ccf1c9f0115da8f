"""The endpoints of a user's own account."""

from datetime import datetime
from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.accounts.users import get_user, update_name
from regulars.api.authentication import Authenticator
from regulars.api.user_fields import NAME
from regulars.db.database import Database
from regulars.errors import Forbidden, NotFound, Unauthenticated
from regulars.http.json_body import JSON, MERGING, read_fields, read_json
from regulars.http.openapi import Operation, put_and_patch
from regulars.http.query_params import Query
from regulars.http.responses import answer, is_strict
from regulars.permissions import PERMISSIONS, Identity, RoleName
from regulars.tenants.tenants import OwnTenant, list_tenants_of


class Account(Struct, frozen=True):
    """The user whom the access token belongs to."""

    id: Annotated[int, Meta(examples=[7])]
    name: Annotated[str, Meta(examples=["Zeynep Arslan"])]
    email: Annotated[str, Meta(examples=["zeynep@example.com"])]
    created_at: Annotated[datetime, Meta(description="UTC, whole seconds.", examples=["2026-11-07T05:31:56Z"])]


class AccountAnswer(Struct, frozen=True):
    """A user's own account."""

    success: Annotated[str, Meta(examples=["The account was found."])]
    data: Account


class AccountTenantsAnswer(Struct, frozen=True):
    """The tenants that a user is a member of."""

    success: Annotated[str, Meta(examples=["The tenants were found."])]
    data: list[OwnTenant]


class AccountRoles(Struct, frozen=True):
    """What a user is in a tenant, and may do there with this access token."""

    roles: Annotated[list[RoleName], Meta(examples=[["agent"]])]
    permissions: Annotated[
        list[str],
        Meta(description="What both the role and the token's scopes allow.", examples=[["customers:read"]]),
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
            description="The user whom the access token belongs to.",
            answer=AccountAnswer,
            tag="Account",
            scopes=("account:read",),
            needs_tenant=False,
        ),
        **put_and_patch(
            "Account",
            "Changes the name.",
            summary="Change your account",
            answer=AccountAnswer,
            tag="Account",
            scopes=("account:write",),
            needs_tenant=False,
            body=(NAME,),
            errors=(400, 401, 403, 405, 413, 415, 422, 500, 503),
        ),
    }

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The user."""
        user_id = own_id(self.authenticator.identity(request, "account:read"))
        Query(request.query_string).read((), strict=is_strict(request, response))
        answer(request, response, AccountAnswer("The account was found.", self._account(user_id)))

    def on_put(self, request: falcon.Request, response: falcon.Response) -> None:
        """Change the name."""
        self._update(request, response, (JSON,))

    def on_patch(self, request: falcon.Request, response: falcon.Response) -> None:
        """The same."""
        self._update(request, response, MERGING)

    def _update(self, request: falcon.Request, response: falcon.Response, media_types: tuple[str, ...]) -> None:
        user_id = own_id(self.authenticator.identity(request, "account:write"))
        Query(request.query_string).read((), strict=is_strict(request, response))
        written = read_fields(read_json(request, media_types=media_types), (NAME,), partial=True)
        self._account(user_id)
        if "name" in written:
            update_name(self.database, user_id, written["name"])
        answer(request, response, AccountAnswer("The account was changed.", self._account(user_id)))

    def _account(self, user_id: int) -> Account:
        try:
            user = get_user(self.database, user_id)
        except NotFound:
            raise Unauthenticated("The access token belongs to a user who is gone.", "invalid_token") from None
        return Account(user.id, user.name, user.email, user.created_at)


class OwnTenants:
    """`/api/v1/account/tenants`"""

    operations: ClassVar = {
        "get": Operation(
            id="listAccountTenants",
            summary="Get your tenants",
            description="The tenants that you are a member of; with a token that is bound to a tenant, that one alone.",
            answer=AccountTenantsAnswer,
            tag="Account",
            scopes=("account:read", "tenants:read"),
            needs_tenant=False,
        )
    }

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The user's tenants."""
        identity = self.authenticator.identity(request, "account:read", "tenants:read")
        user_id = own_id(identity)
        Query(request.query_string).read((), strict=is_strict(request, response))
        mine = list_tenants_of(self.database, user_id)
        reachable = [tenant for tenant in mine if identity.tenant_id in {None, tenant.id}]
        answer(request, response, AccountTenantsAnswer("The tenants were found.", reachable))


class OwnRoles:
    """`/api/v1/account/roles`"""

    operations: ClassVar = {
        "get": Operation(
            id="getAccountRoles",
            summary="Get your roles",
            description="What you are in a tenant, and what you may do there with this access token.",
            answer=AccountRolesAnswer,
            tag="Account",
            scopes=("account:read",),
        )
    }

    def __init__(self, authenticator: Authenticator) -> None:
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The user's role and permissions in the tenant."""
        principal = self.authenticator.principal(request, "account:read")
        own_id(principal.identity)
        Query(request.query_string).read((), strict=is_strict(request, response))
        permissions = sorted(PERMISSIONS[principal.role] & principal.identity.scopes)
        roles = AccountRoles([principal.role.value], permissions)
        answer(request, response, AccountRolesAnswer("The roles were found.", roles))


def own_id(identity: Identity) -> int:
    """The id of the user whom the token belongs to. Raises `Forbidden` where it belongs to no user."""
    if identity.user_id is None:
        message = "The access token belongs to an application, not to a user; no scope gives it an account."
        raise Forbidden(message, code="insufficient_scope")
    return identity.user_id
