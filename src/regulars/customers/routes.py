"""The customer endpoints."""

import re
from datetime import date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

import falcon
import msgspec

from regulars.customers.listing import Listing, fetch_page
from regulars.customers.parameters import PARAMETERS, check_ages, listing_of
from regulars.customers.queries import get_customer
from regulars.customers.schemas import Customer, CustomerAnswer
from regulars.db.engine import Database
from regulars.errors import NotFound
from regulars.http.address import base_url
from regulars.http.answers import answer, is_strict
from regulars.http.openapi import Operation
from regulars.http.paging import Links, PageMeta, links_and_meta
from regulars.http.parameters import Query, shown
from regulars.oauth.bearer import Authenticator
from regulars.settings import Settings

PATH = "/api/v1/customers"
ID = re.compile(r"[1-9][0-9]{0,17}")


class CustomerPage(msgspec.Struct, frozen=True):
    """A page of customers."""

    data: list[Customer]
    links: Links
    meta: PageMeta


class CustomerList:
    """`/api/v1/customers`"""

    operations: ClassVar = {
        "get": Operation(
            id="listCustomers",
            summary="Get all customers",
            description="The customers of a tenant: searched, filtered, sorted, in pages.",
            answer=CustomerPage,
            tag="Customers",
            scopes=("customers:read",),
            parameters=PARAMETERS,
        )
    }

    def __init__(self, database: Database, settings: Settings, authenticator: Authenticator) -> None:
        self.database = database
        self.settings = settings
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """A page of the tenant's customers."""
        principal = self.authenticator.principal(request, "customers:read")
        query = Query(request.query_string)
        listing = listing_of(query.read(PARAMETERS, check=check_ages, strict=is_strict(request, response)))
        today = _today(listing, principal.time_zone)
        customers, total = fetch_page(self.database, principal.tenant_id, listing, today)
        path = base_url(request, self.settings.trusted_proxies) + PATH
        links, meta = links_and_meta(
            path,
            query.without("page"),
            total=total,
            per_page=listing.per_page,
            page=listing.page,
            rows=len(customers),
        )
        answer(request, response, CustomerPage(customers, links, meta))


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
            path_parameters={
                "id": {"schema": {"type": "integer", "minimum": 1}, "description": "The customer's id.", "example": 123}
            },
            errors=(400, 401, 403, 404, 405, 422, 500, 503),
        )
    }

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self.database = database
        self.authenticator = authenticator

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """The customer."""
        principal = self.authenticator.principal(request, "customers:read")
        Query(request.query_string).read((), strict=is_strict(request, response))
        if not ID.fullmatch(id):
            raise NotFound(f"There is no customer {shown(id)}.")
        customer = get_customer(self.database, principal.tenant_id, int(id))
        answer(request, response, CustomerAnswer("The customer was found.", customer))


def _today(listing: Listing, time_zone: str) -> date:
    if listing.min_age is None and listing.max_age is None:
        return date.min
    return datetime.now(ZoneInfo(time_zone)).date()
