"""One customer: beside the table or on a page of its own, with its history, and forms to change it without scripts."""

from typing import Any
from urllib.parse import urlencode

import falcon

from regulars.accounts.memberships import list_members
from regulars.api.customers.body import customer_reader
from regulars.api.customers.common import etag_of, id_of
from regulars.console.customer_history import ACTIONS, history_of
from regulars.console.customers import CUSTOMERS, TRASH, Place, show_table
from regulars.console.filters import Filters
from regulars.console.formats import date_of, full_name
from regulars.console.pages import Form, Pages
from regulars.console.screen import Screen, fragment_of, open_screen, show_fragment, show_screen
from regulars.customers.read.get import Found, get_customer
from regulars.customers.schemas import Customer
from regulars.customers.tags import list_tags
from regulars.customers.write.change_set import open_change_set
from regulars.customers.write.commands import (
    create_customer,
    purge_customer,
    restore_customer,
    trash_customer,
    update_customer,
)
from regulars.errors import Conflict, Gone, Invalid, PreconditionFailed
from regulars.i18n import _
from regulars.permissions import CONSOLE, Actor
from regulars.tenants.channels import list_channels
from regulars.tenants.countries import list_countries

TEXT_FIELDS = (
    "first_name",
    "last_name",
    "phone_number",
    "email",
    "date_of_birth",
    "identity_number",
    "job",
    "address",
    "avatar_url",
)
CHOICE_FIELDS = ("gender",)
REFERENCE_FIELDS = ("country_id", "default_channel_id", "user_id")
LABELS = {
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "phone_number": _("Phone"),
    "email": _("E-mail"),
    "date_of_birth": _("Date of birth"),
    "gender": _("Gender"),
    "country_id": _("Country"),
    "identity_number": _("Identity number"),
    "job": _("Job"),
    "address": _("Address"),
    "default_channel_id": _("Channel"),
    "user_id": _("Assigned to"),
    "tags": _("Tags"),
    "avatar_url": _("Address of a picture"),
    "deleted_at": _("Trash"),
}


class OneCustomer:
    """`/customers/{id}` and `/trash/{id}`"""

    def __init__(self, pages: Pages, place: Place) -> None:
        self.pages = pages
        self.place = place

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Show the customer beside the table, or only the part of the page that a script asks for."""
        screen = open_screen(self.pages, request, response)
        try:
            found = get_customer(self.pages.database, screen.tenant.id, id_of(id), with_tags=True)
        except Gone as error:
            self.pages.redirect(response, f"/customers/{error.merged_into_id}")
            return
        values = panel_values(self.pages, request, screen, self.place, found)
        if fragment_of(request) == "panel":
            response.set_header("X-Title", urlencode({"": full_name(found.customer)})[1:])
            show_fragment(self.pages, response, screen, "components/customer_panel", **values)
        else:
            show_table(self.pages, request, response, screen, self.place, **values)

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Move the customer to the trash, take it out, or purge it."""
        screen = open_screen(self.pages, request, response, "customers:write")
        form = self.pages.form(request, screen.visitor)
        if form.get("do") == "purge":
            self._purge(request, response, id_of(id))
            return
        with open_changes(self.pages, screen) as changes:
            if form.get("do") == "trash":
                trash_customer(changes, id_of(id))
            elif form.get("do") == "restore":
                restore_customer(changes, id_of(id))
        self.pages.redirect(response, f"/customers/{id_of(id)}")

    def _purge(self, request: falcon.Request, response: falcon.Response, customer_id: int) -> None:
        screen = open_screen(self.pages, request, response, "customers:erase")
        with open_changes(self.pages, screen) as changes:
            purge_customer(changes, customer_id)
        self.pages.redirect(response, TRASH.path)


class EditCustomer:
    """`/customers/{id}/edit`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Show a form with all fields."""
        screen = open_screen(self.pages, request, response, "customers:write")
        found = get_customer(self.pages.database, screen.tenant.id, id_of(id), with_tags=True)
        show_form(self.pages, request, response, screen, found, values=stored_values(self.pages, found.customer))

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Store the form; show it again if a value is not valid, or if somebody else has changed the customer."""
        screen = open_screen(self.pages, request, response, "customers:write")
        form = self.pages.form(request, screen.visitor)
        found = get_customer(self.pages.database, screen.tenant.id, id_of(id), with_tags=True)
        expected = [int(form.get("version"))] if form.get("version").isdigit() else None
        try:
            with open_changes(self.pages, screen) as changes:
                values = customer_reader(changes.tenant, self.pages.database).read(_content(form), partial=True)
                update_customer(changes, id_of(id), values, expected)
        except Invalid as error:
            _show_again(self.pages, request, response, screen, found, form, error.errors)
        except PreconditionFailed:
            changed: dict[str, list[str]] = {
                "form": [_("Somebody else has changed this customer. Check the values, then save again.")]
            }
            _show_again(self.pages, request, response, screen, found, form, changed, status=409)
        except Conflict as error:
            faults = error.errors or {"form": [error.message]}
            _show_again(self.pages, request, response, screen, found, form, faults, status=409)
        else:
            self.pages.redirect(response, f"/customers/{id_of(id)}")


class NewCustomer:
    """`/customers/new`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show an empty form."""
        screen = open_screen(self.pages, request, response, "customers:write")
        show_form(self.pages, request, response, screen, None, values={})

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Create the customer; show the form again if a value is not valid."""
        screen = open_screen(self.pages, request, response, "customers:write")
        form = self.pages.form(request, screen.visitor)
        try:
            with open_changes(self.pages, screen) as changes:
                values = customer_reader(changes.tenant, self.pages.database).read(_content(form))
                record = create_customer(changes, values)
        except Invalid as error:
            _show_again(self.pages, request, response, screen, None, form, error.errors)
        except Conflict as error:
            faults = error.errors or {"form": [error.message]}
            _show_again(self.pages, request, response, screen, None, form, faults, status=409)
        else:
            self.pages.redirect(response, f"/customers/{record.id}")


