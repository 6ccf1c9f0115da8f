"""Kinds of values that are recognised without a heading."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date

import phonenumbers

from regulars.customers.imports.cells import Cell, filled_text, read_digits
from regulars.customers.imports.countries import read_country
from regulars.customers.imports.dates import DateOrder, read_date
from regulars.customers.imports.genders import read_gender_name
from regulars.customers.validation import EARLIEST, ReadContext, find_identity_number_fault, read_email

NEEDED_SHARE = 0.8
"""The share of the values of a column that must be of a kind. Some are mistyped."""
USUAL_AGE_OF_CUSTOMERS = 10
"""In years. Dates that are mostly younger are appointments or registrations."""
MIN_PHONE_DIGITS = 7


def share_of_emails(cells: Sequence[Cell], context: ReadContext) -> float:
    """Return the share of e-mail addresses, or 0 if it is too low."""
    return _enough(_is_valid(read_email, text) for text in _texts(cells))


def share_of_identity_numbers(cells: Sequence[Cell], context: ReadContext) -> float:
    """Return the share of Turkish identity numbers with right check digits, or 0 if it is too low."""
    return _enough(find_identity_number_fault(text) is None for text in _texts(cells))


def share_of_phone_numbers(cells: Sequence[Cell], context: ReadContext) -> float:
    """Return the share of phone numbers that are valid in the tenant's country or international, or 0."""
    return _enough(_is_phone_number(text, context.region) for text in _texts(cells))


def share_of_genders(cells: Sequence[Cell], context: ReadContext) -> float:
    """Return the share of genders, or 0 if there are not both men and women: a column of E may mean yes (Evet)."""
    genders = [_gender(text, context.region) for text in _texts(cells)]
    return _enough(gender is not None for gender in genders) if {"male", "female"} <= set(genders) else 0.0


def share_of_dates_of_birth(cells: Sequence[Cell], context: ReadContext) -> float:
    """Return the share of dates, or 0 if most of them are too young to be dates of birth."""
    filled = [cell for cell in cells if filled_text(cell)]
    dates = sorted(day for cell in filled if (day := _date(cell, context.today)))
    share = _enough(at < len(dates) for at in range(len(filled)))
    is_old = bool(dates) and context.today.year - dates[len(dates) // 2].year >= USUAL_AGE_OF_CUSTOMERS
    return share if is_old else 0.0


VALUE_KINDS: Mapping[str, Callable[[Sequence[Cell], ReadContext], float]] = {
    "email": share_of_emails,
    "identity_number": share_of_identity_numbers,
    "phone_number": share_of_phone_numbers,
    "gender": share_of_genders,
    "date_of_birth": share_of_dates_of_birth,
}
"""For each target that values tell, the share of the cells that are of its kind. The most certain kind is first."""


def could_be(target: str, cells: Sequence[Cell], context: ReadContext) -> bool:
    """Tell whether a column with the heading of a target may be that, judging by its values.

    "Country Code" may be +90, and "Anrede" may be Dr.: then the column is not imported.
    """
    texts = _texts(cells)
    if target == "gender":
        return not texts or any(_gender(text, context.region) for text in texts)
    if target in {"country_name", "country_code"}:
        return not texts or any(_is_valid(lambda text: read_country(text, context.region), text) for text in texts)
    return True


def _texts(cells: Iterable[Cell]) -> list[str]:
    return [text for cell in cells if (text := filled_text(cell))]


def _enough(fits: Iterable[bool]) -> float:
    found = list(fits)
    share = sum(found) / len(found) if found else 0.0
    return share if share >= NEEDED_SHARE else 0.0


def _is_valid(read: Callable[[str], str], text: str) -> bool:
    try:
        return bool(read(text))
    except ValueError:
        return False


def _is_phone_number(text: str, country: str) -> bool:
    if sum(map(str.isdigit, text)) < MIN_PHONE_DIGITS or any(map(str.isalpha, text)):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(read_digits(text), country))
    except (ValueError, phonenumbers.NumberParseException):
        return False


def _gender(text: str, country: str) -> str | None:
    try:
        return read_gender_name(text, country)
    except ValueError:
        return None


def _date(cell: Cell, today: date) -> date | None:
    """Return the date of a cell, read in any order. A number is none: it may be anything."""
    if isinstance(cell, int | float):
        return None
    for order in DateOrder:
        with suppress(ValueError):
            day = read_date(cell, order, today)
            if EARLIEST <= day <= today:
                return day
    return None
