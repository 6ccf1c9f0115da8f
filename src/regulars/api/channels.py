"""Channels."""

from typing import Annotated, Any, ClassVar, get_args

import falcon
from msgspec import Meta, Struct

from regulars.api.common import Api
from regulars.http.idempotency import Result
from regulars.http.json_body import choice_field, read_fields, read_json, text_field
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.query_params import read_path_id
from regulars.http.responses import send_content
from regulars.i18n import _
from regulars.tenants.channels import (
    Channel,
    ChannelKind,
    create_channel,
    delete_channel,
    get_channel,
    list_channels,
    rename_channel,
)
from regulars.validation import MAX_NAME_LENGTH, read_name

PATH = "/api/v1/channels"
ID_PARAMETER = path_id("channel", 1)
NAME = text_field("name", "The name that people see.", "WhatsApp", read_name, at_most=MAX_NAME_LENGTH, required=True)
KIND = choice_field(
    "kind", "The kind, which cannot be changed.", "whatsapp", options=get_args(ChannelKind), required=True
)
NEW_CHANNEL = (KIND, NAME)


class ChannelAnswer(Struct, frozen=True):
    """One channel."""

    success: Annotated[str, Meta(examples=["The channel was found."])]
    data: Channel


class ChannelsAnswer(Struct, frozen=True):
    """The channels of a tenant."""

    success: Annotated[str, Meta(examples=["The channels were found."])]
    data: list[Channel]


class ChannelList:
    """`/api/v1/channels`"""

    operations: ClassVar = {
        "get": Operation(
            id="listChannels",
            summary="Get all channels",
            description="Returns the channels of a tenant, to which a customer's `default_channel_id` refers.",
            response=ChannelsAnswer,
            tag="Reference",
            scopes=("customers:read",),
        ),
        "post": Operation(
            id="createChannel",
            summary="Create a channel",
            description="Creates a channel of the tenant. For admins.",
            response=ChannelAnswer,
            status=201,
            tag="Reference",
            scopes=("tenants:write",),
            body=NEW_CHANNEL,
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get all channels."""
        principal = self.api.principal(request, response, "customers:read")
        channels = list_channels(self.api.database, principal.tenant_id)
        send_content(request, response, ChannelsAnswer("The channels were found.", channels))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Create a channel."""
        principal = self.api.principal(request, response, "tenants:write")
        self.api.run(request, response, principal, self._create, request, principal.tenant_id, read_json(request))

    def _create(self, request: falcon.Request, tenant_id: int, content: Any) -> Result:
        channel = create_channel(self.api.database, tenant_id, **read_fields(content, NEW_CHANNEL))
        location = self.api.url(request, f"{PATH}/{channel.id}")
        return Result(ChannelAnswer("The channel was created.", channel), 201, {"Location": location})


class OneChannel:
    """`/api/v1/channels/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getChannel",
            summary="Get a channel",
            description="Returns a channel of the tenant.",
            response=ChannelAnswer,
            tag="Reference",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        ),
        **put_and_patch(
            "Channel",
            "Changes the name. For admins.",
            summary="Update a channel",
            response=ChannelAnswer,
            tag="Reference",
            scopes=("tenants:write",),
            path_parameters=ID_PARAMETER,
            body=(NAME,),
        ),
        "delete": Operation(
            id="deleteChannel",
            summary="Delete a channel",
            description="Deletes a channel that is not the default channel of a customer. For admins.",
            response=None,
            status=204,
            tag="Reference",
            scopes=("tenants:write",),
            path_parameters=ID_PARAMETER,
            errors=(409,),
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the channel."""
        principal = self.api.principal(request, response, "customers:read")
        channel = get_channel(self.api.database, principal.tenant_id, read_path_id(id, _("channel")))
        send_content(request, response, ChannelAnswer("The channel was found.", channel))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the name, if it is given."""
        principal = self.api.principal(request, response, "tenants:write")
        content = read_json(request)
        channel = get_channel(self.api.database, principal.tenant_id, read_path_id(id, _("channel")))
        written = read_fields(content, (NAME,), partial=True)
        if "name" in written:
            channel = rename_channel(self.api.database, principal.tenant_id, channel.id, written["name"])
        send_content(request, response, ChannelAnswer("The channel was changed.", channel))

    on_patch = on_put

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Delete the channel."""
        principal = self.api.principal(request, response, "tenants:write")
        delete_channel(self.api.database, principal.tenant_id, read_path_id(id, _("channel")))
        response.status = 204
