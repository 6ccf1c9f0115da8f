"""The list of customers, and where new ones are made."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

import falcon
import msgspec

from regulars.api.customers.body import CUSTOMER_BODY, customer_reader
from regulars.api.customers.common import PATH, CustomerDoor, Ending, Shown
from regulars.api.customers.parameters import PARAMETERS, check_ages, is_in_pages, parameters_for, query_of
from regulars.customers.read.cursors import Cursors
from regulars.customers.read.get import with_tags_of
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.schemas import Customer, CustomerAnswer
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.commands import create_customer
from regulars.http.json_body import read_json
from regulars.http.openapi import Operation
from regulars.http.pagination import Links, PageMeta, links_and_meta
from regulars.http.public_url import base_url
from regulars.http.query_params import Query
from regulars.http.responses import answer, is_strict


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
        ),
        "post": Operation(
            id="createCustomer",
            summary="Create a customer",
            description="A new customer of the tenant. Fields that are null or left out are not known.",
            answer=CustomerAnswer,
            status=201,
            tag="Customers",
            scopes=("customers:write",),
            body=CUSTOMER_BODY,
            errors=(400, 401, 403, 405, 409, 413, 415, 422, 500, 503),
        ),
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door
        self.database = door.database
        self.settings = door.settings
        self.authenticator = door.authenticator
        self.cursors = Cursors(door.settings)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """A page of the tenant's customers."""
        principal = self.authenticator.principal(request, "customers:read")
        query = Query(request.query_string)
        in_pages = is_in_pages(query)
        parameters = parameters_for(in_pages=in_pages)
        values = query.read(parameters, check=check_ages, strict=is_strict(request, response))
        listing = query_of(values, in_pages=in_pages)
        tenant_id = principal.tenant_id
        if "cursor" in values:
            listing = replace(listing, cursor=self.cursors.read(values["cursor"], tenant_id, listing))
        page = fetch_page(self.database, tenant_id, listing, _today(listing, principal.time_zone))
        if "include" in values:
            page = replace(page, customers=with_tags_of(self.database, tenant_id, page.customers))
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

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """A new customer."""
        principal = self.door.writer(request, response)
        content = read_json(request)

        def work(changes: ChangeSet) -> Ending:
            reader = customer_reader(changes.tenant, self.database)
            record = create_customer(changes, reader.read(content))
            return Shown(record.id, "The customer was created.", status=201, country_code=reader.country_code)

        self.door.change(request, response, principal, work)


def _today(listing: CustomerQuery, time_zone: str) -> date:
    if listing.min_age is None and listing.max_age is None:
        return date.min
    return datetime.now(ZoneInfo(time_zone)).date()
