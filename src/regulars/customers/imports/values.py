"""Readers of cells: from what other programs write to the text that the readers of a customer's fields accept.

Each returns empty text for a cell without a value. It raises ValueError with a rule to follow the column's name.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from regulars.customers.imports.cells import Cell, cell_text, filled_name, filled_text, read_digits
from regulars.customers.imports.countries import read_country
from regulars.customers.imports.dates import DateOrder, read_date
from regulars.customers.imports.genders import read_gender_name
from regulars.customers.phone_numbers import read_phone_number
from regulars.customers.tags import TAG_SEPARATOR

GOOGLE_SEPARATOR = ":::"
TAG_SEPARATORS = (GOOGLE_SEPARATOR, TAG_SEPARATOR, ";", ",")
"""Only the first of them that a cell has separates its tags: others may be part of a name."""
LINE_BREAK = re.compile(r"\s*[\r\n\t\v\f]+\s*")
BETWEEN_PHONE_NUMBERS = re.compile(r":::|[;,\n|]|\s+/\s+|/(?=\s*(?:\+|0[1-9]))")
BETWEEN_EMAILS = re.compile(r":::|[;,\s|]+")
NULL_DATES = frozenset({"0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/0000"})


class ReadingContext(NamedTuple):
    """What the meaning of a cell depends on: the tenant's country and date today, and the order of the dates."""

    country: str
    today: date
    date_order: DateOrder


CellReader = Callable[[Cell, ReadingContext], str]


def read_line(cell: Cell, context: ReadingContext) -> str:
    """Return text in one line."""
    return LINE_BREAK.sub(" ", filled_text(cell))


def read_lines(cell: Cell, context: ReadingContext) -> str:
    """Return text that may have several lines."""
    return filled_text(cell)


def read_name(cell: Cell, context: ReadingContext) -> str:
    """Return a name."""
    return LINE_BREAK.sub(" ", filled_name(cell))


def read_number(cell: Cell, context: ReadingContext) -> str:
    """Return a number that identifies something, with all its digits."""
    return read_digits(read_line(cell, context))


def read_phone(cell: Cell, context: ReadingContext) -> str:
    """Return a phone number as it is written, of several the first one that is valid."""
    text = filled_text(cell)
    numbers = [read_digits(part) for part in _split(BETWEEN_PHONE_NUMBERS, text)]
    valid = (number for number in numbers if _is_phone_number(number, context.country))
    return numbers[0] if len(numbers) == 1 else next(valid, LINE_BREAK.sub(" ", text))


def _split(separator: re.Pattern[str], text: str) -> list[str]:
    return [part.strip() for part in separator.split(text) if part.strip()]


def count_values(target: str, cell: Cell) -> int:
    """Return the number of values in a cell, of which a target has only one."""
    separator = {"phone_number": BETWEEN_PHONE_NUMBERS, "email": BETWEEN_EMAILS}.get(target)
    return len(_split(separator, cell)) if separator and isinstance(cell, str) else 1


def _is_phone_number(text: str, country: str) -> bool:
    try:
        return bool(read_phone_number(text, country))
    except ValueError:
        return False


def read_email(cell: Cell, context: ReadingContext) -> str:
    """Return an e-mail address, of several the first one."""
    parts = _split(BETWEEN_EMAILS, filled_text(cell).removeprefix("mailto:"))
    addresses = [part for part in parts if "@" in part]
    return addresses[0] if len(addresses) == len(parts) and parts else " ".join(parts)


def read_date_of_birth(cell: Cell, context: ReadingContext) -> str:
    """Return a date as in ISO 8601."""
    text = filled_text(cell).removeprefix("'")
    if not text or text in NULL_DATES:
        return ""
    # Text without the marks of a spreadsheet; other cells keep their type, which tells days since 1900 from digits.
    return read_date(text if isinstance(cell, str) else cell, context.date_order, context.today).isoformat()


def read_time(cell: Cell, context: ReadingContext) -> str:
    """Return a time. A spreadsheet has no time zones: its times are UTC, as our export writes them.

    Midnight is a date there.
    """
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime.combine(cell, time.min)
    if not isinstance(cell, datetime):
        return cell_text(cell)
    return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).isoformat()


def read_gender(cell: Cell, context: ReadingContext) -> str:
    """Return male, female or other."""
    text = filled_text(cell)
    return read_gender_name(text, context.country) if text else ""


def read_country_code(cell: Cell, context: ReadingContext) -> str:
    """Return the code of a country."""
    text = filled_text(cell)
    return read_country(text, context.country) if text else ""


def read_tags(cell: Cell, context: ReadingContext) -> str:
    """Return the names of tags, separated by |. Google's own labels, such as "* myContacts", are left out."""
    text = LINE_BREAK.sub(" ", filled_text(cell))
    separator = next((each for each in TAG_SEPARATORS if each in text), TAG_SEPARATOR)
    names = [name.strip() for name in text.split(separator)]
    return TAG_SEPARATOR.join(dict.fromkeys(name for name in names if name and not name.startswith("*")))
