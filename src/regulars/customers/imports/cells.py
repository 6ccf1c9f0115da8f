"""Cells of a file: their types, and their text."""

import re
from datetime import date, datetime, time
from decimal import Decimal

from regulars.customers.formulas import ESCAPED_FORMULA, unescape_formula
from regulars.i18n import _
from regulars.text import fold
from regulars.validation import quote, trim

Cell = str | int | float | bool | datetime | date | time | None
"""A cell of a file. Spreadsheets have numbers and dates; other formats have only text."""

EMPTY_MARKERS = frozenset(
    "yok bos (bos) n/a na n.a. null (null) none nan (blank) blank empty keine keiner keins leer aucun aucune vide"
    " #n/a #yok #nv #ref! #basv! #value! #deger! #name? #ad? #null! #div/0! #num!".split()
)
MAX_MARKER_LENGTH = 8
"""The length of the longest marker, with an accent as a letter of its own."""
MARKERS_THAT_ARE_NAMES = frozenset("na nan null bos leer".split())
EMPTY_PUNCTUATION = re.compile(r"[-–—_.?*/\s]+")
TEXT_FORMULA = re.compile(r'="([^"]*)"')
WHOLE_NUMBER = re.compile(r"([0-9]+)[.,]0{1,2}", re.ASCII)
SCIENTIFIC_NUMBER = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]{1,2}", re.ASCII)


def cell_text(cell: Cell) -> str:
    """Return the trimmed text of a cell: a whole number without a fraction, a date as in ISO 8601."""
    if isinstance(cell, str):
        return _clean(cell)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return _float_text(cell)
    return _time_text(cell) if isinstance(cell, datetime) else str(cell)


def _clean(text: str) -> str:
    text = trim(text)
    return _unescape(text) if text.startswith(("'", "=")) else text


def _unescape(text: str) -> str:
    # Programs write ="0532" so that a spreadsheet does not take the text for a number.
    formula = TEXT_FORMULA.fullmatch(text)
    return trim(formula[1] if formula else unescape_formula(text))


def literal_cell(text: str) -> str:
    """Return a cell whose `cell_text` is exactly this text, without white space around it.

    For formats in which an apostrophe is not the mark of a spreadsheet.
    """
    text = trim(text)
    return "'" + text if ESCAPED_FORMULA.match(text) or TEXT_FORMULA.fullmatch(text) else text


def _float_text(number: float) -> str:
    if number.is_integer():
        return str(int(number))
    return repr(number) if number - number == 0 else ""


def _time_text(moment: datetime) -> str:
    return str(moment.date()) if moment.time() == time.min else moment.isoformat(" ", "seconds")


def filled_text(cell: Cell) -> str:
    """Return the text of a cell; empty text if it only says that there is no value, such as "-", "yok" or "n/a"."""
    text = cell_text(cell)
    return "" if _is_empty_marker(text) else text


def filled_name(cell: Cell) -> str:
    """Return the same as `filled_text`, but keep words that are names, too, if they are written like one: Null, Boş."""
    text = cell_text(cell)
    is_empty = _is_empty_marker(text) and not (text.istitle() and fold(text) in MARKERS_THAT_ARE_NAMES)
    return "" if is_empty else text


def _is_empty_marker(text: str) -> bool:
    if len(text) <= MAX_MARKER_LENGTH and fold(text) in EMPTY_MARKERS:
        return True
    return not text[:1].isalnum() and EMPTY_PUNCTUATION.fullmatch(text) is not None


def read_digits(text: str) -> str:
    """Return the text of a number that a spreadsheet stored as a number: "5321112233.0" is 5321112233.

    Other text is returned as it is. Raise ValueError with a rule to follow the column's name if the spreadsheet has
    rounded the number.
    """
    text = text.removeprefix("'")
    if whole := WHOLE_NUMBER.fullmatch(text):
        return whole[1]
    return _expand(text) if SCIENTIFIC_NUMBER.fullmatch(text) else text


def _expand(text: str) -> str:
    """Return the digits of a number such as 9.05321112233E+11. One with fewer digits (9.0532E+11) is rounded."""
    number = Decimal(text.replace(",", "."))
    missing_digits = number.as_tuple().exponent
    if isinstance(missing_digits, int) and missing_digits > 0:
        raise ValueError(_("must have all its digits, but a spreadsheet has rounded it to {value}", value=quote(text)))
    return str(int(number)) if number == int(number) else text
