"""Possible duplicates that were dismissed: pairs of customers that are not the same person."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import CustomerApi
from regulars.customers.change_log import ChangeAuthor
from regulars.customers.dismissals import Dismissal, delete_dismissal, dismiss, list_dismissals
from regulars.customers.write.change_set import ChangeSet
from regulars.db.idempotency_keys import SEVERAL_CUSTOMERS
from regulars.errors import Conflict, Gone, NotFound
from regulars.http.idempotency import Result
from regulars.http.json_body import Field, read_fields, read_id, read_json
from regulars.http.openapi import Operation
from regulars.http.query_params import integer_parameter, read_parameters, text_parameter
from regulars.http.responses import send_content
from regulars.i18n import _
from regulars.permissions import Principal
from regulars.validation import quote

PATH = "/api/v1/customers/duplicates/dismissals"
EXAMPLE_ID = "019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de"
ID_PARAMETER = {"id": {"schema": {"type": "string"}, "description": "The dismissal's id.", "example": EXAMPLE_ID}}
PARAMETERS = (
    integer_parameter("limit", "The maximum number of pairs.", 100, low=1, high=1000, default=100),
    text_parameter("before", "Only pairs that were dismissed before the one with this id.", EXAMPLE_ID, at_most=36),
)


def _read_pair(value: Any) -> tuple[int, ...]:
    pair = tuple(sorted(set(map(read_id, value)))) if isinstance(value, list) and len(value) == 2 else ()
    if len(pair) != 2:
        raise ValueError(_("must be a list of two different ids, not {value}", value=quote(value)))
    return pair


DISMISSAL_BODY = (
    Field(
        "customer_ids",
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
            "minItems": 2,
            "maxItems": 2,
            "uniqueItems": True,
        },
        "The ids of the two customers.",
        [123, 124],
        _read_pair,
        required=True,
    ),
)


class DismissedCustomerInfo(Struct, frozen=True):
    """A customer of a dismissed pair."""

    id: Annotated[int, Meta(examples=[123])]
    first_name: Annotated[str, Meta(examples=["Ayşe"])]
    last_name: Annotated[str | None, Meta(examples=["Yılmaz"])]


class DismissalInfo(Struct, frozen=True):
    """Two customers that are not the same person."""

    id: Annotated[str, Meta(examples=[EXAMPLE_ID])]
    customers: list[DismissedCustomerInfo]
    user: Annotated[ChangeAuthor | None, Meta(description="The user who said so. Null: a service account.")]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]


class DismissalAnswer(Struct, frozen=True):
    """One dismissal."""

    success: Annotated[str, Meta(examples=["The possible duplicate was dismissed."])]
    data: DismissalInfo


class DismissalList(Struct, frozen=True):
    """Dismissed pairs of a tenant."""

    data: list[DismissalInfo]


def _info(found: Dismissal) -> DismissalInfo:
    author = None
    if found.user_id is not None and found.user_name is not None:
        author = ChangeAuthor(found.user_id, found.user_name)
    pair = [DismissedCustomerInfo(*customer) for customer in found.customers]
    return DismissalInfo(found.id, pair, author, found.created_at)


class Dismissals:
    """`/api/v1/customers/duplicates/dismissals`"""

    operations: ClassVar = {
        "get": Operation(
            id="listDismissedDuplicates",
            summary="Get dismissed duplicates",
            description="Returns the pairs of customers that are not the same person, the last dismissed ones first.",
            response=DismissalList,
            tag="Customers",
            scopes=("customers:read",),
            parameters=PARAMETERS,
        ),
        "post": Operation(
            id="dismissDuplicate",
            summary="Dismiss a possible duplicate",
            description="Stores that two customers are not the same person, so that they are no longer listed as"
            " possible duplicates, whatever changes. A repetition changes nothing. If one of them is purged, erased or"
            " merged into another customer, this is forgotten.",
            response=DismissalAnswer,
            status=201,
            tag="Customers",
            scopes=("customers:write",),
            body=DISMISSAL_BODY,
        ),
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the dismissed pairs."""
        principal = self.api.authenticator.principal(request, "customers:read")
        asked = read_parameters(request, response, *PARAMETERS)
        found = list_dismissals(
            self.api.database,
            principal.tenant_id,
            before=asked.get("before") or "~",
            limit=asked.get("limit", 100),
        )
        send_content(request, response, DismissalList([_info(each) for each in found]))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Dismiss a pair."""
        principal = self.api.principal(request, response, "customers:write")
        self.api.change(request, response, principal, self._dismiss, principal, read_json(request))

    def _dismiss(self, changes: ChangeSet, principal: Principal, content: Any) -> Result:
        pair = read_fields(content, DISMISSAL_BODY)["customer_ids"]
        faults = []
        for number in pair:
            try:
                changes.get(number)
            except (NotFound, Gone) as error:
                faults.append(error.message)
        if faults:
            raise Conflict(faults[0], {"customer_ids": faults})
        found = dismiss(self.api.database, principal.tenant_id, pair, principal.actor)
        answer = DismissalAnswer("The possible duplicate was dismissed.", _info(found))
        return Result(answer, 201, customer_id=SEVERAL_CUSTOMERS)


class OneDismissal:
    """`/api/v1/customers/duplicates/dismissals/{id}`"""

    operations: ClassVar = {
        "delete": Operation(
            id="deleteDismissal",
            summary="Undo the dismissal of a possible duplicate",
            description="The two customers may be listed as possible duplicates again.",
            response=None,
            status=204,
            tag="Customers",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Delete the dismissal."""
        principal = self.api.principal(request, response, "customers:write")
        delete_dismissal(self.api.database, principal.tenant_id, id)
        response.status = 204
