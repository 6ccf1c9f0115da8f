"""Merging customers who are one person, and undoing it."""

from typing import ClassVar

import falcon

from regulars.api.customers.common import ID_PARAMETER, CustomerDoor, Ending, Shown, expected_versions, id_of
from regulars.customers.schemas import CustomerAnswer
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.merge import merge_customers, unmerge_customers
from regulars.http.json_body import id_field, read_fields, read_json
from regulars.http.openapi import IF_MATCH, Operation

FIELDS = (id_field("customer_id", "The other customer's id.", 124, required=True),)


def _operation(id: str, summary: str, description: str) -> Operation:
    return Operation(
        id=id,
        summary=summary,
        description=description,
        answer=CustomerAnswer,
        tag="Customers",
        scopes=("customers:write",),
        path_parameters=ID_PARAMETER,
        body=FIELDS,
        headers=(IF_MATCH,),
        errors=(400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 500, 503),
    )


class MergeCustomers:
    """`/api/v1/customers/{id}/merge`"""

    operations: ClassVar = {
        "post": _operation(
            "mergeCustomer",
            "Merge another customer into this one",
            "This one's empty fields are filled from the other, and their tags are united. The other goes to the trash,"
            " and is 410 from then on, with a `Link` to this one.",
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Merge them."""
        principal = self.door.writer(request, response)
        content = read_json(request)

        def work(changes: ChangeSet) -> Ending:
            survivor = changes.get(id_of(id))
            other_id = read_fields(content, FIELDS)["customer_id"]
            merge_customers(changes, survivor.id, other_id, expected_versions(request))
            return Shown(survivor.id, "The customers were merged.", is_merged=True)

        self.door.change(request, response, principal, work)


class UnmergeCustomers:
    """`/api/v1/customers/{id}/unmerge`"""

    operations: ClassVar = {
        "post": _operation(
            "unmergeCustomer",
            "Undo a merge",
            "What came from the other customer, and is still as it came, is taken out again; the other comes back.",
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Take them apart."""
        principal = self.door.writer(request, response)
        content = read_json(request)

        def work(changes: ChangeSet) -> Ending:
            survivor = changes.get(id_of(id))
            other_id = read_fields(content, FIELDS)["customer_id"]
            unmerge_customers(changes, survivor.id, other_id, expected_versions(request))
            return Shown(survivor.id, "The merge was undone.", is_merged=True)

        self.door.change(request, response, principal, work)
