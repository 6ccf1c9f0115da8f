"""JSON Lines: one object on each line."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from regulars.customers.imports import refusals
from regulars.customers.imports.cells import literal_cell
from regulars.customers.imports.table import MAX_COLUMNS, Choices, Row, Table
from regulars.customers.imports.text_encoding import find_encoding, open_text
from regulars.customers.tags import TAG_SEPARATOR
from regulars.errors import Malformed
from regulars.i18n import _
from regulars.validation import quote

MAX_LINE_LENGTH = 2**21

Fields = Mapping[str, object]


def open_json_lines(path: Path, choices: Choices) -> Table:
    """Open a file. The headings are the keys of all objects in the order in which they first appear."""
    encoding = find_encoding(path, choices.encoding)
    headings = _find_keys(path, encoding)
    return Table(format="jsonl", headings=headings, rows=lambda: _rows(path, encoding, headings), encoding=encoding)


def _find_keys(path: Path, encoding: str) -> tuple[str, ...]:
    keys: dict[str, None] = {}
    for _number, fields in _objects(path, encoding):
        keys.update(dict.fromkeys(fields or ()))
        if len(keys) > MAX_COLUMNS:
            raise Malformed(_("The file has more than {limit} columns.", limit=MAX_COLUMNS))
    if not keys:
        raise Malformed(refusals.JSON)
    return tuple(keys)


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, Fields | None]]:
    """Yield the number of each line that is not blank, and its object, or None if it is not one."""
    with open_text(path, encoding) as text:
        number = 0
        while line := text.readline(MAX_LINE_LENGTH):
            number += 1
            if len(line) == MAX_LINE_LENGTH:
                raise Malformed(_("The row that starts at line {line} is too long.", line=number))
            if line.strip():
                yield number, _parse(line)


def _parse(line: str) -> Fields | None:
    try:
        value: object = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _rows(path: Path, encoding: str, headings: tuple[str, ...]) -> Iterator[Row]:
    for number, fields in _objects(path, encoding):
        if fields is None:
            yield Row(number, [], _("The line is not a JSON object."))
        elif fields:
            yield Row(number, [_read_cell(fields.get(name)) for name in headings], _find_error(fields))


def _find_error(fields: Fields) -> str | None:
    nested = next((name for name, value in fields.items() if _is_nested(value)), None)
    if nested is None:
        return None
    return _("{name} must be text, a number, true, false, null, or a list of them.", name=quote(nested))


def _is_nested(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(each, dict | list) for each in values)


def _read_cell(value: object) -> str:
    """Return the text of a value; of a list, the texts of its values as in the tags of a CSV file."""
    if _is_nested(value):
        return ""
    values = value if isinstance(value, list) else [value]
    return literal_cell(TAG_SEPARATOR.join(filter(None, map(_text, values))))


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()
