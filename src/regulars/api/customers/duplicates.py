"""Possible duplicates: pairs of customers, and the customers that a new one may be."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.customers.body import CUSTOMER_BODY, BodyContext, customer_reader
from regulars.api.customers.common import CustomerApi
from regulars.customers.read.duplicates import Reason, find_duplicates, find_duplicates_of, find_same_person
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.schemas import Customer
from regulars.db.database import Database
from regulars.http.json_body import Field, read_fields, read_json, read_text
from regulars.http.openapi import Operation
from regulars.http.query_params import integer_parameter, read_parameters
from regulars.http.responses import send_content
from regulars.tenants.tenants import get_tenant

MAX_PAIRS = 50
"""The customers of this many pairs fit on one page of the customer list (100)."""
PARAMETERS = (
    integer_parameter("limit", "The maximum number of pairs.", 20, low=1, high=MAX_PAIRS, default=20),
    integer_parameter("customer_id", "Only pairs with this customer.", 123, low=1, high=2**63 - 1),
)
MAX_SIMILAR = 5
MAX_TYPED = 255


def _typed_field(field: Field) -> Field:
    """Return a field of a customer whose value is None until what somebody types is valid."""

    def read(value: Any, context: BodyContext) -> Any:
        text = read_text(value, MAX_TYPED)
        try:
            return field.read(text, context)
        except ValueError:
            return None

    schema = {"type": ["string", "null"], "maxLength": MAX_TYPED}
    return Field(field.name, schema, "Ignored unless it is valid.", field.example, read)


CHECKED_NAMES = ("first_name", "last_name", "phone_number", "email", "date_of_birth", "identity_number")
CHECK_BODY = tuple(_typed_field(field) for field in CUSTOMER_BODY if field.name in CHECKED_NAMES)


class Duplicate(Struct, frozen=True):
    """Two customers that may be the same person."""

    customers: list[Customer]
    score: Annotated[float, Meta(description="The probability, from 0 to 1.", examples=[0.98])]
    reasons: Annotated[
        list[Reason], Meta(description="The values that both customers have in common.", examples=[["email"]])
    ]


class DuplicatesMeta(Struct, frozen=True):
    """The number of pairs."""

    total: Annotated[int, Meta(description=f"At most {MAX_PAIRS}, even if there are more.", examples=[12])]


class DuplicatesAnswer(Struct, frozen=True):
    """Pairs of customers that may be the same person, most likely first."""

    success: Annotated[str, Meta(examples=["These may be duplicates."])]
    data: list[Duplicate]
    meta: DuplicatesMeta


class SimilarCustomer(Struct, frozen=True):
    """A customer that may be the person whose values were sent."""

    customer: Customer
    score: Annotated[float, Meta(description="The probability, from 0 to 1.", examples=[0.8])]
    reasons: Annotated[list[Reason], Meta(description="The values in common.", examples=[["phone_number"]])]


class SimilarAnswer(Struct, frozen=True):
    """Customers that may be the person, most likely first."""

    success: Annotated[str, Meta(examples=["These customers are similar."])]
    data: list[SimilarCustomer]


class CustomerDuplicates:
    """`/api/v1/customers/duplicates`"""

    operations: ClassVar = {
        "get": Operation(
            id="listCustomerDuplicates",
            summary="Find duplicates",
            description="Returns pairs of customers, not in the trash, that may be the same person: the same phone"
            " number, e-mail address or identity number, or a similar name and the same date of birth. Most likely"
            " pairs come first; when they are merged or dismissed, others follow.",
            response=DuplicatesAnswer,
            tag="Customers",
            scopes=("customers:read",),
            parameters=PARAMETERS,
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the pairs."""
        principal = self.api.authenticator.principal(request, "customers:read")
        asked = read_parameters(request, response, *PARAMETERS)
        database, tenant_id = self.api.database, principal.tenant_id
        if "customer_id" in asked:
            pairs = find_duplicates_of(database, tenant_id, asked["customer_id"])[:MAX_PAIRS]
        else:
            pairs = find_duplicates(database, tenant_id, MAX_PAIRS)
        found_customers = _customers(database, tenant_id, {number for pair in pairs for number in pair[:2]})
        # A customer may be deleted between the two statements.
        found = [
            Duplicate([found_customers[pair.first_id], found_customers[pair.second_id]], pair.score, pair.reasons)
            for pair in pairs
            if {pair.first_id, pair.second_id} <= found_customers.keys()
        ]
        shown = found[: asked.get("limit", 20)]
        send_content(request, response, DuplicatesAnswer("These may be duplicates.", shown, DuplicatesMeta(len(found))))


class CheckDuplicates:
    """`/api/v1/customers/duplicates/check`"""

    operations: ClassVar = {
        "post": Operation(
            id="checkCustomerDuplicates",
            summary="Find customers that a new one may be",
            description="Returns up to five customers, not in the trash, that may be the person whose values are in"
            " the body, for a form that warns while somebody types. Values that are not complete yet are ignored. A"
            " similar first and last name is a reason of its own. Nothing is stored.",
            response=SimilarAnswer,
            tag="Customers",
            scopes=("customers:read",),
            body=CHECK_BODY,
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the customers."""
        principal = self.api.principal(request, response, "customers:read")
        database, tenant_id = self.api.database, principal.tenant_id
        context = customer_reader(get_tenant(database, tenant_id), database).context
        values = read_fields(read_json(request), CHECK_BODY, context=context)
        similar = find_same_person(database, tenant_id, values, context.text.today)[:MAX_SIMILAR]
        found = _customers(database, tenant_id, [each.customer_id for each in similar])
        shown = [
            SimilarCustomer(found[each.customer_id], each.score, each.reasons)
            for each in similar
            if each.customer_id in found
        ]
        send_content(request, response, SimilarAnswer("These customers are similar.", shown))


def _customers(database: Database, tenant_id: int, ids: Collection[int]) -> Mapping[int, Customer]:
    """Return those of the customers that are not in the trash, by id."""
    query = CustomerQuery(uncounted_filters={"ids": tuple(ids)}, per_page=2 * MAX_PAIRS)
    return {customer.id: customer for customer in fetch_page(database, tenant_id, query, date.min).customers}
