"""Possible duplicates: pairs of customers side by side, to merge, or to say that they are not the same person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import falcon

from regulars.api.customers.body import customer_reader
from regulars.api.customers.common import etag_of, id_of
from regulars.console.customer import LABELS, open_changes, stored_values
from regulars.console.customer_history import ValueTexts
from regulars.console.flash import redirect_with_flash, take_flash
from regulars.console.formats import full_name
from regulars.console.pages import Form, Pages
from regulars.console.screen import Screen, fragment_of, open_screen, show_fragment, show_screen
from regulars.customers.dismissals import dismiss
from regulars.customers.read.duplicates import Pair, Reason, find_duplicates, find_duplicates_of
from regulars.customers.read.get import Found, get_customer
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.schemas import Customer
from regulars.customers.write.commands import update_customer
from regulars.customers.write.merge import merge_customers
from regulars.errors import Conflict, Gone, NotFound, PreconditionFailed
from regulars.i18n import _, translate
from regulars.permissions import CONSOLE, Actor

PATH = "/duplicates"
MAX_PAIRS = 50
REASONS: Mapping[Reason, str] = {
    "identity_number": _("same identity number"),
    "email": _("same e-mail address"),
    "phone_number": _("same phone number"),
    "name_and_date_of_birth": _("similar name, same date of birth"),
    "name": _("similar name"),
}
FIELDS = (
    "first_name",
    "last_name",
    "phone_number",
    "email",
    "date_of_birth",
    "gender",
    "country_id",
    "identity_number",
    "job",
    "address",
    "default_channel_id",
    "user_id",
)


@dataclass(frozen=True, slots=True)
class ListedPair:
    """A pair in the list: its key, the names of both customers, and the reasons in words."""

    key: str
    names: tuple[str, str]
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Side:
    """One customer of a pair, with its values as the API's body has them, and as people read them."""

    customer: Customer
    version: int
    etag: str
    values: Mapping[str, Any]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two customers that may be the same person."""

    key: str
    sides: tuple[Side, Side]
    reasons: list[str]

    @property
    def fields(self) -> list[str]:
        """The fields in which at least one of the customers has a value."""
        return [name for name in FIELDS if any(side.texts[name] for side in self.sides)]

    def differs(self, field: str) -> bool:
        """Tell whether the customers have different values in a field, so that one of them must be chosen."""
        one, other = (side.values[field] for side in self.sides)
        return None not in {one, other} and one != other


class Duplicates:
    """`/duplicates`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the pairs and show one of them, or the part of the page that a script asks for."""
        screen = open_screen(self.pages, request, response)
        asked = request.get_param("pair", default="")
        part = fragment_of(request)
        if part == "pair":
            show_fragment(self.pages, response, screen, "components/duplicate_pair", **self._pair_values(screen, asked))
            return
        listed = self._list_values(screen, request.get_param("customer_id"))
        if part == "list":
            show_fragment(self.pages, response, screen, "components/duplicate_list", **listed, shown=asked)
            return
        keys = [pair.key for pair in listed["pairs"]]
        shown = asked if asked in keys else next(iter(keys), "")
        values = {**listed, **self._pair_values(screen, shown), "shown": shown}
        done = take_flash(self.pages, request, response, screen.user)
        show_screen(self.pages, request, response, screen, "duplicates", **values, done=done)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Merge a pair with the chosen values, or store that it is not the same person."""
        screen = open_screen(self.pages, request, response, "customers:write")
        form = self.pages.form(request, screen.visitor)
        ids = _ids(form.get("pair"))
        if form.get("do") == "merge":
            _merge(self.pages, screen, ids, form)
            done = _("The customers were merged.")
        else:
            for number in ids:
                get_customer(self.pages.database, screen.tenant.id, number)
            dismiss(self.pages.database, screen.tenant.id, ids, Actor(screen.user.id, CONSOLE))
            done = _("The pair was dismissed.")
        redirect_with_flash(self.pages, response, screen.user, PATH, translate(done, screen.visitor.language))

    def _pair_values(self, screen: Screen, key: str) -> dict[str, Any]:
        return {"pair": compare(self.pages, screen, key), "labels": LABELS}

    def _list_values(self, screen: Screen, of: str | None) -> dict[str, Any]:
        """Return the pairs of all customers, or those of the customer with the id `of`."""
        database, tenant_id = self.pages.database, screen.tenant.id
        customer = get_customer(database, tenant_id, id_of(of)).customer if of else None
        if customer is None:
            pairs = find_duplicates(database, tenant_id, MAX_PAIRS)
        else:
            pairs = find_duplicates_of(database, tenant_id, customer.id)[:MAX_PAIRS]
        return {"pairs": _listed(self.pages, screen, pairs), "max_pairs": MAX_PAIRS, "of": customer}


