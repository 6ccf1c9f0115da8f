"""Tags."""

from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.common import Api
from regulars.customers.tags import (
    MAX_TAG_NAME_LENGTH,
    Tag,
    create_tag,
    delete_tag,
    get_tag,
    list_tags,
    read_color,
    read_tag_name,
    update_tag,
)
from regulars.http.idempotency import Result
from regulars.http.json_body import FILLED_PATTERN, read_fields, read_json, text_field
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.query_params import read_path_id
from regulars.http.responses import send_content
from regulars.i18n import _

PATH = "/api/v1/tags"
COLOR_SCHEMA = {"pattern": "^\\s*#[0-9A-Fa-f]{6}\\s*$"}
TAG_BODY = (
    text_field(
        "name",
        "Unique within the tenant, regardless of letter case. Must not contain |.",
        "VIP",
        read_tag_name,
        at_most=MAX_TAG_NAME_LENGTH,
        required=True,
        schema={"pattern": FILLED_PATTERN.replace("\\u0000", "|\\u0000")},
    ),
    text_field("color", "#RRGGBB.", "#E4572E", read_color, at_most=20, required=True, schema=COLOR_SCHEMA),
)
ID_PARAMETER = path_id("tag", 1)


class TagAnswer(Struct, frozen=True):
    """One tag."""

    success: Annotated[str, Meta(examples=["The tag was found."])]
    data: Tag


class TagsAnswer(Struct, frozen=True):
    """The tags of a tenant."""

    success: Annotated[str, Meta(examples=["The tags were found."])]
    data: list[Tag]


class TagList:
    """`/api/v1/tags`"""

    operations: ClassVar = {
        "get": Operation(
            id="listTags",
            summary="Get all tags",
            description="Returns the tags of a tenant, by name.",
            response=TagsAnswer,
            tag="Reference",
            scopes=("customers:read",),
        ),
        "post": Operation(
            id="createTag",
            summary="Create a tag",
            description="Creates a tag of the tenant.",
            response=TagAnswer,
            status=201,
            tag="Reference",
            scopes=("customers:write",),
            body=TAG_BODY,
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get all tags."""
        principal = self.api.principal(request, response, "customers:read")
        tags = list_tags(self.api.database, principal.tenant_id)
        send_content(request, response, TagsAnswer("The tags were found.", tags))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Create a tag."""
        principal = self.api.principal(request, response, "customers:write")
        self.api.run(request, response, principal, self._create, request, principal.tenant_id, read_json(request))

    def _create(self, request: falcon.Request, tenant_id: int, content: Any) -> Result:
        tag = create_tag(self.api.database, tenant_id, **read_fields(content, TAG_BODY))
        location = self.api.url(request, f"{PATH}/{tag.id}")
        return Result(TagAnswer("The tag was created.", tag), 201, {"Location": location})


class OneTag:
    """`/api/v1/tags/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getTag",
            summary="Get a tag",
            description="Returns a tag of the tenant.",
            response=TagAnswer,
            tag="Reference",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        ),
        **put_and_patch(
            "Tag",
            "Changes the given fields.",
            summary="Update a tag",
            response=TagAnswer,
            tag="Reference",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            body=TAG_BODY,
            errors=(409,),
        ),
        "delete": Operation(
            id="deleteTag",
            summary="Delete a tag",
            description="Deletes the tag and removes it from all customers.",
            response=None,
            status=204,
            tag="Reference",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the tag."""
        principal = self.api.principal(request, response, "customers:read")
        tag = get_tag(self.api.database, principal.tenant_id, read_path_id(id, _("tag")))
        send_content(request, response, TagAnswer("The tag was found.", tag))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the given fields."""
        principal = self.api.principal(request, response, "customers:write")
        content = read_json(request)
        tag_id = read_path_id(id, _("tag"))
        get_tag(self.api.database, principal.tenant_id, tag_id)
        written = read_fields(content, TAG_BODY, partial=True)
        tag = update_tag(self.api.database, principal.tenant_id, tag_id, **written)
        send_content(request, response, TagAnswer("The tag was changed.", tag))

    on_patch = on_put

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Delete the tag."""
        principal = self.api.principal(request, response, "customers:write")
        delete_tag(self.api.database, principal.tenant_id, read_path_id(id, _("tag")), principal.actor)
        response.status = 204
