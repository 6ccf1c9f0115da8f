"""What happened to customers: to one of them, and to all."""

from dataclasses import replace
from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import ID_PARAMETER, CustomerDoor, id_of
from regulars.customers.change_log import CustomerChange, last_position, last_seen_position, list_changes, list_history
from regulars.customers.read.get import check_customer
from regulars.errors import Conflict
from regulars.http.openapi import Operation
from regulars.http.query_params import integer_parameter
from regulars.http.responses import answer

LIMIT = 100
FROM_NOW_ON = "now"
SINCE = integer_parameter(
    "since", "Only changes after this one: `meta.cursor` of the answer before.", 0, low=0, high=2**63 - 1, default=0
)
OR_NOW = replace(
    SINCE,
    schema={"anyOf": [SINCE.schema, {"const": FROM_NOW_ON}], "default": 0},
    description=f"{SINCE.description} `{FROM_NOW_ON}`: only those to come.",
    read=lambda text: text if text == FROM_NOW_ON else SINCE.read(text),
)
LIMIT_PARAMETER = integer_parameter("limit", "The number of changes at most.", LIMIT, low=1, high=1000, default=LIMIT)


class ChangesMeta(Struct, frozen=True):
    """Where the changes go on."""

    cursor: Annotated[int, Meta(description="For the next request, as `since`.", examples=[4711])]
    has_more: Annotated[bool, Meta(description="Whether there are more by now.")]


class ChangesAnswer(Struct, frozen=True):
    """Some changes, the oldest first."""

    data: list[CustomerChange]
    meta: ChangesMeta


class CustomerChanges:
    """`/api/v1/customers/changes`"""

    operations: ClassVar = {
        "get": Operation(
            id="listCustomerChanges",
            summary="Follow all changes",
            description="What happened to the tenant's customers, in order and without gaps: who asks again with"
            " `meta.cursor` misses nothing and gets nothing twice.",
            answer=ChangesAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(OR_NOW, LIMIT_PARAMETER),
            errors=(400, 401, 403, 405, 409, 422, 500, 503),
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The changes after the one that is named."""
        principal = self.door.authenticator.principal(request, "customers:read")
        values = self.door.parameters(request, response, OR_NOW, LIMIT_PARAMETER)
        since, limit = values.get("since", 0), values.get("limit", LIMIT)
        if since == FROM_NOW_ON:
            since = last_seen_position(self.door.database, principal.tenant_id)
            answer(request, response, _some([], since, limit))
            return
        found = list_changes(self.door.database, principal.tenant_id, since, limit + 1)
        if not found and since > (last := last_position(self.door.database, principal.tenant_id)):
            sentence = (
                f"The since, {since}, is beyond the last change, {last}: read the customers anew, then follow it."
            )
            raise Conflict(sentence, {"since": [sentence]})
        answer(request, response, _some(found, since, limit))


class CustomerHistory:
    """`/api/v1/customers/{id}/history`"""

    operations: ClassVar = {
        "get": Operation(
            id="getCustomerHistory",
            summary="Get a customer's history",
            description="What happened to one customer, the oldest first: what changed, when, who did it, with which"
            " application, and from what to what. It stays when the customer is gone.",
            answer=ChangesAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(SINCE, LIMIT_PARAMETER),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 422, 500, 503),
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The customer's changes."""
        principal = self.door.authenticator.principal(request, "customers:read")
        values = self.door.parameters(request, response, SINCE, LIMIT_PARAMETER)
        since, limit = values.get("since", 0), values.get("limit", LIMIT)
        database, tenant_id = self.door.database, principal.tenant_id
        found = list_history(database, tenant_id, id_of(id), since, limit + 1)
        # Those who were there before the history began have none.
        if not found and not list_history(database, tenant_id, id_of(id), 0, 1):
            check_customer(database, tenant_id, id_of(id))
        answer(request, response, _some(found, since, limit))


def _some(found: list[CustomerChange], since: int, limit: int) -> ChangesAnswer:
    some = found[:limit]
    cursor = some[-1].position if some else since
    return ChangesAnswer(some, ChangesMeta(cursor, len(found) > limit))
