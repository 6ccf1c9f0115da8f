"""Possible duplicates."""

from datetime import date
from typing import Annotated, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.common import CustomerApi
from regulars.customers.read.duplicates import Reason, find_duplicates
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.schemas import Customer
from regulars.http.openapi import Operation
from regulars.http.query_params import integer_parameter, read_parameters
from regulars.http.responses import send_content

MAX_PAIRS = 50
"""The customers of this many pairs fit on one page of the customer list (100)."""
LIMIT = integer_parameter("limit", "The maximum number of pairs.", 20, low=1, high=MAX_PAIRS, default=20)


class Duplicate(Struct, frozen=True):
    """Two customers that may be the same person."""

    customers: list[Customer]
    score: Annotated[float, Meta(description="The probability, from 0 to 1.", examples=[0.98])]
    reasons: Annotated[
        list[Reason], Meta(description="The values that both customers have in common.", examples=[["email"]])
    ]


class DuplicatesAnswer(Struct, frozen=True):
    """Pairs of customers that may be the same person, most likely first."""

    success: Annotated[str, Meta(examples=["These may be duplicates."])]
    data: list[Duplicate]


class CustomerDuplicates:
    """`/api/v1/customers/duplicates`"""

    operations: ClassVar = {
        "get": Operation(
            id="listCustomerDuplicates",
            summary="Find duplicates",
            description="Returns pairs of customers, not in the trash, that may be the same person: the same phone"
            " number, e-mail address or identity number, or a similar name and the same date of birth. Most likely"
            " pairs come first; when they are merged, others follow.",
            response=DuplicatesAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=(LIMIT,),
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the pairs."""
        principal = self.api.authenticator.principal(request, "customers:read")
        limit = read_parameters(request, response, LIMIT).get("limit", 20)
        database, tenant_id = self.api.database, principal.tenant_id
        pairs = find_duplicates(database, tenant_id, limit)
        ids = tuple({number for pair in pairs for number in pair[:2]})
        page = fetch_page(
            database, tenant_id, CustomerQuery(uncounted_filters={"ids": ids}, per_page=2 * MAX_PAIRS), date.min
        )
        found_customers = {customer.id: customer for customer in page.customers}
        # A customer may be deleted between the two statements.
        found = [
            Duplicate([found_customers[pair.first_id], found_customers[pair.second_id]], pair.score, pair.reasons)
            for pair in pairs
            if {pair.first_id, pair.second_id} <= found_customers.keys()
        ]
        send_content(request, response, DuplicatesAnswer("These may be duplicates.", found))
