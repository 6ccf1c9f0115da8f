"""Dates as people and spreadsheets write them.

The order of day, month and year belongs to a whole column (`date_order`), because 05.04.1990 alone does not tell it.
"""

import re
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache

from regulars.customers.imports.cells import Cell, cell_text
from regulars.i18n import _
from regulars.text import fold
from regulars.validation import quote

LANGUAGES = ("en", "tr", "de", "fr")
MAX_DATE_LENGTH = 100
"""Longer text is no date. It would take long to search it, and much memory to remember it."""
EXCEL_EPOCH = date(1899, 12, 30)
TIME_OF_DAY = re.compile(r"(?:[T,]|\s)\s*[0-9]{1,2}:[0-9]{2}.*", re.DOTALL)
PARTED_BY_SIGNS = re.compile(r"([0-9]{1,4})\s*[./\-–,\s]\s*([0-9]{1,2})\s*[./\-–,\s]\s*([0-9]{1,4})\.?")
EIGHT_DIGITS = re.compile(r"[0-9]{8}")
WORD_OR_NUMBER = re.compile(r"[a-z]+|[0-9]+")
WORDS_IN_DATES = frozenset("st nd rd th er of the le am den".split())


class DateOrder(StrEnum):
    """The order of day, month and year."""

    DAY_MONTH_YEAR = "dmy"
    MONTH_DAY_YEAR = "mdy"
    YEAR_MONTH_DAY = "ymd"


EXAMPLES = {
    DateOrder.DAY_MONTH_YEAR: "31.12.1990",
    DateOrder.MONTH_DAY_YEAR: "12/31/1990",
    DateOrder.YEAR_MONTH_DAY: "1990-12-31",
}


def read_date(cell: Cell, order: DateOrder, today: date) -> date:
    """Return the date of a cell. A year of two digits is the last one that gives a date until today.

    A date that starts with a year of four digits, or names its month, is read in every order. Raise ValueError with a
    rule to follow the column's name.
    """
    found = _find_date(cell, order, today)
    if found is None:
        raise ValueError(
            _("must be a date such as {example}, not {value}", example=EXAMPLES[order], value=quote(cell_text(cell)))
        )
    return found


def _find_date(cell: Cell, order: DateOrder, today: date) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _of_number(cell, order, today)
    if cell is None or isinstance(cell, bool | time):
        return None
    text = cell_text(cell)
    return _of_text(text, order, today) if len(text) <= MAX_DATE_LENGTH else None


def _of_number(number: float, order: DateOrder, today: date) -> date | None:
    # A number up to the current year is a year or an age: as days since 1900, it gives a date of before 1906.
    if today.year < number < (today - EXCEL_EPOCH).days + 1:
        return EXCEL_EPOCH + timedelta(days=int(number))
    return _of_text(cell_text(number), order, today)


@lru_cache(maxsize=50_000)
def _of_text(text: str, order: DateOrder, today: date) -> date | None:
    text = TIME_OF_DAY.sub("", text)
    if match := PARTED_BY_SIGNS.fullmatch(text):
        return _of_parts(match.groups(), order, today)
    if EIGHT_DIGITS.fullmatch(text):
        return _of_parts(_split_digits(text), order, today)
    return _of_words(WORD_OR_NUMBER.findall(fold(text)), today)


def _split_digits(digits: str) -> tuple[str, ...]:
    is_year_first = "1900" <= digits[:4] <= "2099" and digits[4:6] <= "12"
    return (digits[:4], digits[4:6], digits[6:]) if is_year_first else (digits[:2], digits[2:4], digits[4:])


def _of_parts(parts: tuple[str, ...], order: DateOrder, today: date) -> date | None:
    if len(parts[0]) == 4:
        order = DateOrder.YEAR_MONTH_DAY
    named = dict(zip(order.value, parts, strict=True))
    return _of_fields(named["y"], int(named["m"]), named["d"], today)


def _of_fields(year: str, month: int, day: str, today: date) -> date | None:
    if len(day) > 2 or len(year) not in {2, 4}:
        return None
    try:
        found = date(int(year) if len(year) == 4 else 2000 + int(year), month, int(day))
        is_later = len(year) == 2 and found > today
        return found.replace(year=found.year - 100) if is_later else found
    except ValueError:
        return None


def _of_words(words: list[str], today: date) -> date | None:
    numbers = [word for word in words if word.isdigit()]
    months = [_months()[word] for word in words if word in _months()]
    others = {word for word in words if not word.isdigit()} - _months().keys() - WORDS_IN_DATES - _weekdays()
    if len(numbers) != 2 or len(months) != 1 or others:
        return None
    day, year = reversed(numbers) if len(numbers[0]) == 4 else numbers
    return _of_fields(year, months[0], day, today)


@cache
def _months() -> dict[str, int]:
    """Return the numbers of months by their folded names, full and short."""
    from babel import Locale

    widths = [
        names
        for language in LANGUAGES
        for forms in Locale(language).months.values()
        for width, names in forms.items()
        if width != "narrow"
    ]
    found = {fold(name).rstrip("."): number for names in widths for number, name in names.items()}
    return found | {"janner": 1, "jaenner": 1, "fev": 2, "maerz": 3, "mrz": 3}


@cache
def _weekdays() -> frozenset[str]:
    from babel import Locale

    widths = [
        names
        for language in LANGUAGES
        for width, names in Locale(language).days["format"].items()
        if width in {"wide", "abbreviated"}
    ]
    return frozenset(fold(name).rstrip(".") for names in widths for name in names.values())
