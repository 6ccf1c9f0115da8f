"""CSV files of customers: their columns, their rows, and what keeps a spreadsheet from running a cell."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from regulars.customers.fields import CSV_FIELDS
from regulars.errors import Malformed
from regulars.validation import quote

_fields = list(CSV_FIELDS)
CSV_COLUMNS = (*_fields[: _fields.index("created_at")], "tags", *_fields[_fields.index("created_at") :])
"""The columns of a file, with the names of tags before the times."""
DELIMITERS = (",", ";", "\t")
LONGEST_LINE = 2**20
LONGEST_ROW = 2**21

# What a spreadsheet would run as a formula. The apostrophe is what it takes for "this is text".
# (OWASP, "CSV Injection". A number or a phone number is harmless, and of more use as it is.)
FORMULA = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"'+[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?[0-9 ]+", re.ASCII)


def guarded(cell: str) -> str:
    """`cell` as it may stand in a file that people open in a spreadsheet."""
    return "'" + cell if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell[1:] if GUARDED.match(cell) else cell


@dataclass(frozen=True, slots=True)
class CsvFile:
    """An open CSV file of customers: its columns, and its rows to come, each with the line that it starts at."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]


def open_csv(source: BinaryIO) -> CsvFile:
    """Read the header of `source`: UTF-8, with commas, semicolons or tabs.

    Raises `Malformed` for a file that cannot be imported, now or as its rows are read.
    """
    lines = _Lines(source)
    header = next(lines, None)
    if header is None:
        raise Malformed("The file is empty; its first line must name the columns.")
    header = header.removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=lambda each: sum(name in CSV_COLUMNS for name in _names(header, each)))
    return CsvFile(_checked(_names(header, delimiter)), _rows(lines, delimiter))


def _names(header: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([header], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [cell.strip().lower() for cell in cells]


def _checked(names: list[str]) -> tuple[str, ...]:
    known = f"Known columns: {', '.join(CSV_COLUMNS)}."
    unknown = [quote(name) for name in names if name not in CSV_COLUMNS]
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise Malformed(f"The file has columns that are not known: {', '.join(unknown[:5])}{more}. {known}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Malformed(f"The file has more than one column {repeated[0]}. {known}")
    if "first_name" not in names:
        raise Malformed(f"The first line of the file must name the columns, among them first_name. {known}")
    return tuple(names)


class _Lines:
    """The lines of a file, decoded, with a limit to what one line and one row may take up in memory."""

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.number = 0
        self.row_length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.source.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self.row_length += len(line)
        if len(line) == LONGEST_LINE or self.row_length > LONGEST_ROW:
            raise Malformed(f"The file is broken at line {self.number}: no row of customers is that long.")
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed(f"The file is broken at line {self.number}: it is not UTF-8 text.") from None


def _rows(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = lines.number + 1
    try:
        for cells in reader:
            if cells:
                yield start, cells
            start = lines.number + 1
            lines.row_length = 0
    except csv.Error as error:
        raise Malformed(f"The file is broken in the row that starts at line {start}: {error}.") from None
