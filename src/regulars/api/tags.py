"""The endpoints of tags."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import CustomerDoor
from regulars.customers.tags import (
    Tag,
    create_tag,
    delete_tag,
    get_tag,
    list_tags,
    read_color,
    read_tag_name,
    update_tag,
)
from regulars.http.idempotency import Done
from regulars.http.json_body import FILLED_PATTERN, JSON, MERGING, read_fields, read_json, text_field
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.public_url import base_url
from regulars.http.query_params import read_path_id
from regulars.http.responses import answer

TAGS = "/api/v1/tags"
COLOR = {"pattern": "^\\s*#[0-9A-Fa-f]{6}\\s*$"}
FIELDS = (
    text_field(
        "name",
        "No two tags of a tenant have the same, whatever the letter case; without |.",
        "VIP",
        read_tag_name,
        at_most=60,
        required=True,
        schema={"pattern": FILLED_PATTERN.replace("\\u0000", "|\\u0000")},
    ),
    text_field("color", "#RRGGBB.", "#E4572E", read_color, at_most=20, required=True, schema=COLOR),
)
ID_PARAMETER = path_id("tag", 1)


class TagAnswer(Struct, frozen=True):
    """One tag."""

    success: Annotated[str, Meta(examples=["The tag was found."])]
    data: Tag


class TagsAnswer(Struct, frozen=True):
    """A tenant's tags."""

    success: Annotated[str, Meta(examples=["The tags were found."])]
    data: list[Tag]


class TagList:
    """`/api/v1/tags`"""

    operations: ClassVar = {
        "get": Operation(
            id="listTags",
            summary="Get all tags",
            description="The tags of a tenant, by name.",
            answer=TagsAnswer,
            tag="Reference",
            scopes=("customers:read",),
        ),
        "post": Operation(
            id="createTag",
            summary="Create a tag",
            description="A new tag of the tenant.",
            answer=TagAnswer,
            status=201,
            tag="Reference",
            scopes=("customers:write",),
            body=FIELDS,
            errors=(400, 401, 403, 405, 409, 413, 415, 422, 500, 503),
        ),
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The tenant's tags."""
        principal = self.door.authenticator.principal(request, "customers:read")
        self.door.parameters(request, response)
        tags = list_tags(self.door.database, principal.tenant_id)
        answer(request, response, TagsAnswer("The tags were found.", tags))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """A new tag."""
        principal = self.door.writer(request, response)
        content = read_json(request)

        def work() -> Done:
            tag = create_tag(self.door.database, principal.tenant_id, **read_fields(content, FIELDS))
            where = f"{base_url(request, self.door.settings.trusted_proxies)}{TAGS}/{tag.id}"
            return Done(TagAnswer("The tag was created.", tag), 201, {"Location": where})

        self.door.once.run(request, response, principal.identity, principal.tenant_id, work)


class OneTag:
    """`/api/v1/tags/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getTag",
            summary="Get a tag",
            description="One tag of the tenant.",
            answer=TagAnswer,
            tag="Reference",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 422, 500, 503),
        ),
        **put_and_patch(
            "Tag",
            "Changes the fields that are named.",
            summary="Change a tag",
            answer=TagAnswer,
            tag="Reference",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            body=FIELDS,
            errors=(400, 401, 403, 404, 405, 409, 413, 415, 422, 500, 503),
        ),
        "delete": Operation(
            id="deleteTag",
            summary="Delete a tag",
            description="Removes the tag, from all customers who have it too.",
            answer=None,
            status=204,
            tag="Reference",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 422, 500, 503),
        ),
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The tag."""
        principal = self.door.authenticator.principal(request, "customers:read")
        self.door.parameters(request, response)
        tag = get_tag(self.door.database, principal.tenant_id, read_path_id(id, "tag"))
        answer(request, response, TagAnswer("The tag was found.", tag))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the fields that are named."""
        self._update(request, response, id, (JSON,))

    def on_patch(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The same."""
        self._update(request, response, id, MERGING)

    def _update(
        self, request: falcon.Request, response: falcon.Response, id: str, media_types: tuple[str, ...]
    ) -> None:
        principal = self.door.writer(request, response)
        content = read_json(request, media_types=media_types)
        tag_id = read_path_id(id, "tag")
        get_tag(self.door.database, principal.tenant_id, tag_id)
        written = read_fields(content, FIELDS, partial=True)
        tag = update_tag(self.door.database, principal.tenant_id, tag_id, **written)
        answer(request, response, TagAnswer("The tag was changed.", tag))

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Remove it."""
        principal = self.door.writer(request, response)
        delete_tag(self.door.database, principal.tenant_id, read_path_id(id, "tag"), principal.actor)
        response.status = 204
