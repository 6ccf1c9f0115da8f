"""`regulars customer list` and `regulars customer search`"""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from regulars.cli.database import opened
from regulars.cli.filters import Filters, read_filters, with_filters
from regulars.cli.options import DatabaseOption, JsonOption, TenantOption
from regulars.cli.output import print_json, print_table
from regulars.db.database import Database

if TYPE_CHECKING:
    from regulars.customers.read.list import CustomerQuery, Page
    from regulars.customers.schemas import Customer
    from regulars.tenants.tenants import Tenant

MAX_LIMIT = 10_000
ROWS_PER_READ = 1_000
"""Each part of a search counts its matches again, so parts of 100 customers, as in the API, take four times as long."""
COLUMNS = ("id", "name", "phone_number", "email", "date_of_birth", "updated_at")

LimitOption = Annotated[str, typer.Option(metavar="NUMBER", help="Number of customers per page, up to 10,000.")]
PageOption = Annotated[str, typer.Option(metavar="NUMBER", help="The page number.")]
WordsArgument = Annotated[
    list[str],
    typer.Argument(metavar="WORDS", help="Parts of the name, phone number, e-mail address or identity number."),
]


@with_filters
def list_customers(
    tenant: TenantOption,
    filters: Filters,
    limit: LimitOption = "20",
    page: PageOption = "1",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """List customers of a tenant, newest first."""
    _show(database, tenant, {**filters, "limit": limit, "page": page}, as_json=as_json)


@with_filters
def search_customers(
    words: WordsArgument,
    tenant: TenantOption,
    filters: Filters,
    limit: LimitOption = "20",
    page: PageOption = "1",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """List the customers that contain every word. Letter case, accents and dots of the i are ignored."""
    asked = {**filters, "search": " ".join(words), "limit": limit, "page": page}
    _show(database, tenant, asked, as_json=as_json)


def _show(database: str | None, tenant_id: int, asked: Filters, *, as_json: bool) -> None:
    """Print a page of the list. Raise `NotFound` if there is no such tenant, and `Invalid` if an option is invalid."""
    from regulars.tenants.tenants import get_tenant

    query = _query_of(asked)
    with opened(database) as (db, _):
        page = _read(db, get_tenant(db, tenant_id), query)
    if as_json:
        print_json(page.customers)
        return
    print_table(COLUMNS, [_cells(customer) for customer in page.customers])
    if sys.stdout.isatty():
        noun = "customer" if page.total == 1 else "customers"
        sys.stderr.write(f"{len(page.customers):,} of {page.total:,} {noun}.\n")


def _query_of(asked: Filters) -> "CustomerQuery":
    from regulars.api.customers.parameters import query_of
    from regulars.http.query_params import integer_parameter

    limit = integer_parameter("limit", "The number of customers.", 20, low=1, high=MAX_LIMIT)
    return query_of(read_filters(asked, limit), in_pages=False)


def _read(database: Database, tenant: "Tenant", query: "CustomerQuery") -> "Page":
    """Return the page for a query, which may have more rows than one statement should read."""
    from regulars.customers.read.list import Page, fetch_page

    fetch = partial(fetch_page, database, tenant.id, today=datetime.now(ZoneInfo(tenant.time_zone)).date())
    skipped = (query.page - 1) * query.per_page
    if skipped == 0:
        return _read_in_parts(fetch, query)
    last_skipped = fetch(replace(query, page=skipped, per_page=1))
    if last_skipped.after is None:
        return Page([], last_skipped.total)
    return _read_in_parts(fetch, replace(query, cursor=last_skipped.after))


def _read_in_parts(fetch: Callable[["CustomerQuery"], "Page"], query: "CustomerQuery") -> "Page":
    """Return the page that starts at the cursor of a query or at the start of the list, in parts of `ROWS_PER_READ`."""
    from regulars.customers.read.list import Page

    found: list[Customer] = []
    while True:
        part = fetch(replace(query, per_page=min(query.per_page - len(found), ROWS_PER_READ)))
        found += part.customers
        if part.after is None or len(found) == query.per_page:
            return Page(found, part.total)
        query = replace(query, cursor=part.after)


def _cells(customer: "Customer") -> list[str]:
    fields = msgspec.to_builtins(customer)
    name = " ".join(filter(None, (fields["first_name"], fields["last_name"])))
    born = (fields["date_of_birth"] or "")[:10]
    return [str(customer.id), name, fields["phone_number"] or "", fields["email"] or "", born, fields["updated_at"]]
