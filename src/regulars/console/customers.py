"""The customers of a business: the table, searched, filtered, sorted and scrolled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import falcon

from regulars.accounts.memberships import list_members
from regulars.api.customers.parameters import check_ages, parameters_for, query_of
from regulars.console.filters import Filters
from regulars.console.formats import number
from regulars.console.pages import Pages
from regulars.console.screen import Screen, fragment_of, open_screen, show_fragment, show_screen
from regulars.customers.read.get import with_tags_of
from regulars.customers.read.list import Page, fetch_page
from regulars.customers.read.list_sql import SortBy
from regulars.customers.tags import list_tags
from regulars.http.query_params import Query
from regulars.i18n import _
from regulars.tenants.channels import list_channels

ROWS = 50
"""The number of rows that a page of the table has, and that a script loads at a time."""
COLUMNS: Mapping[str, tuple[str, SortBy | None]] = {
    "name": (_("Name"), "first_name"),
    "phone_number": (_("Phone"), None),
    "email": (_("E-mail"), None),
    "date_of_birth": (_("Date of birth · age"), "date_of_birth"),
    "tags": (_("Tags"), None),
    "gender": (_("Gender"), "gender"),
    "country": (_("Country"), None),
    "channel": (_("Channel"), None),
    "user": (_("Assigned to"), None),
    "identity_number": (_("Identity number"), None),
    "job": (_("Job"), None),
    "address": (_("Address"), None),
    "created_at": (_("Added"), "created_at"),
    "updated_at": (_("Changed"), "updated_at"),
}
"""The columns that the table can have: the heading, and the field by which it can be sorted."""
DEFAULT_COLUMNS = ("name", "phone_number", "email", "date_of_birth", "tags", "updated_at")
COLUMNS_COOKIE = "columns"


@dataclass(frozen=True, slots=True)
class Table:
    """A page of the table, with everything that its templates show."""

    page: Page
    filters: Filters
    columns: tuple[str, ...]
    sort_by: str
    sort_order: str
    number: int

    @property
    def last_page(self) -> int:
        """The number of the last page, from 1."""
        return max(1, -(-self.page.total // ROWS))


class Customers:
    """`/`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the table, or the part of it that a script asks for."""
        screen = open_screen(self.pages, request, response)
        show_table(self.pages, request, response, screen, "customers", customer=None)


def show_table(
    pages: Pages, request: falcon.Request, response: falcon.Response, screen: Screen, template: str, **values: Any
) -> None:
    """Send a page with the table, or the part of it that a script asks for."""
    table = read_table(pages, request, screen)
    values |= _row_values(pages, screen, table)
    part = fragment_of(request)
    if part == "rows":
        show_fragment(pages, response, screen, "components/customer_rows", **values)
        return
    values |= _list_values(pages, screen, table)
    if part == "list":
        show_fragment(pages, response, screen, "components/customer_list", **values)
    else:
        show_screen(pages, request, response, screen, template, **values)


def read_table(pages: Pages, request: falcon.Request, screen: Screen, *, trashed: bool = False) -> Table:
    """Return the page of the table that the query of a request asks for. Raise `Invalid` if a value is not valid."""
    query = Query(request.query_string)
    values = query.read(parameters_for(in_pages=True), check=check_ages)
    values |= {"per_page": ROWS} | ({"trashed": True} if trashed else {})
    wanted = query_of({name: value for name, value in values.items() if name != "include"}, in_pages=True)
    page = fetch_page(pages.database, screen.tenant.id, wanted, screen.today)
    customers = with_tags_of(pages.database, screen.tenant.id, page.customers)
    columns = query.values.get("columns", "") or pages.cookie(request, COLUMNS_COOKIE)
    return Table(
        page=Page(customers, page.total),
        filters=Filters(query.values),
        columns=_columns(columns),
        sort_by=wanted.sort_by,
        sort_order=wanted.sort_order,
        number=wanted.page,
    )


def _columns(names: str) -> tuple[str, ...]:
    chosen = [name for name in dict.fromkeys(names.split(",")) if name in COLUMNS and name != "name"]
    return ("name", *chosen) if chosen else DEFAULT_COLUMNS


def _row_values(pages: Pages, screen: Screen, table: Table) -> dict[str, Any]:
    """Return what the template of the rows needs."""
    channels = list_channels(pages.database, screen.tenant.id)
    return {
        "table": table,
        "channels": {channel.id: channel.name for channel in channels},
        "address_with": lambda **changes: "?" + urlencode(table.filters.changed(**changes)),
        "path_of": lambda customer: f"/customers/{customer.id}?" + urlencode(table.filters.changed()),
    }


def _list_values(pages: Pages, screen: Screen, table: Table) -> dict[str, Any]:
    """Return what the templates of the filters and of the whole table need."""
    return {
        "headings": COLUMNS,
        "choosable": [*table.columns[1:], *(name for name in COLUMNS if name not in table.columns)],
        "list_path": "/",
        "total": number(table.page.total, screen.visitor.language),
        "rows_per_page": ROWS,
        "tag_options": [(str(tag.id), tag.name) for tag in list_tags(pages.database, screen.tenant.id)],
        "member_options": [(str(each.user_id), each.name) for each in list_members(pages.database, screen.tenant.id)],
    }
