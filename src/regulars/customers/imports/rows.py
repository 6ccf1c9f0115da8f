"""Rows of a file, read into the text of a CSV file of customers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from regulars.customers.fields import CUSTOMER_FIELDS
from regulars.customers.imports import values as readers
from regulars.customers.imports.cells import Cell, cell_text, filled_text
from regulars.customers.imports.headings import FULL_NAME, REVERSED_NAME
from regulars.customers.imports.mapping import ColumnMapping, is_own_export
from regulars.customers.imports.names import SplitName, split_name, split_reversed_name
from regulars.customers.imports.values import CellReader, ReadingContext, count_values
from regulars.customers.validation import ReadContext
from regulars.i18n import _
from regulars.text import fold
from regulars.validation import quote

CELL_READERS: Mapping[str, CellReader] = {
    "first_name": readers.read_name,
    "last_name": readers.read_name,
    FULL_NAME: readers.read_name,
    REVERSED_NAME: readers.read_name,
    "phone_number": readers.read_phone,
    "email": readers.read_email,
    "date_of_birth": readers.read_date_of_birth,
    "gender": readers.read_gender,
    "country_name": readers.read_country_code,
    "country_code": readers.read_country_code,
    "identity_number": readers.read_number,
    "address": readers.read_lines,
    "tags": readers.read_tags,
    "created_at": readers.read_time,
    "updated_at": readers.read_time,
    "deleted_at": readers.read_time,
}
"""The readers of targets that are not read as a line of text."""
TYPED_READERS: Mapping[str, CellReader] = {
    name: CELL_READERS[name] for name in ("date_of_birth", "created_at", "updated_at", "deleted_at")
}
"""The readers of our own export, in which only the types of a spreadsheet's cells may differ."""


SPLIT_NAMES: Mapping[str, Callable[[str, str], SplitName]] = {FULL_NAME: split_name, REVERSED_NAME: split_reversed_name}
COMPLETING_TARGETS = frozenset({*SPLIT_NAMES, "country_name"})
"""Targets that matter only if a row has no value in the columns that say the same more exactly."""


class Remark(NamedTuple):
    """A sentence about a row, and the heading (or number) of the column; empty if it is about the whole row."""

    heading: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file."""

    values: dict[str, str] = field(default_factory=dict)
    """The text of each column of a CSV file of customers that is not empty."""
    faults: list[Remark] = field(default_factory=list)
    """Everything for which the row is refused."""
    warnings: list[Remark] = field(default_factory=list)
    """What is not imported of a row that may otherwise be."""


class _Column(NamedTuple):
    position: int
    heading: str
    target: str
    read: CellReader


class RowReader:
    """Reads the rows of a file."""

    def __init__(self, mapping: Sequence[ColumnMapping], context: ReadingContext) -> None:
        self.width = len(mapping)
        self.context = context
        self.field_context = ReadContext(context.country, context.today)
        self.columns = _imported_columns(mapping)
        self.positions = {column.heading: column.position for column in self.columns}
        names = (column.heading for column in self.columns if column.target in {"first_name", *SPLIT_NAMES})
        self.name_heading = next(names, "first_name")

    def read(self, cells: Sequence[Cell]) -> Row:
        """Return the texts of a row that the readers of a customer's fields accept, and the faults of all others.

        Cells that the row does not have are empty. References, such as tags, are not looked up.
        """
        row = Row()
        for column in self.columns:
            self._read_cell(column, cells[column.position] if column.position < len(cells) else None, row)
        if any(map(filled_text, cells[self.width :])):
            row.faults.append(Remark("", _too_wide(len(cells), self.width)))
        if "first_name" not in row.values and all(fault.heading != self.name_heading for fault in row.faults):
            row.faults.append(Remark(self.name_heading, _("{field} is required.", field=self.name_heading)))
        row.faults.sort(key=lambda fault: self.positions.get(fault.heading, self.width))
        return row

    def _read_cell(self, column: _Column, cell: Cell, row: Row) -> None:
        try:
            text = column.read(cell, self.context)
            for target, value in self._values_of(column, text, row.values).items():
                self._check(target, value)
                row.values.setdefault(target, value)
        except ValueError as error:
            row.faults.append(Remark(column.heading, _("{field} {rule}.", field=column.heading, rule=error.args[0])))
        else:
            if text and count_values(column.target, cell) > 1:
                row.warnings.append(Remark(column.heading, _only_one(column.heading, text)))

    def _values_of(self, column: _Column, text: str, values: Mapping[str, str]) -> Mapping[str, str]:
        if not text:
            return {}
        if split := SPLIT_NAMES.get(column.target):
            return missing_names(values, text, split(text, self.context.country))
        return {column.target: text}

    def _check(self, target: str, text: str) -> None:
        """Raise ValueError if the reader of the field does not accept the text."""
        declared = CUSTOMER_FIELDS.get(target)
        if declared is not None and declared.read is not None:
            declared.read_text(text, self.field_context)


def _imported_columns(mapping: Sequence[ColumnMapping]) -> list[_Column]:
    """Return the columns that are imported. Those that only complete others are the last."""
    is_own = is_own_export([column.target for column in mapping])
    columns = [
        _column(position, column.heading, column.target, is_own)
        for position, column in enumerate(mapping)
        if column.target
    ]
    return sorted(columns, key=lambda column: mapping[column.position].target in COMPLETING_TARGETS)


def _column(position: int, heading: str, target: str, is_own: bool) -> _Column:
    if is_own:
        return _Column(position, heading, target, TYPED_READERS.get(target, lambda cell, context: cell_text(cell)))
    # The name of a country is read in four languages. Its code is what all of them mean.
    text_column = "country_code" if target == "country_name" else target
    label = heading.strip() or _("Column {number}", number=position + 1)
    return _Column(position, label, text_column, CELL_READERS.get(target, readers.read_line))


def _too_wide(count: int, width: int) -> str:
    return _("The row has {count} cells, but the header has {width}.", count=count, width=width)


def _only_one(heading: str, text: str) -> str:
    return _("{field} has several values. Only {value} is imported.", field=heading, value=quote(text))


def missing_names(values: Mapping[str, str], full_name: str, found: SplitName) -> dict[str, str]:
    """Return the parts of a full name for which a row has no value in other columns.

    `found` are its parts as far as the name itself tells them.
    """
    first, last = values.get("first_name", ""), values.get("last_name", "")
    if first:
        rest = full_name[len(first) :].strip() if fold(full_name).startswith(fold(first)) else ""
        return {"last_name": rest} if rest and not last else {}
    if last and fold(full_name).endswith(fold(last)):
        return {"first_name": full_name[: -len(last)].strip() or full_name}
    return {"first_name": found.first} | ({"last_name": found.last} if found.last else {})