def customer_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of the pages of one customer."""
    return [
        ("/customers/new", NewCustomer(pages)),
        ("/customers/{id}", OneCustomer(pages, CUSTOMERS)),
        ("/trash/{id}", OneCustomer(pages, TRASH)),
        ("/customers/{id}/edit", EditCustomer(pages)),
    ]


def panel_values(pages: Pages, request: falcon.Request, screen: Screen, place: Place, found: Found) -> dict[str, Any]:
    """Return what the template of a customer needs."""
    database = pages.database
    return {
        "customer": found.customer,
        "etag": etag_of(found),
        "values": stored_values(pages, found.customer),
        "labels": LABELS,
        "history": history_of(database, screen, found.customer.id),
        "actions": ACTIONS,
        "close_path": f"{place.path}?" + urlencode(Filters(request.query_string, screen.tenant.time_zone).changed()),
        **choices_of(pages, screen),
    }


def choices_of(pages: Pages, screen: Screen) -> dict[str, Any]:
    """Return the values that fields of a customer can have, by field, each with its name."""
    database, tenant_id = pages.database, screen.tenant.id
    return {
        "choices": {
            "gender": [("female", _("female")), ("male", _("male")), ("other", _("other"))],
            "country_id": [(country.id, country.name) for country in list_countries(database)],
            "default_channel_id": [(channel.id, channel.name) for channel in list_channels(database, tenant_id)],
            "user_id": [(member.user_id, member.name) for member in list_members(database, tenant_id)],
        },
        "all_tags": list_tags(database, tenant_id),
    }


def show_form(
    pages: Pages,
    request: falcon.Request,
    response: falcon.Response,
    screen: Screen,
    found: Found | None,
    **values: Any,
) -> None:
    """Send the form of a customer, or of a new one if `found` is None."""
    defaults: dict[str, Any] = {
        "customer": found.customer if found else None,
        "version": found.version if found else "",
        "labels": LABELS,
        "faults": {},
        **choices_of(pages, screen),
    }
    show_screen(pages, request, response, screen, "customer_form", **(defaults | values))


def _show_again(
    pages: Pages,
    request: falcon.Request,
    response: falcon.Response,
    screen: Screen,
    found: Found | None,
    form: Form,
    faults: dict[str, list[str]],
    status: int = 422,
) -> None:
    values = _content(form)
    show_form(pages, request, response, screen, found, values=values, faults=faults, status=status)


def open_changes(pages: Pages, screen: Screen) -> Any:
    return open_change_set(pages.database, screen.tenant.id, Actor(screen.user.id, CONSOLE))


def _content(form: Form) -> dict[str, Any]:
    """Return the fields of a form as the API's body has them."""
    content: dict[str, Any] = {name: form.get(name) or None for name in (*TEXT_FIELDS, *CHOICE_FIELDS)}
    content |= {name: int(form.get(name)) if form.get(name).isdigit() else None for name in REFERENCE_FIELDS}
    return content | {"tags": [int(number) for number in form.all("tags") if number.isdigit()]}


def stored_values(pages: Pages, customer: Customer) -> dict[str, Any]:
    """Return the values of a customer as the API's body has them."""
    stored: dict[str, Any] = {name: getattr(customer, name) for name in (*TEXT_FIELDS, *CHOICE_FIELDS)}
    born = date_of(customer.date_of_birth)
    country = next((each.id for each in list_countries(pages.database) if each.name == customer.country_name), None)
    tags = customer.tags if isinstance(customer.tags, list) else []
    return stored | {
        "date_of_birth": born.isoformat() if born else None,
        "country_id": country,
        "default_channel_id": customer.default_channel_id,
        "user_id": customer.related_user.id if customer.related_user else None,
        "tags": [tag.id for tag in tags],
    }
