"""Readers of the columns of a file, from cells to the values of a customer's fields."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from regulars.customers import validation
from regulars.customers.fields import CUSTOMER_FIELDS
from regulars.customers.imports import values
from regulars.customers.imports.cells import Cell, cell_text, filled_text
from regulars.customers.imports.countries import read_country
from regulars.customers.imports.headings import (
    ADDRESS_CITY,
    ADDRESS_REGION,
    ADDRESS_STREET,
    FULL_NAME,
    MIDDLE_NAME,
    REVERSED_NAME,
)
from regulars.customers.imports.references import ReferenceNames
from regulars.customers.imports.values import CellReader, PhoneNumber, ReadingContext, TextReader
from regulars.customers.tags import TAG_SEPARATOR
from regulars.customers.validation import ReadContext

REFERENCES: Mapping[str, str] = {
    "country_code": "country_id",
    "country_name": "country_id",
    "user_email": "user_id",
    "related_user": "user_id",
}
"""The field of each target that names a reference. Of several with the same field, the first one counts most."""
REMEMBERED_VALUES = 1_000
"""The number of values of a column that are remembered, if a column usually has few of them."""
MAX_REMEMBERED_LENGTH = 100
REPEATED_TARGETS = frozenset({"gender", *REFERENCES, "default_channel_id", "job", "tags", ADDRESS_CITY, ADDRESS_REGION})
TEXT_READERS: Mapping[str, TextReader] = {
    "first_name": values.name_text,
    "last_name": values.name_text,
    MIDDLE_NAME: values.name_text,
    FULL_NAME: values.name_text,
    REVERSED_NAME: values.name_text,
    "identity_number": values.number_text,
    "address": filled_text,
    ADDRESS_STREET: filled_text,
    "created_at": values.time_text,
    "updated_at": values.time_text,
    "deleted_at": values.time_text,
}
"""The readers of text that is not read as a line of text."""
OWN_TEXT_READERS: Mapping[str, TextReader] = {
    name: TEXT_READERS[name] for name in ("created_at", "updated_at", "deleted_at")
}
"""The readers of text of our own format, in which only the types of a spreadsheet's cells may differ."""
VALUE_READERS: Mapping[str, CellReader] = {
    "phone_number": values.read_phone,
    "email": values.read_email,
    "date_of_birth": values.read_date_of_birth,
    "gender": values.read_gender,
    "tags": values.read_tags,
}

ColumnReader = Callable[[Cell], Any]
"""Returns the value of a cell, None if it is empty. Raises ValueError with a rule to follow the column's name."""


def column_reader(target: str, context: ReadingContext, names: ReferenceNames, *, is_own: bool) -> ColumnReader:
    """Return the reader of a column. In a file of our own format, values are not interpreted."""
    read = _own_reader(target, context, names) if is_own else _foreign_reader(target, context, names)
    return _remembering(read) if target in REPEATED_TARGETS else read


def _remembering(read: ColumnReader) -> ColumnReader:
    """Return a reader that remembers the values of short texts."""
    remembered = lru_cache(REMEMBERED_VALUES)(read)

    def read_again(cell: Cell) -> Any:
        is_short = isinstance(cell, str) and len(cell) <= MAX_REMEMBERED_LENGTH
        return remembered(cell) if is_short else read(cell)

    return read_again


def _foreign_reader(target: str, context: ReadingContext, names: ReferenceNames) -> ColumnReader:
    if read := VALUE_READERS.get(target):
        return lambda cell: read(cell, context)
    if REFERENCES.get(target) == "country_id":
        return _reader(filled_text, lambda text: names.country_of_code(read_country(text, context.country)))
    return _reader(TEXT_READERS.get(target, values.line_text), _text_check(target, context, names))


def _own_reader(target: str, context: ReadingContext, names: ReferenceNames) -> ColumnReader:
    check = _text_check(target, context, names)
    if target == "phone_number":
        return _reader(cell_text, lambda text: PhoneNumber(check(text), text))
    if target == "tags":
        return _reader(cell_text, lambda text: values.tag_names(text.split(TAG_SEPARATOR)))
    if target == "date_of_birth":
        read = _reader(cell_text, check)
        return lambda cell: read(cell) if isinstance(cell, str) else values.read_date_of_birth(cell, context)
    return _reader(OWN_TEXT_READERS.get(target, cell_text), check)


def _reader(read_text: TextReader, check: Callable[[str], Any]) -> ColumnReader:
    def read(cell: Cell) -> Any:
        text = read_text(cell)
        return check(text) if text else None

    return read


def _text_check(target: str, context: ReadingContext, names: ReferenceNames) -> Callable[[str], Any]:
    """Return the function from the text of a cell to its value."""
    finders: Mapping[str, Callable[[str], int]] = {
        "country_code": names.country_of_code,
        "country_name": names.country_of_name,
        "user_email": names.member_of_email,
        "related_user": names.member_of_name,
        "default_channel_id": names.channel,
    }
    if target in finders:
        return finders[target]
    if target not in CUSTOMER_FIELDS:
        return validation.read_lines if target == ADDRESS_STREET else validation.read_line
    field, field_context = CUSTOMER_FIELDS[target], ReadContext(context.country, context.today)
    return lambda text: field.read_text(text, field_context)
