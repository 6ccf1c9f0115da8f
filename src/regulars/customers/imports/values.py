"""Readers of cells: from what other programs write to the values of a customer.

A reader of text returns empty text for a cell without a value, and other readers return None. They raise ValueError
with a rule to follow the column's name.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from regulars.customers.fields import CUSTOMER_FIELDS
from regulars.customers.imports.cells import Cell, cell_text, filled_name, filled_text, read_digits
from regulars.customers.imports.dates import DateOrder, read_date
from regulars.customers.imports.genders import read_gender_name
from regulars.customers.phone_numbers import read_phone_number
from regulars.customers.tags import TAG_SEPARATOR, name_key, read_tag_name
from regulars.customers.validation import check_date_of_birth
from regulars.customers.validation import read_email as read_email_address
from regulars.validation import trim

GOOGLE_SEPARATOR = ":::"
TAG_SEPARATORS = (GOOGLE_SEPARATOR, TAG_SEPARATOR, ";", ",")
"""Only the first of them that a cell has separates its tags: others may be part of a name."""
LINE_BREAK = re.compile(r"[\r\n\t\v\f]+")
NULL_DATES = frozenset({"0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/0000"})


class Separator(NamedTuple):
    """What separates several values in a cell of a column that has one value."""

    pattern: re.Pattern[str]
    sign: re.Pattern[str]
    """Finds a letter that each match of the pattern has, which takes less time than to find a match."""

    def split(self, text: str) -> list[str]:
        """Return the values in a text."""
        if not self.sign.search(text):
            return [text]
        return [part.strip() for part in self.pattern.split(text) if part.strip()]

    def is_in(self, text: str) -> bool:
        """Tell whether a text has several values."""
        return len(self.split(text)) > 1


BETWEEN_PHONE_NUMBERS = Separator(
    re.compile(r":::|[;,\n|]|(?<!\s)\s+/\s+|/(?=\s*(?:\+|0[1-9]))"), sign=re.compile(r"[:;,\n|/]")
)
BETWEEN_EMAILS = Separator(re.compile(r":::|[;,\s|]+"), sign=re.compile(r"[:;,\s|]"))
SEPARATORS: Mapping[str, Separator] = {"phone_number": BETWEEN_PHONE_NUMBERS, "email": BETWEEN_EMAILS}


class ReadingContext(NamedTuple):
    """What the meaning of a cell depends on: the tenant's country and date today, and the order of the dates."""

    country: str
    today: date
    date_order: DateOrder


class PhoneNumber(NamedTuple):
    """A phone number as E.164, and as it was typed."""

    number: str
    as_typed: str


TextReader = Callable[[Cell], str]
CellReader = Callable[[Cell, ReadingContext], Any]


def line_text(cell: Cell) -> str:
    """Return text in one line."""
    return _one_line(filled_text(cell))


def _one_line(text: str) -> str:
    if text.isprintable():
        return text
    return " ".join(line for part in LINE_BREAK.split(text) if (line := part.strip()))


def name_text(cell: Cell) -> str:
    """Return a name."""
    return _one_line(filled_name(cell))


def number_text(cell: Cell) -> str:
    """Return a number that identifies something, with all its digits."""
    return read_digits(line_text(cell))


def time_text(cell: Cell) -> str:
    """Return a time. A spreadsheet has no time zones: its times are UTC, as our export writes them.

    Midnight is a date there.
    """
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime.combine(cell, time.min)
    if not isinstance(cell, datetime):
        return cell_text(cell)
    return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).isoformat()


def read_phone(cell: Cell, context: ReadingContext) -> PhoneNumber | None:
    """Return a phone number, of several the first one that is valid."""
    text = filled_text(cell).removeprefix("'")
    if not text:
        return None
    parts = BETWEEN_PHONE_NUMBERS.split(text)
    if len(parts) == 1:
        return _phone_number(read_digits(parts[0]), context)
    for part in parts:
        with suppress(ValueError):
            return _phone_number(read_digits(part), context)
    return _phone_number(_one_line(text), context)


def _phone_number(text: str, context: ReadingContext) -> PhoneNumber:
    CUSTOMER_FIELDS["phone_number"].check_length(text)
    return PhoneNumber(read_phone_number(text, context.country), text)


def read_email(cell: Cell, context: ReadingContext) -> str | None:
    """Return an e-mail address, of several the first one."""
    parts = BETWEEN_EMAILS.split(filled_text(cell).removeprefix("mailto:"))
    are_addresses = len(parts) > 1 and all("@" in part for part in parts)
    address = parts[0] if are_addresses else " ".join(parts)
    if not address:
        return None
    CUSTOMER_FIELDS["email"].check_length(address)
    return read_email_address(address)


def read_date_of_birth(cell: Cell, context: ReadingContext) -> date | None:
    """Return a date from 1900 to today."""
    text = filled_text(cell).removeprefix("'")
    if not text or text in NULL_DATES:
        return None
    # Text without the marks of a spreadsheet; other cells keep their type, which tells days since 1900 from digits.
    day = read_date(text if isinstance(cell, str) else cell, context.date_order, context.today)
    return check_date_of_birth(day, context.today, text)


def read_gender(cell: Cell, context: ReadingContext) -> str | None:
    """Return male, female or other."""
    text = filled_text(cell)
    return (read_gender_name(text, context.country) or None) if text else None


def read_tags(cell: Cell, context: ReadingContext) -> tuple[str, ...]:
    """Return the names of tags, each once. Google's own labels, such as "* myContacts", are left out."""
    text = line_text(cell)
    separator = next((each for each in TAG_SEPARATORS if each in text), TAG_SEPARATOR)
    return tag_names(name for name in text.split(separator) if not name.lstrip().startswith("*"))


def tag_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the trimmed names of tags, each once, regardless of letter case. Raise ValueError if one is invalid."""
    found: dict[str, str] = {}
    for text in names:
        if name := trim(text):
            found.setdefault(name_key(name), read_tag_name(name))
    return tuple(found.values())
