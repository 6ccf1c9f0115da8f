"""Everything that is stored about a customer, for admins: to see it, to download it, and to erase it."""

from io import BytesIO
from typing import Any

import falcon

from regulars.api.customers.common import id_of
from regulars.api.customers.personal_data import PersonalDataAnswer
from regulars.console.customer import LABELS, open_changes, stored_values
from regulars.console.customer_history import ValueTexts
from regulars.console.formats import full_name
from regulars.console.pages import Pages
from regulars.console.screen import Screen, open_screen, show_screen
from regulars.customers.change_log import CustomerChange, list_history
from regulars.customers.read.personal_data import HeldCustomer, personal_data_of
from regulars.customers.write.commands import erase_customer
from regulars.http.responses import encode, send_file
from regulars.i18n import _
from regulars.text import fold

PERMISSION = "customers:erase"
MAX_CHANGES = 1_000_000


class PersonalDataPage:
    """`/customers/{id}/personal-data`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Show what is stored; after the data was erased, what the history still says."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        erasure = find_erasure(self.pages, screen, id_of(id))
        if erasure:
            show_screen(self.pages, request, response, screen, "erased", erasure=erasure, labels=LABELS)
        else:
            self._show(request, response, screen, id_of(id))

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Erase everything, if the form has the name of the customer."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        form = self.pages.form(request, screen.visitor)
        held = personal_data_of(self.pages.database, screen.tenant.id, id_of(id)).customer
        if fold(form.get("name")) != fold(full_name(held.customer)):
            faults = {"name": [_("This is not the name of the customer.")]}
            self._show(request, response, screen, id_of(id), faults=faults, status=422)
            return
        with open_changes(self.pages, screen) as changes:
            erase_customer(changes, id_of(id))
        self.pages.redirect(response, f"/customers/{id_of(id)}/personal-data")

    def _show(
        self, request: falcon.Request, response: falcon.Response, screen: Screen, customer_id: int, **values: Any
    ) -> None:
        data = personal_data_of(self.pages.database, screen.tenant.id, customer_id)
        texts = ValueTexts(self.pages.database, screen)
        shown = {
            "held": [(each, self._facts(texts, each)) for each in (data.customer, *data.merged)],
            "customer": data.customer.customer,
            "faults": {},
        }
        show_screen(self.pages, request, response, screen, "personal_data", **(shown | values))

    def _facts(self, texts: ValueTexts, held: HeldCustomer) -> list[tuple[str, str]]:
        """Return the fields of a customer that have values, as labels and texts."""
        stored = stored_values(self.pages, held.customer) | {"tags": [tag.id for tag in held.tags]}
        facts = [(LABELS[name], texts.text(name, value)) for name, value in stored.items()]
        facts.append((_("Phone as typed"), held.phone_number_as_typed or ""))
        return [(label, text) for label, text in facts if text]


class PersonalDataFile:
    """`/customers/{id}/personal-data.json`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Send everything that is stored, in the form in which the API returns it."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        held = personal_data_of(self.pages.database, screen.tenant.id, id_of(id))
        content = BytesIO(encode(PersonalDataAnswer("The personal data was found.", held)))
        send_file(request, response, content, f"customer-{id_of(id)}.json", "application/json")


def personal_data_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of personal data."""
    return [
        ("/customers/{id}/personal-data", PersonalDataPage(pages)),
        ("/customers/{id}/personal-data.json", PersonalDataFile(pages)),
    ]


def find_erasure(pages: Pages, screen: Screen, customer_id: int) -> CustomerChange | None:
    """Return the entry of the history that says that the data of a customer was erased; None if it was not."""
    history = list_history(pages.database, screen.tenant.id, customer_id, 0, MAX_CHANGES)
    return history[-1] if history and history[-1].action == "erased" else None
