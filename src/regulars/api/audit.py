"""The audit log of a tenant."""

from datetime import datetime
from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.common import Api
from regulars.api.invitations import check_owner
from regulars.http.openapi import Operation
from regulars.http.query_params import Query, integer_parameter, text_parameter
from regulars.http.responses import is_strict, send_content
from regulars.security.audit import NEWEST, list_tenant_events

LIST_PARAMETERS = (
    integer_parameter("limit", "The maximum number of events.", 100, low=1, high=1000, default=100),
    text_parameter(
        "before", "Only events older than the one with this id.", "019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de", at_most=36
    ),
    text_parameter("kind", "Only events of this kind.", "member.added", at_most=50),
)


class TenantEvent(Struct, frozen=True):
    """An event: who did what with which application."""

    id: Annotated[str, Meta(examples=["019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de"])]
    kind: Annotated[str, Meta(examples=["member.added"])]
    user_id: Annotated[int | None, Meta(description="The user who did it. Null: the operator.", examples=[7])]
    client_id: Annotated[str | None, Meta(examples=["console"])]
    about: Annotated[str | None, Meta(examples=["user 9: agent"])]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]


class TenantEventList(Struct, frozen=True):
    """Events of a tenant."""

    data: list[TenantEvent]


class AuditEvents:
    """`/api/v1/audit-events`"""

    operations: ClassVar = {
        "get": Operation(
            id="listAuditEvents",
            summary="Get the audit log",
            description="Returns changes of the tenant, its members, invitations and applications, newest first. For"
            " owners.",
            response=TenantEventList,
            tag="Users",
            scopes=("users:read",),
            parameters=LIST_PARAMETERS,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the events."""
        principal = self.api.authenticator.principal(request, "users:read")
        check_owner(principal)
        values = Query(request.query_string).read(LIST_PARAMETERS, strict=is_strict(request, response))
        events = list_tenant_events(
            self.api.database,
            principal.tenant_id,
            limit=values.get("limit", 100),
            before=values.get("before") or NEWEST,
            kind=values.get("kind"),
        )
        data = [
            TenantEvent(event.id, event.kind, event.user_id, event.client_id, event.about, event.created_at)
            for event in events
        ]
        send_content(request, response, TenantEventList(data))
