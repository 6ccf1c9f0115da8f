"""The change log of a tenant's customers, and the history of one customer."""

from dataclasses import replace
from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import ID_PARAMETER, CustomerApi, id_of
from regulars.customers.change_log import CustomerChange, last_position, last_seen_position, list_changes, list_history
from regulars.customers.read.get import check_customer
from regulars.errors import Conflict
from regulars.http.openapi import Operation
from regulars.http.query_params import integer_parameter, read_parameters
from regulars.http.responses import send_content
from regulars.i18n import _

LIMIT = 100
FROM_NOW_ON = "now"
SINCE = integer_parameter(
    "since",
    "Only changes after this position, which is `meta.cursor` of the previous response.",
    0,
    low=0,
    high=2**63 - 1,
    default=0,
)
SINCE_OR_NOW = replace(
    SINCE,
    schema={"anyOf": [SINCE.schema, {"const": FROM_NOW_ON}], "default": 0},
    description=f"{SINCE.description} `{FROM_NOW_ON}`: only future changes.",
    read=lambda text: text if text == FROM_NOW_ON else SINCE.read(text),
)
LIMIT_PARAMETER = integer_parameter("limit", "The maximum number of changes.", LIMIT, low=1, high=1000, default=LIMIT)


class ChangesMeta(Struct, frozen=True):
    """The position after these changes."""

    cursor: Annotated[int, Meta(description="The value of `since` in the next request.", examples=[4711])]
    has_more: Annotated[bool, Meta(description="Whether there are more changes.")]


class ChangesAnswer(Struct, frozen=True):
    """Changes, oldest first."""

    data: list[CustomerChange]
    meta: ChangesMeta


class CustomerChanges:
    """`/api/v1/customers/changes`"""

    operations: ClassVar = {
        "get": Operation(
            id="listCustomerChanges",
            summary="Follow all changes",
            description="Returns the changes of the tenant's customers, in order and without gaps. A client that"
            " continues with `meta.cursor` misses no change and gets none twice.",
            response=ChangesAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(SINCE_OR_NOW, LIMIT_PARAMETER),
            errors=(409,),
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the changes after a position. Raise `Conflict` if the position is after the last change."""
        principal = self.api.authenticator.principal(request, "customers:read")
        values = read_parameters(request, response, SINCE_OR_NOW, LIMIT_PARAMETER)
        since, limit = values.get("since", 0), values.get("limit", LIMIT)
        if since == FROM_NOW_ON:
            since = last_seen_position(self.api.database, principal.tenant_id)
            send_content(request, response, _page([], since, limit))
            return
        found = list_changes(self.api.database, principal.tenant_id, since, limit + 1)
        if not found and since > (last := last_position(self.api.database, principal.tenant_id)):
            sentence = _(
                "since {since} is after the last change, {last}. Read all customers again, then continue from there.",
                since=since,
                last=last,
            )
            raise Conflict(sentence, {"since": [sentence]})
        send_content(request, response, _page(found, since, limit))


class CustomerHistory:
    """`/api/v1/customers/{id}/history`"""

    operations: ClassVar = {
        "get": Operation(
            id="getCustomerHistory",
            summary="Get a customer's history",
            description="Returns the changes of a customer, oldest first: the time, the user, the application, and the"
            " values before and after. The history remains after the customer is deleted.",
            response=ChangesAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(SINCE, LIMIT_PARAMETER),
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the changes of a customer."""
        principal = self.api.authenticator.principal(request, "customers:read")
        values = read_parameters(request, response, SINCE, LIMIT_PARAMETER)
        since, limit = values.get("since", 0), values.get("limit", LIMIT)
        database, tenant_id = self.api.database, principal.tenant_id
        found = list_history(database, tenant_id, id_of(id), since, limit + 1)
        # A customer without changes may exist, for example in generated data: raise `NotFound` only if it does not.
        if not found and not list_history(database, tenant_id, id_of(id), 0, 1):
            check_customer(database, tenant_id, id_of(id))
        send_content(request, response, _page(found, since, limit))


def _page(found: list[CustomerChange], since: int, limit: int) -> ChangesAnswer:
    changes = found[:limit]
    cursor = changes[-1].position if changes else since
    return ChangesAnswer(changes, ChangesMeta(cursor, len(found) > limit))
