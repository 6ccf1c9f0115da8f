"""Invitations to a tenant: list, get, revoke and resend. `POST /api/v1/users` creates one."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.accounts.invitations import (
    Invitation,
    SentInvitation,
    get_invitation,
    list_invitations,
    resend_invitation,
    revoke_invitation,
)
from regulars.api.common import Api
from regulars.http.idempotency import Result
from regulars.http.openapi import Operation
from regulars.http.query_params import Query, choice_parameter
from regulars.http.responses import is_strict, send_content
from regulars.i18n import _
from regulars.permissions import Principal, check_permitted

INVITATIONS_PATH = "/api/v1/invitations"
STATUSES = ("pending", "accepted", "declined", "revoked", "expired")
LIST_PARAMETERS = (choice_parameter("status", "Only invitations with this status.", "pending", options=STATUSES),)
ID_PARAMETER = {
    "id": {
        "schema": {"type": "string"},
        "description": "The invitation's id.",
        "example": "019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de",
    }
}


class InvitationList(Struct, frozen=True):
    """The invitations of a tenant."""

    data: list[Invitation]


class InvitationAnswer(Struct, frozen=True):
    """An invitation."""

    success: Annotated[str, Meta(examples=["The invitation was found."])]
    data: Invitation


class SentInvitationAnswer(Struct, frozen=True):
    """An invitation that was just sent."""

    success: Annotated[str, Meta(examples=["The invitation was sent."])]
    data: SentInvitation

    @classmethod
    def of(cls, invitation: SentInvitation) -> "SentInvitationAnswer":
        """Return the response. It says that the invitation was e-mailed, or that its link must be passed on."""
        sent = "The invitation was sent."
        return cls(sent if invitation.is_mailed else "The invitation was created. Pass on its link.", invitation)


class Invitations:
    """`/api/v1/invitations`"""

    operations: ClassVar = {
        "get": Operation(
            id="listInvitations",
            summary="Get all invitations",
            description="Returns the invitations of the tenant, newest first. Those that have ended are kept for 30"
            " days. For owners.",
            response=InvitationList,
            tag="Users",
            scopes=("users:read",),
            parameters=LIST_PARAMETERS,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the invitations."""
        principal = self.api.authenticator.principal(request, "users:read")
        check_owner(principal)
        values = Query(request.query_string).read(LIST_PARAMETERS, strict=is_strict(request, response))
        found = list_invitations(self.api.database, principal.tenant_id)
        wanted = [each for each in found if values.get("status") in {None, each.status}]
        send_content(request, response, InvitationList(wanted))


class OneInvitation:
    """`/api/v1/invitations/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getInvitation",
            summary="Get an invitation",
            description="Returns an invitation of the tenant. For owners.",
            response=InvitationAnswer,
            tag="Users",
            scopes=("users:read",),
            path_parameters=ID_PARAMETER,
        ),
        "delete": Operation(
            id="revokeInvitation",
            summary="Revoke an invitation",
            description="Ends a pending invitation: its links stop working. It may already have ended. For owners.",
            response=None,
            status=204,
            tag="Users",
            scopes=("users:write",),
            path_parameters=ID_PARAMETER,
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the invitation."""
        principal = self.api.principal(request, response, "users:read")
        check_owner(principal)
        found = get_invitation(self.api.database, principal.tenant_id, id)
        send_content(request, response, InvitationAnswer("The invitation was found.", found))

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Revoke the invitation."""
        principal = self.api.principal(request, response, "users:write")
        revoke_invitation(self.api.database, principal.tenant_id, id, principal.actor)
        response.status = 204


class ResendInvitation:
    """`/api/v1/invitations/{id}/resend`"""

    operations: ClassVar = {
        "post": Operation(
            id="resendInvitation",
            summary="Resend an invitation",
            description="Sends a pending or expired invitation again with a new link, valid for seven days. Earlier"
            " links stop working. For owners.",
            response=SentInvitationAnswer,
            tag="Users",
            scopes=("users:write",),
            path_parameters=ID_PARAMETER,
            errors=(409,),
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Send the invitation again."""
        principal = self.api.principal(request, response, "users:write")
        self.api.run(request, response, principal, self._resend, principal, id)

    def _resend(self, principal: Principal, invitation_id: str) -> Result:
        sent = resend_invitation(
            self.api.database, self.api.settings, principal.tenant_id, invitation_id, principal.actor
        )
        return Result(SentInvitationAnswer.of(sent))


def check_owner(principal: Principal) -> None:
    """Raise `Forbidden` unless the principal is an owner of the tenant."""
    check_permitted(principal, "users:write", _("see its invitations and audit log"))
