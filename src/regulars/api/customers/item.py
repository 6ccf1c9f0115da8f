"""One customer: read, changed, put into the trash, brought back, purged, erased."""

from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.body import CUSTOMER_BODY, customer_reader
from regulars.api.customers.common import (
    ID_PARAMETER,
    CustomerDoor,
    Ending,
    Shown,
    Told,
    etag_of,
    expected_versions,
    id_of,
)
from regulars.api.customers.parameters import INCLUDE
from regulars.customers.read.get import get_customer
from regulars.customers.schemas import CustomerAnswer
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.commands import (
    erase_customer,
    purge_customer,
    restore_customer,
    trash_customer,
    update_customer,
)
from regulars.http.json_body import JSON, MERGING, read_json
from regulars.http.openapi import IF_MATCH, Operation, put_and_patch
from regulars.http.query_params import flag_parameter
from regulars.http.responses import answer
from regulars.permissions import check_permitted

PERMANENTLY = flag_parameter("permanently", "`true`: purge it from the trash, where it must be already. For admins.")


class OneCustomer:
    """`/api/v1/customers/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getCustomer",
            summary="Get a customer",
            description="One customer of the tenant, in the trash or not.",
            answer=CustomerAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(INCLUDE,),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 410, 422, 500, 503),
        ),
        **put_and_patch(
            "Customer",
            "Changes the fields that are named. A field that is null is emptied.",
            summary="Change a customer",
            answer=CustomerAnswer,
            tag="Customers",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            body=CUSTOMER_BODY,
            headers=(IF_MATCH,),
            errors=(400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 500, 503),
        ),
        "delete": Operation(
            id="deleteCustomer",
            summary="Put a customer into the trash, or purge it",
            description="Puts the customer into the trash, where it may be already.",
            answer=None,
            status=204,
            tag="Customers",
            scopes=("customers:write",),
            parameters=(PERMANENTLY,),
            path_parameters=ID_PARAMETER,
            headers=(IF_MATCH,),
            errors=(400, 401, 403, 404, 405, 409, 410, 412, 422, 500, 503),
        ),
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The customer."""
        principal = self.door.authenticator.principal(request, "customers:read")
        with_tags = "include" in self.door.parameters(request, response, INCLUDE)
        with self.door.leading_on(request, response):
            found = get_customer(self.door.database, principal.tenant_id, id_of(id), with_tags=with_tags)
        content = CustomerAnswer("The customer was found.", found.customer)
        answer(request, response, content, etag_of(found))

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

        def work(changes: ChangeSet) -> Ending:
            reader = customer_reader(changes.tenant, self.door.database)
            changes.get(id_of(id))
            written = reader.read(content, partial=True)
            record = update_customer(changes, id_of(id), written, expected_versions(request))
            return Shown(record.id, "The customer was changed.", country_code=reader.country_code)

        self.door.change(request, response, principal, work)

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Put it into the trash; or purge it from there."""
        principal = self.door.authenticator.principal(request, "customers:write")
        permanently = self.door.parameters(request, response, PERMANENTLY).get("permanently", False)
        if permanently:
            check_permitted(principal, "customers:erase", "purge customers")

        def work(changes: ChangeSet) -> Ending:
            remove = purge_customer if permanently else trash_customer
            remove(changes, id_of(id), expected_versions(request))
            return Told(None)

        self.door.change(request, response, principal, work)


class Erased(Struct, frozen=True):
    """What was erased."""

    id: Annotated[int, Meta(description="The customer that there was.", examples=[123])]
    kinds: Annotated[list[str], Meta(description="The kinds of data that were held.", examples=[["email"]])]


class ErasedAnswer(Struct, frozen=True):
    """A person's data was erased."""

    success: Annotated[str, Meta(examples=["The personal data was erased."])]
    data: Erased


class RestoreCustomer:
    """`/api/v1/customers/{id}/restore`"""

    operations: ClassVar = {
        "post": Operation(
            id="restoreCustomer",
            summary="Bring a customer back",
            description="Takes the customer out of the trash, if it is there.",
            answer=CustomerAnswer,
            tag="Customers",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            headers=(IF_MATCH,),
            errors=(400, 401, 403, 404, 405, 409, 410, 412, 422, 500, 503),
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Bring it back."""
        principal = self.door.writer(request, response)

        def work(changes: ChangeSet) -> Ending:
            record = restore_customer(changes, id_of(id), expected_versions(request))
            return Shown(record.id, "The customer was restored.")

        self.door.change(request, response, principal, work)


class EraseCustomer:
    """`/api/v1/customers/{id}/erase`"""

    operations: ClassVar = {
        "post": Operation(
            id="eraseCustomer",
            summary="Erase a person's data",
            description="Removes all that is held about a customer, and about those that were merged into it: the"
            " customer itself, what its history says, kept answers. That it was done, by whom and when, and what kinds"
            " of data there were, stays in the history. For admins.",
            answer=ErasedAnswer,
            tag="Customers",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            errors=(400, 401, 403, 404, 405, 409, 410, 422, 500, 503),
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Erase it."""
        principal = self.door.writer(request, response, "customers:erase", "erase customers")

        def work(changes: ChangeSet) -> Ending:
            kinds = erase_customer(changes, id_of(id))
            return Told(ErasedAnswer("The personal data was erased.", Erased(id_of(id), kinds)))

        self.door.change(request, response, principal, work)
