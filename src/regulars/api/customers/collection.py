"""List and create customers."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import falcon
import msgspec

from regulars.api.customers.body import CUSTOMER_BODY, customer_reader
from regulars.api.customers.common import CREATED, PATH, CustomerApi, CustomerResult
from regulars.api.customers.parameters import PARAMETERS, check_filters, is_in_pages, parameters_for, query_of
from regulars.customers.read.cursors import Cursors
from regulars.customers.read.get import with_tags_of
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.schemas import Customer, CustomerAnswer
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.commands import create_customer
from regulars.http.json_body import read_json
from regulars.http.openapi import Operation
from regulars.http.pagination import Links, PageMeta, links_and_meta
from regulars.http.query_params import Query
from regulars.http.responses import is_strict, send_content


class CustomerPage(msgspec.Struct, frozen=True):
    """A page of customers."""

    data: list[Customer]
    links: Links
    meta: PageMeta


class CursorMeta(msgspec.Struct, frozen=True):
    """The cursor of the next request, and the total."""

    cursor: Annotated[
        str | None, msgspec.Meta(description="The cursor of the next request. Null at the end of the list.")
    ]
    has_more: bool
    total: int


class CustomerStretch(msgspec.Struct, frozen=True):
    """The first customers of a list, or those after a cursor."""

    data: list[Customer]
    meta: CursorMeta


class CustomerList:
    """`/api/v1/customers`"""

    operations: ClassVar = {
        "get": Operation(
            id="listCustomers",
            summary="Get all customers",
            description="Returns the customers of a tenant, searched, filtered, sorted and paginated.",
            response=CustomerPage,
            tag="Customers",
            scopes=("customers:read",),
            parameters=PARAMETERS,
            or_else=(CustomerStretch,),
        ),
        "post": Operation(
            id="createCustomer",
            summary="Create a customer",
            description="Creates a customer of the tenant. Fields that are null or omitted are empty.",
            response=CustomerAnswer,
            status=201,
            tag="Customers",
            scopes=("customers:write",),
            body=CUSTOMER_BODY,
        ),
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api
        self.cursors = Cursors(api.settings)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get a page of the tenant's customers."""
        principal = self.api.authenticator.principal(request, "customers:read")
        query = Query(request.query_string)
        in_pages = is_in_pages(query)
        parameters = parameters_for(in_pages=in_pages)
        values = query.read(parameters, check=check_filters, strict=is_strict(request, response))
        list_query = query_of(values, in_pages=in_pages)
        tenant_id = principal.tenant_id
        if "cursor" in values:
            list_query = replace(list_query, cursor=self.cursors.read(values["cursor"], tenant_id, list_query))
        page = fetch_page(self.api.database, tenant_id, list_query, _today(list_query, principal.time_zone))
        if "include" in values:
            page = replace(page, customers=with_tags_of(self.api.database, tenant_id, page.customers))
        after = self.cursors.write(page.after, tenant_id, list_query)
        if not in_pages:
            meta = CursorMeta(after, after is not None, page.total)
            send_content(request, response, CustomerStretch(page.customers, meta))
            return
        path = self.api.url(request, PATH)
        before = self.cursors.write(page.before, tenant_id, list_query)
        links, page_meta = links_and_meta(
            path,
            query.without("page", "cursor"),
            total=page.total,
            per_page=list_query.per_page,
            page=list_query.page,
            rows=len(page.customers),
            cursors=(before, after) if page.customers or list_query.cursor else None,
        )
        send_content(request, response, CustomerPage(page.customers, links, page_meta))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Create a customer."""
        principal = self.api.principal(request, response, "customers:write")
        self.api.change(request, response, principal, self._create, read_json(request))

    def _create(self, changes: ChangeSet, content: Any) -> CustomerResult:
        reader = customer_reader(changes.tenant, self.api.database)
        record = create_customer(changes, reader.read(content))
        return CustomerResult(record.id, "The customer was created.", CREATED, reader.country_code)


def _today(list_query: CustomerQuery, time_zone: str) -> date:
    if list_query.min_age is None and list_query.max_age is None:
        return date.min
    return datetime.now(ZoneInfo(time_zone)).date()
