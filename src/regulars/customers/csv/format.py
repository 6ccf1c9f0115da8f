"""The format of CSV files of customers: columns, rows, and escaping of spreadsheet formulas."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from regulars.customers.fields import CSV_FIELDS
from regulars.errors import Malformed
from regulars.validation import quote

_fields = list(CSV_FIELDS)
CSV_COLUMNS = (*_fields[: _fields.index("created_at")], "tags", *_fields[_fields.index("created_at") :])
"""The columns of a file, in order. `tags` comes before the times."""
DELIMITERS = (",", ";", "\t")
MAX_LINE_LENGTH = 2**20
MAX_ROW_LENGTH = 2**21

# Cells that a spreadsheet would run as a formula (OWASP, "CSV Injection"). A leading apostrophe marks a cell as text.
# Numbers and phone numbers are harmless and stay as they are. Spreadsheets in Japanese and Chinese also take the
# full-width forms of the signs as the start of a formula.
FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
ESCAPED_FORMULA = re.compile(r"'+[=+\-@\t\r＝＋－＠]")
NUMBER = re.compile(r"[+-]?[0-9 ]+", re.ASCII)


def escape_formula(cell: str) -> str:
    """Return the cell with an apostrophe in front if a spreadsheet would run it as a formula."""
    return "'" + cell if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return the original of a cell that `escape_formula` returned: remove the apostrophe that it added."""
    return cell[1:] if ESCAPED_FORMULA.match(cell) else cell


class CsvRow(NamedTuple):
    """A row of a CSV file: the number of the line at which it starts, and its cells."""

    line: int
    cells: Sequence[str]
    faults: Sequence[tuple[str, str]] = ()
    """Columns and reasons for which the row cannot be imported, if that is known already."""


@dataclass(frozen=True, slots=True)
class CsvFile:
    """The columns and the rows of a CSV file of customers."""

    columns: tuple[str, ...]
    rows: Iterator[CsvRow]


def open_csv(source: BinaryIO) -> CsvFile:
    """Read the header of a UTF-8 file with commas, semicolons or tabs between its cells, and return the file.

    Raise `Malformed` if the header is invalid. Iterating over `rows` raises it if a row cannot be read.
    """
    lines = _Lines(source)
    header = next(lines, None)
    if header is None:
        raise Malformed("The file is empty. Its first line must name the columns.")
    header = header.removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=lambda each: sum(name in CSV_COLUMNS for name in _names(header, each)))
    return CsvFile(_check_names(_names(header, delimiter)), _rows(lines, delimiter))


def _names(header: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([header], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [cell.strip().lower() for cell in cells]


def _check_names(names: list[str]) -> tuple[str, ...]:
    known = f"Known columns: {', '.join(CSV_COLUMNS)}."
    unknown = [quote(name) for name in names if name not in CSV_COLUMNS]
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise Malformed(f"The file has unknown columns: {', '.join(unknown[:5])}{more}. {known}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Malformed(f"The file has more than one column {repeated[0]}. {known}")
    if "first_name" not in names:
        raise Malformed(f"The first line of the file must name the columns, including first_name. {known}")
    return tuple(names)


class _Lines:
    """The decoded lines of a file.

    Raises `Malformed` if a line or a row is too long, or if a line is not UTF-8.
    """

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.number = 0
        self.row_length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.source.readline(MAX_LINE_LENGTH)
        if not line:
            raise StopIteration
        self.number += 1
        self.row_length += len(line)
        if len(line) == MAX_LINE_LENGTH or self.row_length > MAX_ROW_LENGTH:
            raise Malformed(f"Line {self.number} of the file is too long for a row of customers.")
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            message = f"Line {self.number} of the file is not UTF-8 text. Choose its encoding with --encoding."
            raise Malformed(message) from None


def _rows(lines: _Lines, delimiter: str) -> Iterator[CsvRow]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = lines.number + 1
    try:
        for cells in reader:
            if cells:
                yield CsvRow(start, cells)
            start = lines.number + 1
            lines.row_length = 0
    except csv.Error as error:
        raise Malformed(f"The row that starts at line {start} cannot be read: {error}.") from None
