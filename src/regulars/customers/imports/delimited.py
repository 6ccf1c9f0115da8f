"""Text files whose cells are separated by commas, semicolons, tabs or vertical bars (CSV)."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TextIO

from regulars.customers.fields import CSV_COLUMNS
from regulars.customers.imports.table import (
    ROWS_TO_INSPECT,
    Choices,
    Row,
    Table,
    count_filled,
    find_heading,
    is_empty,
    read_headings,
    rows_below,
)
from regulars.customers.imports.text_encoding import find_encoding, open_text
from regulars.errors import Malformed
from regulars.i18n import _
from regulars.validation import quote

DELIMITERS = (",", ";", "\t", "|")
# Excel writes and reads a first line that declares the delimiter. Its cells lack the delimiter itself.
DECLARING_LINE = re.compile(r'"?sep=([,;\t|])"?[\r\n]', re.IGNORECASE)
DECLARATION = re.compile(r"sep=[,;\t|]?", re.IGNORECASE)
SAMPLE_LENGTH = 2**16
MAX_CELL_LENGTH = 2**20
MAX_ROW_LENGTH = 2**21

# This limit applies to the whole process; nothing else in it reads CSV files with longer cells.
csv.field_size_limit(MAX_CELL_LENGTH)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    encoding: str
    delimiter: str

    def rows(self) -> Iterator[Row]:
        """Yield all rows, including the empty ones and the heading, but not a line that declares the delimiter."""
        with open_text(self.path, self.encoding) as text:
            for row in _read_rows(_Lines(text), self.delimiter):
                if row.number > 1 or not DECLARATION.fullmatch("".join(map(str, row.cells))):
                    yield row


def open_delimited(path: Path, choices: Choices) -> Table:
    """Open a file, and detect its encoding, its delimiter and its heading."""
    encoding = find_encoding(path, choices.encoding)
    file = _File(path, encoding, _find_delimiter(path, encoding, choices.delimiter))
    heading = find_heading(file.rows(), choices.heading_row)
    headings = read_headings(heading)
    return Table(
        format="csv",
        headings=headings,
        rows=lambda: rows_below(file.rows(), heading.number, len(headings)),
        encoding=encoding,
        delimiter=file.delimiter,
        heading_row=heading.number,
    )


def _find_delimiter(path: Path, encoding: str, chosen: str | None) -> str:
    if chosen is not None:
        return _check_known(chosen)
    with open_text(path, encoding) as text:
        sample = text.read(SAMPLE_LENGTH)
    declared = DECLARING_LINE.match(sample)
    if declared:
        return declared[1]
    known = {delimiter: _count_own_columns(sample, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: known[delimiter])
    # In a file of our own format, addresses and tags may contain more semicolons than there are rows.
    return best if known[best] > 1 else max(DELIMITERS, key=lambda delimiter: _fitness(sample, delimiter))


def _count_own_columns(sample: str, delimiter: str) -> int:
    """Return the number of our own columns that the first row names."""
    first = next(csv.reader(StringIO(sample, newline=""), delimiter=delimiter), [])
    return sum(cell.strip().lower() in CSV_COLUMNS for cell in first)


def _check_known(delimiter: str) -> str:
    if delimiter not in DELIMITERS:
        raise Malformed(
            _("The delimiter must be a comma, a semicolon, a tab or |, not {value}.", value=quote(delimiter))
        )
    return delimiter


def _fitness(sample: str, delimiter: str) -> tuple[int, int, int]:
    """Return how many more rows fit under the heading than do not, how few have one cell, and the heading's width."""
    rows = [cells for cells in _sample_rows(sample, delimiter) if not is_empty(cells)]
    start = next((index for index, cells in enumerate(rows) if count_filled(cells) > 1), len(rows))
    widths = [_width(cells) for cells in rows[start:]]
    wide = [width for width in widths if width > 1]
    return sum(1 if width <= widths[0] else -1 for width in wide), len(wide) - len(widths), widths[0] if widths else 1


def _width(cells: Sequence[str]) -> int:
    """Return the number of cells up to the last one with a value."""
    return max(index for index, cell in enumerate(cells, 1) if cell.strip())


def _sample_rows(sample: str, delimiter: str) -> Sequence[Sequence[str]]:
    rows = list(islice(csv.reader(StringIO(sample, newline=""), delimiter=delimiter), ROWS_TO_INSPECT))
    is_cut_off = len(sample) == SAMPLE_LENGTH and len(rows) < ROWS_TO_INSPECT
    return rows[:-1] if is_cut_off else rows


class _Lines:
    """The lines of a file, with limits to the length of a row and to where it ends."""

    def __init__(self, text: TextIO) -> None:
        self.text = text
        self.number = 0
        self.row_start = 1
        self.row_length = 0

    def start_row(self) -> None:
        self.row_start = self.number + 1
        self.row_length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.text.readline(MAX_ROW_LENGTH)
        if not line:
            self._end()
        self.number += 1
        self.row_length += len(line)
        if self.row_length >= MAX_ROW_LENGTH:
            raise Malformed(_("The row that starts at line {line} is too long.", line=self.row_start))
        return line

    def _end(self) -> None:
        if self.row_length:
            raise Malformed(
                _("The row that starts at line {line} contains a quote that is never closed.", line=self.row_start)
            )
        raise StopIteration


def _read_rows(lines: _Lines, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.start_row()
        try:
            yield Row(lines.row_start, next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            yield _unreadable(lines.row_start, error)


def _unreadable(start: int, error: csv.Error) -> Row:
    if "field limit" in str(error):
        raise Malformed(
            _("A cell of the row that starts at line {line} is longer than 1 MiB. A quote may be missing.", line=start)
        )
    return Row(start, [], _('A quote (") inside a cell must be doubled ("").'))
