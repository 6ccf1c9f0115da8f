"""Customers who may be one person."""

from datetime import date
from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import CustomerDoor
from regulars.customers.read.duplicates import Reason, find_duplicates
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.schemas import Customer
from regulars.http.openapi import Operation
from regulars.http.query_params import integer_parameter
from regulars.http.responses import answer

MOST = 50
"""The list gives so many pairs' customers in one page."""
LIMIT = integer_parameter("limit", "The number of pairs at most.", 20, low=1, high=MOST, default=20)


class Duplicate(Struct, frozen=True):
    """Two customers who may be one person."""

    customers: list[Customer]
    score: Annotated[float, Meta(description="How likely it is, from 0 to 1.", examples=[0.98])]
    reasons: Annotated[list[Reason], Meta(description="By what they were found.", examples=[["email"]])]


class DuplicatesAnswer(Struct, frozen=True):
    """Pairs of customers who may be one person, the likeliest first."""

    success: Annotated[str, Meta(examples=["These may be duplicates."])]
    data: list[Duplicate]


class CustomerDuplicates:
    """`/api/v1/customers/duplicates`"""

    operations: ClassVar = {
        "get": Operation(
            id="listCustomerDuplicates",
            summary="Find duplicates",
            description="Pairs of customers, not in the trash, who may be one person: the same phone number, e-mail"
            " address or identity number, or nearly the same name and the same day of birth. The likeliest first; once"
            " some are merged, others follow.",
            answer=DuplicatesAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(LIMIT,),
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The pairs."""
        principal = self.door.authenticator.principal(request, "customers:read")
        limit = self.door.parameters(request, response, LIMIT).get("limit", 20)
        database, tenant_id = self.door.database, principal.tenant_id
        pairs = find_duplicates(database, tenant_id, limit)
        ids = tuple({number for pair in pairs for number in pair[:2]})
        page = fetch_page(
            database, tenant_id, CustomerQuery(uncounted_filters={"ids": ids}, per_page=2 * MOST), date.min
        )
        shown = {customer.id: customer for customer in page.customers}
        # Between the two statements one may have gone.
        found = [
            Duplicate([shown[pair.first_id], shown[pair.second_id]], pair.score, pair.reasons)
            for pair in pairs
            if {pair.first_id, pair.second_id} <= shown.keys()
        ]
        answer(request, response, DuplicatesAnswer("These may be duplicates.", found))
