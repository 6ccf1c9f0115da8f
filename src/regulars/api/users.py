"""The endpoints of a tenant's users."""

import secrets
from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.accounts.directory import TenantUser, fetch_users, get_tenant_user
from regulars.accounts.memberships import add_new_member, change_role, end_membership
from regulars.accounts.users import hash_password
from regulars.api.authentication import Authenticator
from regulars.api.user_fields import NEW_MEMBER, ROLE
from regulars.api.user_parameters import PARAMETERS, listing_of
from regulars.db.database import Database
from regulars.http.idempotency import Done, Once
from regulars.http.json_body import JSON, MERGING, read_fields, read_json
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.pagination import Links, PageMeta, links_and_meta
from regulars.http.public_url import base_url
from regulars.http.query_params import Query, read_path_id
from regulars.http.responses import answer, is_strict
from regulars.permissions import Role, check_permitted
from regulars.settings import Settings

USERS = "/api/v1/users"
ID_PARAMETER = path_id("user", 7)


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
            description="The people who work in a tenant: searched, sorted, in pages.",
            answer=UserPage,
            tag="Users",
            scopes=("users:read",),
            parameters=PARAMETERS,
        ),
        "post": Operation(
            id="addUser",
            summary="Add a user",
            description="Makes whoever has this e-mail address a member of the tenant, again if they were one; their"
            " name and password stay as they are. Where nobody has it, they become a new user. For owners.",
            answer=UserAnswer,
            status=201,
            tag="Users",
            scopes=("users:write",),
            body=NEW_MEMBER,
            errors=(400, 401, 403, 405, 409, 413, 415, 422, 500, 503),
        ),
    }

    def __init__(self, database: Database, settings: Settings, authenticator: Authenticator, once: Once) -> None:
        self.database = database
        self.settings = settings
        self.authenticator = authenticator
        self.once = once

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """A page of the tenant's users."""
        principal = self.authenticator.principal(request, "users:read")
        query = Query(request.query_string)
        listing = listing_of(query.read(PARAMETERS, strict=is_strict(request, response)))
        users, total = fetch_users(self.database, principal.tenant_id, listing)
        links, meta = links_and_meta(
            base_url(request, self.settings.trusted_proxies) + USERS,
            query.without("page"),
            total=total,
            per_page=listing.per_page,
            page=listing.page,
            rows=len(users),
        )
        answer(request, response, UserPage(users, links, meta))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Another member."""
        principal = self.authenticator.principal(request, "users:write")
        Query(request.query_string).read((), strict=is_strict(request, response))
        given = read_fields(read_json(request), NEW_MEMBER)
        # Hashed outside of the transaction, which others wait for; and always, so that it takes as long for an address
        # that is known elsewhere. Without a password there is one that nobody knows.
        password_hash = hash_password(given.get("password") or secrets.token_urlsafe(32))

        def work() -> Done:
            user_id = add_new_member(
                self.database,
                principal.tenant_id,
                email=given["email"],
                name=given["name"],
                password_hash=password_hash,
                role=Role(given["role"]),
                actor=principal.actor,
            )
            user = get_tenant_user(self.database, principal.tenant_id, user_id)
            where = f"{base_url(request, self.settings.trusted_proxies)}{USERS}/{user_id}"
            return Done(UserAnswer("The user was added.", user), 201, {"Location": where})

        self.once.run(request, response, principal.identity, principal.tenant_id, work)


class OneUser:
    """`/api/v1/users/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getUser",
            summary="Get a user",
            description="One user of the tenant: a member, or who was one.",
            answer=UserAnswer,
            tag="Users",
            scopes=("users:read",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 422, 500, 503),
        ),
        **put_and_patch(
            "User",
            "Changes the role. A tenant keeps one owner at least. For owners.",
            summary="Change a user's role",
            answer=UserAnswer,
            tag="Users",
            scopes=("users:write",),
            path_parameters=ID_PARAMETER,
            body=(ROLE,),
            errors=(400, 401, 403, 404, 405, 409, 413, 415, 422, 500, 503),
        ),
        "delete": Operation(
            id="removeUser",
            summary="Remove a user",
            description="Lets the user be a member of the tenant no longer, as they may be already. For owners; and"
            " whoever leaves by themselves, whatever their role. A tenant keeps one owner at least.",
            answer=None,
            status=204,
            tag="Users",
            scopes=("users:write",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 409, 422, 500, 503),
        ),
    }

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The user."""
        principal = self.authenticator.principal(request, "users:read")
        Query(request.query_string).read((), strict=is_strict(request, response))
        user = get_tenant_user(self.database, principal.tenant_id, read_path_id(id, "user"))
        answer(request, response, UserAnswer("The user was found.", user))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the role."""
        self._update(request, response, id, (JSON,))

    def on_patch(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The same."""
        self._update(request, response, id, MERGING)

    def _update(
        self, request: falcon.Request, response: falcon.Response, id: str, media_types: tuple[str, ...]
    ) -> None:
        principal = self.authenticator.principal(request, "users:write")
        Query(request.query_string).read((), strict=is_strict(request, response))
        content = read_json(request, media_types=media_types)
        user_id = read_path_id(id, "user")
        get_tenant_user(self.database, principal.tenant_id, user_id)
        written = read_fields(content, (ROLE,), partial=True)
        if "role" in written:
            change_role(self.database, principal.tenant_id, user_id, Role(written["role"]), principal.actor)
        user = get_tenant_user(self.database, principal.tenant_id, user_id)
        answer(request, response, UserAnswer("The user was changed.", user))

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Let them be a member no longer."""
        principal = self.authenticator.member(request, "users:write")
        Query(request.query_string).read((), strict=is_strict(request, response))
        leaves_by_themselves = id == str(principal.identity.user_id)
        if not leaves_by_themselves:
            check_permitted(principal, "users:write", "remove others from the tenant")
        end_membership(self.database, principal.tenant_id, read_path_id(id, "user"), principal.actor)
        response.status = 204
