"""One customer: get, update, trash, purge, restore and erase."""

from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.body import CUSTOMER_BODY, customer_reader
from regulars.api.customers.common import (
    ID_PARAMETER,
    CustomerApi,
    CustomerResult,
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
from regulars.http.idempotency import Result
from regulars.http.json_body import read_json
from regulars.http.openapi import IF_MATCH, Operation, put_and_patch
from regulars.http.query_params import flag_parameter, read_parameters
from regulars.http.responses import send_content
from regulars.i18n import _
from regulars.permissions import check_permitted

PERMANENTLY = flag_parameter("permanently", "`true`: purge the customer, which must be in the trash. For admins.")


class OneCustomer:
    """`/api/v1/customers/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getCustomer",
            summary="Get a customer",
            description="Returns a customer of the tenant, in the trash or not.",
            response=CustomerAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(INCLUDE,),
            path_parameters=ID_PARAMETER,
            errors=(410,),
        ),
        **put_and_patch(
            "Customer",
            "Changes the given fields. A field that is null becomes empty.",
            summary="Update a customer",
            response=CustomerAnswer,
            tag="Customers",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            body=CUSTOMER_BODY,
            headers=(IF_MATCH,),
            errors=(409, 410),
        ),
        "delete": Operation(
            id="deleteCustomer",
            summary="Trash or purge a customer",
            description="Moves the customer to the trash. It may already be there.",
            response=None,
            status=204,
            tag="Customers",
            scopes=("customers:write",),
            parameters=(PERMANENTLY,),
            path_parameters=ID_PARAMETER,
            headers=(IF_MATCH,),
            errors=(409, 410),
        ),
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the customer."""
        principal = self.api.authenticator.principal(request, "customers:read")
        with_tags = "include" in read_parameters(request, response, INCLUDE)
        with self.api.merged_link(request, response):
            found = get_customer(self.api.database, principal.tenant_id, id_of(id), with_tags=with_tags)
        content = CustomerAnswer("The customer was found.", found.customer)
        send_content(request, response, content, etag_of(found))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Update the given fields."""
        principal = self.api.principal(request, response, "customers:write")
        self.api.change(request, response, principal, self._update, request, id, read_json(request))

    on_patch = on_put

    def _update(self, changes: ChangeSet, request: falcon.Request, id: str, content: Any) -> CustomerResult:
        changes.get(id_of(id))
        reader = customer_reader(changes.tenant, self.api.database)
        values = reader.read(content, partial=True)
        record = update_customer(changes, id_of(id), values, expected_versions(request))
        return CustomerResult(record.id, "The customer was changed.", country_code=reader.country_code)

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Move the customer to the trash or, with `permanently`, purge it from the trash."""
        principal = self.api.authenticator.principal(request, "customers:write")
        permanently = read_parameters(request, response, PERMANENTLY).get("permanently", False)
        if permanently:
            check_permitted(principal, "customers:erase", _("purge customers"))
        self.api.change(request, response, principal, self._remove, request, id, permanently)

    def _remove(self, changes: ChangeSet, request: falcon.Request, id: str, permanently: bool) -> Result:
        remove = purge_customer if permanently else trash_customer
        remove(changes, id_of(id), expected_versions(request))
        return Result(None, 204)


class RestoreCustomer:
    """`/api/v1/customers/{id}/restore`"""

    operations: ClassVar = {
        "post": Operation(
            id="restoreCustomer",
            summary="Restore a customer",
            description="Takes the customer out of the trash, if it is there.",
            response=CustomerAnswer,
            tag="Customers",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            headers=(IF_MATCH,),
            errors=(410,),
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Restore the customer."""
        principal = self.api.principal(request, response, "customers:write")
        self.api.change(request, response, principal, self._restore, request, id)

    def _restore(self, changes: ChangeSet, request: falcon.Request, id: str) -> CustomerResult:
        record = restore_customer(changes, id_of(id), expected_versions(request))
        return CustomerResult(record.id, "The customer was restored.")


class Erased(Struct, frozen=True):
    """The erased data."""

    id: Annotated[int, Meta(description="The id of the erased customer.", examples=[123])]
    kinds: Annotated[list[str], Meta(description="The fields that had values.", examples=[["email"]])]


class ErasedAnswer(Struct, frozen=True):
    """The personal data of a customer was erased."""

    success: Annotated[str, Meta(examples=["The personal data was erased."])]
    data: Erased


class EraseCustomer:
    """`/api/v1/customers/{id}/erase`"""

    operations: ClassVar = {
        "post": Operation(
            id="eraseCustomer",
            summary="Erase a person's data",
            description="Erases everything that is stored about a customer and about the customers that were merged"
            " into it: fields, the values in their history, and stored responses. The history still says that data was"
            " erased, when, by whom, and which fields had values. For admins.",
            response=ErasedAnswer,
            tag="Customers",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
            errors=(410,),
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Erase the customer's personal data."""
        principal = self.api.authenticator.principal(request, "customers:write")
        check_permitted(principal, "customers:erase", _("erase customers"))
        read_parameters(request, response)
        self.api.change(request, response, principal, self._erase, id)

    def _erase(self, changes: ChangeSet, id: str) -> Result:
        kinds = erase_customer(changes, id_of(id))
        return Result(ErasedAnswer("The personal data was erased.", Erased(id_of(id), kinds)))
