"""The endpoints of channels."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.authentication import Authenticator
from regulars.api.channel_fields import NAME, NEW_CHANNEL
from regulars.db.database import Database
from regulars.http.idempotency import Done, Once
from regulars.http.json_body import JSON, MERGING, read_fields, read_json
from regulars.http.openapi import Operation, path_id, put_and_patch
from regulars.http.public_url import base_url
from regulars.http.query_params import Query, read_path_id
from regulars.http.responses import answer, is_strict
from regulars.permissions import Principal
from regulars.settings import Settings
from regulars.tenants.channels import (
    Channel,
    create_channel,
    delete_channel,
    get_channel,
    list_channels,
    rename_channel,
)

CHANNELS = "/api/v1/channels"
ID_PARAMETER = path_id("channel", 1)


class ChannelAnswer(Struct, frozen=True):
    """One channel."""

    success: Annotated[str, Meta(examples=["The channel was found."])]
    data: Channel


class ChannelsAnswer(Struct, frozen=True):
    """A tenant's channels."""

    success: Annotated[str, Meta(examples=["The channels were found."])]
    data: list[Channel]


class ChannelList:
    """`/api/v1/channels`"""

    operations: ClassVar = {
        "get": Operation(
            id="listChannels",
            summary="Get all channels",
            description="The channels of a tenant, which a customer's `default_channel_id` refers to.",
            answer=ChannelsAnswer,
            tag="Reference",
            scopes=("customers:read",),
        ),
        "post": Operation(
            id="createChannel",
            summary="Create a channel",
            description="A new channel of the tenant. For admins.",
            answer=ChannelAnswer,
            status=201,
            tag="Reference",
            scopes=("tenants:write",),
            body=NEW_CHANNEL,
            errors=(400, 401, 403, 405, 409, 413, 415, 422, 500, 503),
        ),
    }

    def __init__(self, database: Database, settings: Settings, authenticator: Authenticator, once: Once) -> None:
        self.database = database
        self.settings = settings
        self.authenticator = authenticator
        self.once = once

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The tenant's channels."""
        principal = _principal(self.authenticator, request, response, "customers:read")
        channels = list_channels(self.database, principal.tenant_id)
        answer(request, response, ChannelsAnswer("The channels were found.", channels))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """A new channel."""
        principal = _principal(self.authenticator, request, response, "tenants:write")
        content = read_json(request)

        def work() -> Done:
            channel = create_channel(self.database, principal.tenant_id, **read_fields(content, NEW_CHANNEL))
            where = f"{base_url(request, self.settings.trusted_proxies)}{CHANNELS}/{channel.id}"
            return Done(ChannelAnswer("The channel was created.", channel), 201, {"Location": where})

        self.once.run(request, response, principal.identity, principal.tenant_id, work)


class OneChannel:
    """`/api/v1/channels/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getChannel",
            summary="Get a channel",
            description="One channel of the tenant.",
            answer=ChannelAnswer,
            tag="Reference",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 422, 500, 503),
        ),
        **put_and_patch(
            "Channel",
            "Changes the name. For admins.",
            summary="Change a channel",
            answer=ChannelAnswer,
            tag="Reference",
            scopes=("tenants:write",),
            path_parameters=ID_PARAMETER,
            body=(NAME,),
            errors=(400, 401, 403, 404, 405, 413, 415, 422, 500, 503),
        ),
        "delete": Operation(
            id="deleteChannel",
            summary="Delete a channel",
            description="Removes a channel that no customer has as the default channel. For admins.",
            answer=None,
            status=204,
            tag="Reference",
            scopes=("tenants:write",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 409, 422, 500, 503),
        ),
    }

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The channel."""
        principal = _principal(self.authenticator, request, response, "customers:read")
        channel = get_channel(self.database, principal.tenant_id, read_path_id(id, "channel"))
        answer(request, response, ChannelAnswer("The channel was found.", channel))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the name."""
        self._update(request, response, id, (JSON,))

    def on_patch(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The same."""
        self._update(request, response, id, MERGING)

    def _update(
        self, request: falcon.Request, response: falcon.Response, id: str, media_types: tuple[str, ...]
    ) -> None:
        principal = _principal(self.authenticator, request, response, "tenants:write")
        content = read_json(request, media_types=media_types)
        channel = get_channel(self.database, principal.tenant_id, read_path_id(id, "channel"))
        written = read_fields(content, (NAME,), partial=True)
        if "name" in written:
            channel = rename_channel(self.database, principal.tenant_id, channel.id, written["name"])
        answer(request, response, ChannelAnswer("The channel was changed.", channel))

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Remove it."""
        principal = _principal(self.authenticator, request, response, "tenants:write")
        delete_channel(self.database, principal.tenant_id, read_path_id(id, "channel"))
        response.status = 204


def _principal(
    authenticator: Authenticator, request: falcon.Request, response: falcon.Response, scope: str
) -> Principal:
    """Who asks; no address of channels has parameters."""
    principal = authenticator.principal(request, scope)
    Query(request.query_string).read((), strict=is_strict(request, response))
    return principal
