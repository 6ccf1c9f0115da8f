"""Merge customers that are the same person, and undo a merge."""

from typing import Any, ClassVar

import falcon

from regulars.api.customers.common import ID_PARAMETER, CustomerApi, CustomerResult, expected_versions, id_of
from regulars.customers.schemas import CustomerAnswer
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.merge import merge_customers, unmerge_customers
from regulars.http.json_body import id_field, read_fields, read_json
from regulars.http.openapi import IF_MATCH, Operation

MERGE_BODY = (id_field("customer_id", "The other customer's id.", 124, required=True),)


def _operation(id: str, summary: str, description: str) -> Operation:
    return Operation(
        id=id,
        summary=summary,
        description=description,
        response=CustomerAnswer,
        tag="Customers",
        scopes=("customers:write",),
        path_parameters=ID_PARAMETER,
        body=MERGE_BODY,
        headers=(IF_MATCH,),
        errors=(410,),
    )


class MergeCustomers:
    """`/api/v1/customers/{id}/merge`"""

    operations: ClassVar = {
        "post": _operation(
            "mergeCustomer",
            "Merge another customer into this one",
            "Fills the empty fields of this customer from the other one, and unites their tags. The other customer"
            " moves to the trash. From then on it is answered with 410 and a `Link` to this one.",
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Merge the customers."""
        principal = self.api.principal(request, response, "customers:write")
        self.api.change(request, response, principal, self._merge, request, id, read_json(request))

    def _merge(self, changes: ChangeSet, request: falcon.Request, id: str, content: Any) -> CustomerResult:
        survivor = changes.get(id_of(id))
        other_id = read_fields(content, MERGE_BODY)["customer_id"]
        merge_customers(changes, survivor.id, other_id, expected_versions(request))
        return CustomerResult(survivor.id, "The customers were merged.", is_merged=True)


class UnmergeCustomers:
    """`/api/v1/customers/{id}/unmerge`"""

    operations: ClassVar = {
        "post": _operation(
            "unmergeCustomer",
            "Undo a merge",
            "Removes the values that came from the other customer and have not changed since, and restores the other"
            " customer.",
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Undo the merge."""
        principal = self.api.principal(request, response, "customers:write")
        self.api.change(request, response, principal, self._unmerge, request, id, read_json(request))

    def _unmerge(self, changes: ChangeSet, request: falcon.Request, id: str, content: Any) -> CustomerResult:
        survivor = changes.get(id_of(id))
        other_id = read_fields(content, MERGE_BODY)["customer_id"]
        unmerge_customers(changes, survivor.id, other_id, expected_versions(request))
        return CustomerResult(survivor.id, "The merge was undone.", is_merged=True)
