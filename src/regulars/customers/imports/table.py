"""A file as a table: its headings, and rows with one cell for each heading."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from regulars.customers.imports.cells import Cell
from regulars.errors import Malformed
from regulars.i18n import _
from regulars.validation import quote

MAX_COLUMNS = 300
ROWS_TO_INSPECT = 20
MAX_VALUE_LENGTH = 320
"""Longer text is neither an e-mail address nor a phone number, and would take long to match."""
# Headings do not contain e-mail addresses or phone numbers, but the rows of customers do.
CUSTOMER_VALUE = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|\+?[0-9][0-9 ()/.-]{8,}[0-9]")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose about a file. None leaves it to detection.

    `heading_row` is the number of the line or row whose cells name the columns.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    heading_row: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, with the number of its line or row in the file, from 1.

    `error` says why the row cannot be read; its cells are then incomplete.
    """

    number: int
    cells: Sequence[Cell]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """An opened file. Call `rows` for its rows from the start, as often as needed.

    `encoding` and `delimiter` are those of a text file, `sheet` and `sheets` those of a spreadsheet. `heading_row` is
    None in formats in which no row names the columns. `rows` raises `Malformed` if the file turns out to be damaged.
    """

    format: str
    headings: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    heading_row: int | None = None


def find_heading(rows: Iterable[Row], chosen: int | None) -> Row:
    """Return the row that names the columns: the chosen one, or the first that has two cells with a value.

    A file with one column has its heading in its first row. Raise `Malformed` if there is no such row.
    """
    filled = (row for row in rows if row.error or not is_empty(row.cells))
    heading = _chosen(filled, chosen) if chosen is not None else _detected(filled)
    if heading.error is not None:
        message = _("Row {row} of the file must name the columns. {error}", row=heading.number, error=heading.error)
        raise Malformed(message)
    return heading


def _chosen(rows: Iterable[Row], chosen: int) -> Row:
    heading = next((row for row in rows if row.number >= chosen), None)
    if heading is None or heading.number != chosen:
        raise Malformed(_("Row {row} of the file is empty, so it cannot name the columns.", row=chosen))
    return heading


def _detected(rows: Iterable[Row]) -> Row:
    first_rows = list(islice(rows, ROWS_TO_INSPECT))
    if not first_rows:
        raise Malformed(_("The file has no rows. Its first row must name the columns."))
    return next((row for row in first_rows if row.error or count_filled(row.cells) > 1), first_rows[0])


def read_headings(row: Row) -> tuple[str, ...]:
    """Return the names of the columns. Raise `Malformed` if there are too many, or if they are values of a customer."""
    headings = [_read_heading(cell) for cell in row.cells]
    while headings and not headings[-1]:
        headings.pop()
    if len(headings) > MAX_COLUMNS:
        raise Malformed(_("The file has more than {limit} columns.", limit=MAX_COLUMNS))
    _check_names_columns(headings, row.number)
    return tuple(headings)


def _read_heading(cell: Cell) -> str:
    return "" if cell is None else " ".join(str(cell).split())


def _check_names_columns(headings: Iterable[str], number: int) -> None:
    for heading in headings:
        if len(heading) <= MAX_VALUE_LENGTH and CUSTOMER_VALUE.fullmatch(heading):
            message = _(
                "Row {row} of the file must name the columns, but contains {value}. Insert a row above it.",
                row=number,
                value=quote(heading),
            )
            raise Malformed(message)


def rows_below(rows: Iterable[Row], heading_row: int, width: int, padding: Cell = "") -> Iterator[Row]:
    """Yield the rows below the heading that have a value, each with `width` cells."""
    for row in rows:
        if row.number > heading_row and (row.error is not None or not is_empty(row.cells)):
            yield _fit(row, width, padding)


def _fit(row: Row, width: int, padding: Cell) -> Row:
    missing = width - len(row.cells)
    if missing == 0 or row.error is not None:
        return row
    if missing > 0:
        return Row(row.number, [*row.cells, *[padding] * missing])
    error = None if is_empty(row.cells[width:]) else _("The row has more cells than the file has headings.")
    return Row(row.number, row.cells[:width], error)


def is_empty(cells: Iterable[Cell]) -> bool:
    """Return whether no cell has a value."""
    return not any(map(_has_value, cells))


def count_filled(cells: Iterable[Cell]) -> int:
    """Return the number of cells with a value."""
    return sum(map(_has_value, cells))


def _has_value(cell: Cell) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None
