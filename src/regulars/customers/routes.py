"""The customer endpoints."""

import re
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

import falcon
import msgspec

from regulars.customers.cursors import Cursors
from regulars.customers.listing import Listing, fetch_page
from regulars.customers.parameters import PARAMETERS, check_ages, is_in_pages, listing_of, parameters_for
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


class CursorMeta(msgspec.Struct, frozen=True):
    """Where the list goes on, if it does, and how many customers it has in all."""

    cursor: Annotated[str | None, msgspec.Meta(description="For the next request; null at the end of the list.")]
    has_more: bool
    total: int


class CustomerStretch(msgspec.Struct, frozen=True):
    """Some customers of the list, and how it goes on."""

    data: list[Customer]
    meta: CursorMeta


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
            or_else=(CustomerStretch,),
        )
    }

    def __init__(self, database: Database, settings: Settings, authenticator: Authenticator) -> None:
        self.database = database
        self.settings = settings
        self.authenticator = authenticator
        self.cursors = Cursors(settings)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """A page of the tenant's customers."""
        principal = self.authenticator.principal(request, "customers:read")
        query = Query(request.query_string)
        in_pages = is_in_pages(query)
        parameters = parameters_for(in_pages=in_pages)
        values = query.read(parameters, check=check_ages, strict=is_strict(request, response))
        listing = listing_of(values, in_pages=in_pages)
        tenant_id = principal.tenant_id
        if "cursor" in values:
            listing = replace(listing, cursor=self.cursors.read(values["cursor"], tenant_id, listing))
        page = fetch_page(self.database, tenant_id, listing, _today(listing, principal.time_zone))
        after = self.cursors.write(page.after, tenant_id, listing)
        if not in_pages:
            meta = CursorMeta(after, after is not None, page.total)
            answer(request, response, CustomerStretch(page.customers, meta))
            return
        path = base_url(request, self.settings.trusted_proxies) + PATH
        before = self.cursors.write(page.before, tenant_id, listing)
        links, page_meta = links_and_meta(
            path,
            query.without("page", "cursor"),
            total=page.total,
            per_page=listing.per_page,
            page=listing.page,
            rows=len(page.customers),
            cursors=(before, after) if page.customers or listing.cursor else None,
        )
        answer(request, response, CustomerPage(page.customers, links, page_meta))


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
