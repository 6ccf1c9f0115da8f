"""The users of a tenant."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, get_args

import falcon
from msgspec import Meta, Struct

from regulars.accounts.directory import SortBy, SortOrder, TenantUser, UserQuery, fetch_users, get_tenant_user
from regulars.accounts.invitations import invite
from regulars.accounts.memberships import change_role, end_membership
from regulars.accounts.users import MAX_EMAIL_LENGTH, read_user_email
from regulars.api.common import Api
from regulars.api.invitations import INVITATIONS_PATH, SentInvitationAnswer
from regulars.http.idempotency import Result
from regulars.http.json_body import choice_field, read_fields, read_json, text_field
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.pagination import Links, PageMeta, links_and_meta
from regulars.http.query_params import (
    Query,
    choice_parameter,
    flag_parameter,
    integer_parameter,
    read_parameters,
    read_path_id,
    text_parameter,
)
from regulars.http.responses import is_strict, send_content
from regulars.i18n import _
from regulars.permissions import Principal, Role, check_permitted
from regulars.validation import MAX_NAME_LENGTH, read_name

PATH = "/api/v1/users"
ID_PARAMETER = path_id("user", 7)
USER_PARAMETERS = (
    text_parameter(
        "search",
        "Every word must occur in the name or e-mail address of the user. Letter case, accents and dots of the i are"
        " ignored.",
        "zeynep",
        at_most=255,
    ),
    integer_parameter("per_page", "The number of users per page.", 15, low=1, high=100, default=15),
    integer_parameter("page", "The page number. A page past the end has no rows.", 1, low=1, default=1),
    choice_parameter(
        "sort_by",
        "Sort by a field. The default is by `created_at`, newest first.",
        "name",
        options=get_args(SortBy),
    ),
    choice_parameter(
        "sort_order", "The default is `asc` with `sort_by`, otherwise `desc`.", "asc", options=get_args(SortOrder)
    ),
    flag_parameter("trashed", "`true`: former members; otherwise current members."),
)


NAME = text_field(
    "name", "The name that people see.", "Zeynep Arslan", read_name, at_most=MAX_NAME_LENGTH, required=True
)
ROLE = choice_field("role", "The role in the tenant.", "agent", options=[*Role], required=True)
EMAIL = text_field(
    "email",
    "The address of the person. A new user signs in with it.",
    "zeynep@example.com",
    read_user_email,
    at_most=MAX_EMAIL_LENGTH,
    required=True,
    schema={"format": "email"},
)
SUGGESTED_NAME = text_field(
    "name",
    "A name to suggest to a new user. A user who exists keeps the name.",
    "Zeynep Arslan",
    read_name,
    at_most=MAX_NAME_LENGTH,
)
INVITED = (EMAIL, SUGGESTED_NAME, ROLE)


def query_of(values: Mapping[str, Any]) -> UserQuery:
    """Return the query for the `values` of parameters."""
    defaults: dict[str, Any] = {"sort_order": "asc"} if "sort_by" in values else {}
    return UserQuery(**(defaults | dict(values)))


class UserPage(Struct, frozen=True):
    """A page of users."""

    data: list[TenantUser]
    links: Links
    meta: PageMeta


class UserAnswer(Struct, frozen=True):
    """One user of a tenant."""

    success: Annotated[str, Meta(examples=["The user was found."])]
    data: TenantUser


class UserList:
    """`/api/v1/users`"""

    operations: ClassVar = {
        "get": Operation(
            id="listUsers",
            summary="Get all users",
            description="Returns the users of a tenant, searched, sorted and paginated.",
            response=UserPage,
            tag="Users",
            scopes=("users:read",),
            parameters=USER_PARAMETERS,
        ),
        "post": Operation(
            id="addUser",
            summary="Invite a user",
            description="Sends an invitation with a link. Whoever opens it signs in or up, and accepts or declines."
            " The response is the same whether the address has an account or not. `link` is for you to pass on, and is"
            " not shown again. For owners.",
            response=SentInvitationAnswer,
            status=201,
            tag="Users",
            scopes=("users:write",),
            body=INVITED,
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get a page of the tenant's users."""
        principal = self.api.authenticator.principal(request, "users:read")
        query = Query(request.query_string)
        selection = query_of(query.read(USER_PARAMETERS, strict=is_strict(request, response)))
        users, total = fetch_users(self.api.database, principal.tenant_id, selection)
        links, meta = links_and_meta(
            self.api.url(request, PATH),
            query.without("page"),
            total=total,
            per_page=selection.per_page,
            page=selection.page,
            rows=len(users),
        )
        send_content(request, response, UserPage(users, links, meta))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send an invitation."""
        principal = self.api.principal(request, response, "users:write")
        values = read_fields(read_json(request), INVITED)
        self.api.run(request, response, principal, self._invite, request, principal, values)

    def _invite(self, request: falcon.Request, principal: Principal, values: dict[str, Any]) -> Result:
        invitation = invite(
            self.api.database,
            self.api.settings,
            principal.tenant_id,
            email=values["email"],
            name=values.get("name"),
            role=Role(values["role"]),
            actor=principal.actor,
        )
        location = self.api.url(request, f"{INVITATIONS_PATH}/{invitation.id}")
        return Result(SentInvitationAnswer.of(invitation), 201, {"Location": location})


class OneUser:
    """`/api/v1/users/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getUser",
            summary="Get a user",
            description="Returns a current or former member of the tenant.",
            response=UserAnswer,
            tag="Users",
            scopes=("users:read",),
            path_parameters=ID_PARAMETER,
        ),
        **put_and_patch(
            "User",
            "Changes the role. A tenant must keep at least one owner. For owners.",
            summary="Update a user's role",
            response=UserAnswer,
            tag="Users",
            scopes=("users:write",),
            path_parameters=ID_PARAMETER,
            body=(ROLE,),
            errors=(409,),
        ),
        "delete": Operation(
            id="removeUser",
            summary="Remove a user",
            description="Ends the user's membership of the tenant; it may already have ended. For owners, and for users"
            " who leave the tenant themselves. A tenant must keep at least one owner.",
            response=None,
            status=204,
            tag="Users",
            scopes=("users:write",),
            path_parameters=ID_PARAMETER,
            errors=(409,),
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the user."""
        principal = self.api.principal(request, response, "users:read")
        user = get_tenant_user(self.api.database, principal.tenant_id, read_path_id(id, _("user")))
        send_content(request, response, UserAnswer("The user was found.", user))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the role, if it is given."""
        principal = self.api.principal(request, response, "users:write")
        content = read_json(request)
        user_id = read_path_id(id, _("user"))
        get_tenant_user(self.api.database, principal.tenant_id, user_id)
        written = read_fields(content, (ROLE,), partial=True)
        if "role" in written:
            change_role(self.api.database, principal.tenant_id, user_id, Role(written["role"]), principal.actor)
        user = get_tenant_user(self.api.database, principal.tenant_id, user_id)
        send_content(request, response, UserAnswer("The user was changed.", user))

    on_patch = on_put

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """End the membership. Without the permission `users:write`, members can only end their own."""
        principal = self.api.authenticator.member(request, "users:write")
        read_parameters(request, response)
        is_leaving = id == str(principal.identity.user_id)
        if not is_leaving:
            check_permitted(principal, "users:write", _("remove others from the tenant"))
        end_membership(self.api.database, principal.tenant_id, read_path_id(id, _("user")), principal.actor)
        response.status = 204
