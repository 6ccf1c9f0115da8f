"""The endpoint of channels."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.channels.queries import Channel, list_channels
from regulars.db.engine import Database
from regulars.http.answers import answer, is_strict
from regulars.http.openapi import Operation
from regulars.http.parameters import Query
from regulars.oauth.bearer import Authenticator


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
        )
    }

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The tenant's channels."""
        principal = self.authenticator.principal(request, "customers:read")
        Query(request.query_string).read((), strict=is_strict(request, response))
        channels = list_channels(self.database, principal.tenant_id)
        answer(request, response, ChannelsAnswer("The channels were found.", channels))
