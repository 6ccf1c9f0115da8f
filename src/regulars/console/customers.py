"""The customers of a business, or those in its trash: the table, searched, filtered, sorted and scrolled."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import falcon

from regulars.accounts.memberships import list_members
from regulars.api.customers.parameters import query_of
from regulars.console.day_ranges import day_ranges
from regulars.console.filters import Filters, address_of_view
from regulars.console.formats import number
from regulars.console.pages import Pages
from regulars.console.screen import Screen, fragment_of, open_screen, show_fragment, show_screen
from regulars.customers.read.get import with_tags_of
from regulars.customers.read.list import CustomerQuery, Page, fetch_page
from regulars.customers.read.list_sql import SortBy
from regulars.customers.tags import list_tags
from regulars.customers.views import CustomerView, default_view, get_view
from regulars.errors import NotFound
from regulars.http.query_params import Query
from regulars.i18n import _
from regulars.tenants.channels import list_channels
from regulars.tenants.countries import list_countries

ROWS = 25
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
    "deleted_at": (_("Moved to the trash"), None),
}
"""The columns that the table can have: the heading, and the field by which it can be sorted."""
WITHOUT = {
    "gender": _("No gender"),
    "date_of_birth": _("No date of birth"),
    "channel_id": _("No channel"),
    "country_id": _("No country"),
    "user_id": _("Not assigned"),
}
"""The fields that can be empty, for the filter `without`."""
UNSAVED_VIEW = "all"
"""The value of the parameter `view` for the table without a saved view, although one is the default."""


@dataclass(frozen=True, slots=True)
class Place:
    """A table of customers: its path, the path before the id of an open customer, and the columns that it shows."""

    path: str
    customer_path: str
    columns: tuple[str, ...]
    is_trash: bool = False

    @property
    def headings(self) -> Mapping[str, tuple[str, SortBy | None]]:
        """The columns that the table can have."""
        return {name: heading for name, heading in COLUMNS.items() if self.is_trash or name != "deleted_at"}


CUSTOMERS = Place("/", "/customers", ("name", "phone_number", "email", "date_of_birth", "tags", "updated_at"))
TRASH = Place("/trash", "/trash", ("name", "phone_number", "email", "tags", "deleted_at"), is_trash=True)


@dataclass(frozen=True, slots=True)
class Table:
    """A page of the table, with everything that its templates show. `view` is the saved view that it started from."""

    place: Place
    page: Page
    filters: Filters
    query: CustomerQuery
    columns: tuple[str, ...]
    view: CustomerView | None

    @property
    def number(self) -> int:
        """The number of the page, from 1."""
        return self.query.page

    @property
    def last_page(self) -> int:
        """The number of the last page, from 1."""
        return max(1, -(-self.page.total // ROWS))


class Customers:
    """`/`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the table, or the part of it that a script asks for. Redirect to the address of a saved view."""
        screen = open_screen(self.pages, request, response)
        view = self._asked_view(request, screen)
        if view is None:
            show_table(self.pages, request, response, screen, CUSTOMERS, customer=None)
            return
        order = {"sort_by": view.sort_by, "sort_order": view.sort_order}
        columns = ",".join(column.name for column in view.columns or ())
        self.pages.redirect(
            response, "/?" + urlencode({"view": view.id} | address_of_view(view.filters, order, columns))
        )

    def _asked_view(self, request: falcon.Request, screen: Screen) -> CustomerView | None:
        """Return the view that the request names without its filters, or the default view of a bare address."""
        if fragment_of(request):
            return None
        given = Query(request.query_string).values
        if given.keys() == {"view"} and given["view"] != UNSAVED_VIEW:
            return get_view(self.pages.database, screen.principal, given["view"])
        return None if request.query_string else default_view(self.pages.database, screen.principal)


class Trash:
    """`/trash`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the table of the trash, or the part of it that a script asks for."""
        screen = open_screen(self.pages, request, response)
        show_table(self.pages, request, response, screen, TRASH, customer=None)


def show_table(
    pages: Pages, request: falcon.Request, response: falcon.Response, screen: Screen, place: Place, **values: Any
) -> None:
    """Send the page with the table of a place, or the part of it that a script asks for."""
    table = read_table(pages, request, screen, place)
    values |= _row_values(pages, screen, table)
    part = fragment_of(request)
    if part == "rows":
        show_fragment(pages, response, screen, "components/customer_rows", **values)
        return
    values |= _list_values(pages, screen, table)
    if part == "list":
        show_fragment(pages, response, screen, "components/customer_list", **values)
    else:
        show_screen(pages, request, response, screen, "customers", **values)


def read_table(pages: Pages, request: falcon.Request, screen: Screen, place: Place) -> Table:
    """Return the page of the table that the query of a request asks for. Raise `Invalid` if a value is not valid."""
    filters = Filters(request.query_string, screen.tenant.time_zone)
    values = filters.typed | {"per_page": ROWS}
    if place.is_trash:
        # What was moved to the trash last comes first.
        values = {"sort_by": "updated_at", "sort_order": "desc"} | values | {"trashed": True}
    query = query_of(values, in_pages=True)
    page = fetch_page(pages.database, screen.tenant.id, query, screen.today)
    customers = with_tags_of(pages.database, screen.tenant.id, page.customers)
    return Table(
        place=place,
        page=Page(customers, page.total),
        filters=filters,
        query=query,
        columns=read_columns(filters.get("columns"), place),
        view=_view(pages, screen, filters.get("view")),
    )


def read_columns(names: str, place: Place) -> tuple[str, ...]:
    """Return the columns of a table in a text with commas between their names; the usual ones if it has none."""
    chosen = [name for name in dict.fromkeys(names.split(",")) if name in place.headings and name != "name"]
    return ("name", *chosen) if chosen else place.columns


def _view(pages: Pages, screen: Screen, view_id: str) -> CustomerView | None:
    """Return the view with an id, or None: a view may have been deleted while its address is in use."""
    if not view_id:
        return None
    with suppress(NotFound):
        return get_view(pages.database, screen.principal, view_id)
    return None


def _row_values(pages: Pages, screen: Screen, table: Table) -> dict[str, Any]:
    """Return what the template of the rows needs."""
    channels = list_channels(pages.database, screen.tenant.id)
    return {
        "table": table,
        "channels": {channel.id: channel.name for channel in channels},
        "address_with": lambda **changes: "?" + urlencode(table.filters.changed(**changes)),
        "path_of": lambda customer: f"{table.place.customer_path}/{customer.id}?" + urlencode(table.filters.changed()),
    }


def _list_values(pages: Pages, screen: Screen, table: Table) -> dict[str, Any]:
    """Return what the templates of the filters and of the whole table need."""
    database, tenant_id = pages.database, screen.tenant.id
    return {
        "headings": table.place.headings,
        "choosable": [*table.columns[1:], *(name for name in table.place.headings if name not in table.columns)],
        "list_path": table.place.path,
        "total": number(table.page.total, screen.visitor.language),
        "rows_per_page": ROWS,
        "view": table.view,
        "is_view_changed": table.view is not None and _state_of(table) != _saved_state(table.view),
        "state": _state_of(table),
        "tag_options": [(str(tag.id), tag.name) for tag in list_tags(database, tenant_id)],
        "member_options": [(str(each.user_id), each.name) for each in list_members(database, tenant_id)],
        "channel_options": [(str(each.id), each.name) for each in list_channels(database, tenant_id)],
        "country_options": [(str(each.id), each.name) for each in list_countries(database)],
        "without_options": list(WITHOUT.items()),
        "day_ranges": day_ranges(screen.today),
    }


def _state_of(table: Table) -> dict[str, Any]:
    """Return what a saved view of the table has, as the API's body has it."""
    typed, columns = table.filters.typed, table.filters.get("columns")
    return {
        "filters": table.filters.as_json,
        "sort_by": typed.get("sort_by"),
        "sort_order": typed.get("sort_order"),
        "columns": [{"name": name} for name in table.columns] if columns else None,
    }


def _saved_state(view: CustomerView) -> dict[str, Any]:
    columns = [{"name": column.name} for column in view.columns] if view.columns else None
    return {"filters": view.filters, "sort_by": view.sort_by, "sort_order": view.sort_order, "columns": columns}
