"""Contacts as phones, Outlook and iCloud export them (vCard 2.1, 3.0 and 4.0).

The reader takes what it knows from a card and ignores the rest, because few programs write cards as the standards say
(RFC 6350, RFC 2426 and vCard 2.1).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from regulars.customers.imports.table import Choices, Row, Table, rows_below
from regulars.customers.imports.text_encoding import find_encoding
from regulars.customers.imports.vcard_fields import FIELDS, PROPERTIES, read_fields
from regulars.customers.imports.vcard_properties import Property, read_properties
from regulars.errors import Malformed
from regulars.i18n import _

MAX_PROPERTIES = 1000


def open_vcards(path: Path, choices: Choices) -> Table:
    """Open a file of contacts. Each is a row, numbered by the line at which it begins."""
    encoding = find_encoding(path, choices.encoding)
    if next(_rows(path, encoding), None) is None:
        raise Malformed(_("The file has no contacts."))
    return Table(format="vcard", headings=FIELDS, rows=lambda: _rows(path, encoding), encoding=encoding)


def _rows(path: Path, encoding: str) -> Iterator[Row]:
    cards = _cards(read_properties(path, encoding))
    return rows_below((Row(line, read_fields(card)) for line, card in cards), 0, len(FIELDS))


def _cards(properties: Iterable[Property]) -> Iterator[tuple[int, list[Property]]]:
    """Yield the cards with the numbers of their first lines. A card whose end is missing ends where the next begins."""
    start, card = 0, list[Property]()
    for each in properties:
        if each.name == "BEGIN":
            if card:
                yield start, card
            start, card = each.line, []
        elif each.name in PROPERTIES and len(card) < MAX_PROPERTIES:
            card.append(each)
    if card:
        yield start, card