def compare(pages: Pages, screen: Screen, key: str) -> Comparison | None:
    """Return the comparison of the pair with a key such as "12-15"; None if the two are not possible duplicates."""
    try:
        first_id, second_id = _ids(key)
    except NotFound:
        return None
    pairs = find_duplicates_of(pages.database, screen.tenant.id, first_id)
    reasons = next((pair.reasons for pair in pairs if pair[:2] == (first_id, second_id)), None)
    if reasons is None:
        return None
    texts = ValueTexts(pages.database, screen)
    try:
        found = [get_customer(pages.database, screen.tenant.id, number, with_tags=True) for number in _ids(key)]
    except (NotFound, Gone):
        return None
    one, other = (_side(pages, texts, each) for each in found)
    return Comparison(key, (one, other), [REASONS[reason] for reason in reasons])


def _side(pages: Pages, texts: ValueTexts, found: Found) -> Side:
    values = stored_values(pages, found.customer)
    shown = {name: texts.text(name, values[name]) for name in FIELDS}
    return Side(found.customer, found.version, etag_of(found), values, shown)


def _ids(key: str) -> tuple[int, int]:
    """Return the ids of a pair with a key such as "12-15". Raise `NotFound` if it is not one."""
    first, _dash, second = key.partition("-")
    first_id, second_id = id_of(first), id_of(second)
    return min(first_id, second_id), max(first_id, second_id)


def _listed(pages: Pages, screen: Screen, pairs: list[Pair]) -> list[ListedPair]:
    ids = tuple({number for pair in pairs for number in pair[:2]})
    query = CustomerQuery(uncounted_filters={"ids": ids}, per_page=2 * MAX_PAIRS)
    found = fetch_page(pages.database, screen.tenant.id, query, screen.today).customers if ids else []
    names = {customer.id: full_name(customer) for customer in found}
    # A customer may be deleted between the two statements.
    return [
        ListedPair(
            f"{pair.first_id}-{pair.second_id}",
            (names[pair.first_id], names[pair.second_id]),
            [REASONS[reason] for reason in pair.reasons],
        )
        for pair in pairs
        if {pair.first_id, pair.second_id} <= names.keys()
    ]


def _merge(pages: Pages, screen: Screen, ids: tuple[int, int], form: Form) -> None:
    """Merge a pair in one transaction. Raise `PreconditionFailed` if a customer is not as the form has shown it."""
    kept = id_of(form.get("keep"))
    if kept not in ids:
        raise Conflict(_("Choose which customer is kept."))
    (other,) = {*ids} - {kept}
    found = {number: get_customer(pages.database, screen.tenant.id, number) for number in ids}
    for number, each in found.items():
        if form.get(f"version-{number}") != str(each.version):
            raise PreconditionFailed(_("Customer {id} has been changed since you read it. Read it again.", id=number))
    values = stored_values(pages, found[other].customer)
    chosen = {name: values[name] for name in FIELDS if form.get(name) == str(other)}
    with open_changes(pages, screen) as changes:
        merge_customers(changes, kept, other, [found[kept].version])
        if chosen:
            read = customer_reader(changes.tenant, pages.database).read(chosen, partial=True)
            update_customer(changes, kept, read)
