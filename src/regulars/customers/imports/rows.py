"""Rows of a file, read into the values of customers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from regulars.customers.fields import CUSTOMER_FIELDS
from regulars.customers.imports.cells import Cell, filled_text
from regulars.customers.imports.column_readers import REFERENCES, ColumnReader, column_reader
from regulars.customers.imports.headings import ADDRESS_PARTS, FULL_NAME, MIDDLE_NAME, REVERSED_NAME
from regulars.customers.imports.joining import join_address, join_names
from regulars.customers.imports.mapping import ColumnMapping, is_own_format
from regulars.customers.imports.references import ReferenceNames
from regulars.customers.imports.values import SEPARATORS, PhoneNumber, ReadingContext
from regulars.customers.issues import Remark
from regulars.i18n import _
from regulars.validation import quote

NAMES = ("first_name", FULL_NAME, REVERSED_NAME, MIDDLE_NAME, "last_name")
"""Targets of names. The first one in a file is named if a row has no name."""
JOINED_NAMES = (FULL_NAME, REVERSED_NAME, MIDDLE_NAME)


@dataclass(slots=True)
class Row:
    """A row of a file."""

    values: dict[str, Any] = field(default_factory=dict)
    """The values of a `Record` that are not empty."""
    tags: list[str] = field(default_factory=list)
    """The names of tags, each once. They may be new."""
    faults: list[Remark] = field(default_factory=list)
    """Everything for which the row is refused."""
    warnings: list[Remark] = field(default_factory=list)
    """What is not imported of a row that may otherwise be."""


class _Column(NamedTuple):
    position: int
    heading: str
    target: str
    field: str
    read: ColumnReader


class RowReader:
    """Reads the rows of a file."""

    def __init__(
        self,
        mapping: Sequence[ColumnMapping],
        context: ReadingContext,
        names: ReferenceNames,
        *,
        needs_name: bool = True,
    ) -> None:
        """Prepare the reading of rows. Unless `needs_name` is false, rows without any name are refused."""
        self.width = len(mapping)
        self.country = context.country
        self.needs_name = needs_name
        self.is_own = is_own_format(mapping)
        self.columns = _imported_columns(mapping, context, names, is_own=self.is_own)
        self.headings = {column.target: column.heading for column in self.columns}
        self.positions = {column.heading: column.position for column in self.columns}
        self.name_heading = self._heading_of(NAMES) or "first_name"
        self.joined_name_heading = self._heading_of(JOINED_NAMES)
        self.joined_address_heading = self._heading_of(ADDRESS_PARTS)
        self.keeps_typed = "phone_number_as_typed" not in self.headings  # otherwise the file says what was typed
        self.single_valued = [] if self.is_own else [each for each in self.columns if each.target in SEPARATORS]

    def _heading_of(self, targets: Sequence[str]) -> str | None:
        return next((self.headings[target] for target in targets if target in self.headings), None)

    def read(self, cells: Sequence[Cell]) -> Row:
        """Return the values of a row, and the faults of all cells that cannot be read.

        Cells that the row does not have are empty.
        """
        row = Row()
        values = row.values
        if len(cells) != self.width:
            cells = self._fit(cells, row)
        for position, heading, _target, name, read in self.columns:
            cell = cells[position]
            if cell is None or cell == "" or name in values:
                continue
            try:
                value = read(cell)
            except ValueError as error:
                row.faults.append(_fault(heading, error))
            else:
                if value is not None:
                    values[name] = value
        self._complete(row, cells)
        return row

    def _fit(self, cells: Sequence[Cell], row: Row) -> Sequence[Cell]:
        if any(map(filled_text, cells[self.width :])):
            row.faults.append(Remark("", _too_wide(len(cells), self.width)))
        return [*cells, *[None] * (self.width - len(cells))]

    def _complete(self, row: Row, cells: Sequence[Cell]) -> None:
        """Turn what was read into the fields of a customer."""
        values = row.values
        if tags := values.pop("tags", None):
            row.tags = list(tags)
        for column in self.single_valued:
            self._warn_of_several(column, cells[column.position], row)
        self._keep_typed_number(values)
        if self.joined_name_heading:
            join_names(values, self.country)
            _check_lengths(("first_name", "last_name"), self.joined_name_heading, row)
        if self.joined_address_heading:
            join_address(values)
            _check_lengths(("address",), self.joined_address_heading, row)
        if self.needs_name and "first_name" not in values:
            self._require_name(row)
        if len(row.faults) > 1:
            row.faults.sort(key=lambda fault: self.positions.get(fault.heading, self.width))

    def _warn_of_several(self, column: _Column, cell: Cell, row: Row) -> None:
        value = row.values.get(column.field)
        if value is not None and isinstance(cell, str) and SEPARATORS[column.target].is_in(cell):
            kept = value.as_typed if isinstance(value, PhoneNumber) else value
            row.warnings.append(Remark(column.heading, _only_one(column.heading, kept)))

    def _keep_typed_number(self, values: dict[str, Any]) -> None:
        if phone := values.get("phone_number"):
            values["phone_number"] = phone.number
            if self.keeps_typed:
                values["phone_number_as_typed"] = phone.as_typed
        else:
            values.pop("phone_number_as_typed", None)

    def _require_name(self, row: Row) -> None:
        """Take a last name for the first name if it is the only name, except in our own format with first names."""
        if "last_name" in row.values and not (self.is_own and "first_name" in self.headings):
            row.values["first_name"] = row.values.pop("last_name")
        elif all(fault.heading != self.name_heading for fault in row.faults):
            row.faults.append(Remark(self.name_heading, _("{field} is required.", field=self.name_heading)))


def _imported_columns(
    mapping: Sequence[ColumnMapping], context: ReadingContext, names: ReferenceNames, *, is_own: bool
) -> list[_Column]:
    """Return the columns that are imported. Those of a reference are in the order in which they count."""
    columns = [
        _Column(
            position,
            column.heading.strip() or _("Column {number}", number=position + 1),
            column.target,
            REFERENCES.get(column.target, column.target),
            column_reader(column.target, context, names, is_own=is_own),
        )
        for position, column in enumerate(mapping)
        if column.target
    ]
    order = list(REFERENCES)
    return sorted(columns, key=lambda each: order.index(each.target) if each.target in order else -1)


def _fault(heading: str, error: ValueError) -> Remark:
    return Remark(heading, _("{field} {rule}.", field=heading, rule=error.args[0]))


def _check_lengths(fields: Sequence[str], heading: str, row: Row) -> None:
    try:
        for name in fields:
            CUSTOMER_FIELDS[name].check_length(row.values.get(name, ""))
    except ValueError as error:
        row.faults.append(_fault(heading, error))


def _too_wide(count: int, width: int) -> str:
    return _("The row has {count} cells, but the header has {width}.", count=count, width=width)


def _only_one(heading: str, text: str) -> str:
    return _("{field} has several values. Only {value} is imported.", field=heading, value=quote(text))
