"""Writing customers as a workbook of Excel (XLSX)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, BinaryIO

from xlsxwriter import Workbook

from regulars.customers.imports.cells import literal_cell
from regulars.db.statement import Row
from regulars.jobs.files import temporary_folder

ROWS_PER_SHEET = 2**20
"""The limit of Excel, including the row that names the columns."""
DATE_FORMAT = "yyyy-mm-dd"
TIME_FORMAT = "yyyy-mm-dd hh:mm:ss"
COLUMN_WIDTH = 18


def write_workbook(rows: Iterable[Row], columns: Sequence[str], target: BinaryIO) -> None:
    """Write a sheet with the names of the columns and the rows; if they are too many for it, further sheets.

    Text is never a formula, a link or a number; ids are numbers, and dates and times are those of a spreadsheet, in
    UTC. Rows are collected in a temporary file.
    """
    with _opened(target) as workbook:
        sheets = _Sheets(workbook, columns)
        for row in rows:
            sheets.write(row)


@contextmanager
def _opened(target: BinaryIO) -> Iterator[Workbook]:
    """Yield a workbook that is written to `target` after the block, unless the block raises an exception."""
    with temporary_folder() as folder:
        options = {
            "constant_memory": True,
            "tmpdir": str(folder),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        workbook = Workbook(target, options)
        workbook.use_zip64()
        try:
            yield workbook
            workbook.close()
        finally:
            for sheet in workbook.worksheets():
                sheet._opt_close()  # the temporary file, which the library closes only with the workbook


class _Sheets:
    """The sheets of a workbook, the last of which is being written."""

    def __init__(self, workbook: Workbook, columns: Sequence[str]) -> None:
        self.workbook = workbook
        self.columns = columns
        self.heading_format = workbook.add_format({"bold": True})
        self.date_format = workbook.add_format({"num_format": DATE_FORMAT})
        self.time_format = workbook.add_format({"num_format": TIME_FORMAT})
        self._add_sheet()

    def _add_sheet(self) -> None:
        number = len(self.workbook.worksheets()) + 1
        self.sheet: Any = self.workbook.add_worksheet("Customers" if number == 1 else f"Customers {number}")
        self.sheet.set_column(0, len(self.columns) - 1, COLUMN_WIDTH)
        self.sheet.freeze_panes(1, 0)
        for position, name in enumerate(self.columns):
            self.sheet.write_string(0, position, name, self.heading_format)
        self.next_row = 1

    def write(self, row: Row) -> None:
        """Write a row below the last one."""
        if self.next_row == ROWS_PER_SHEET:
            self._add_sheet()
        for position, value in enumerate(row):
            if value is not None:
                self._write_cell(position, value)
        self.next_row += 1

    def _write_cell(self, position: int, value: object) -> None:
        if isinstance(value, str):
            self.sheet.write_string(self.next_row, position, literal_cell(value))
        elif isinstance(value, datetime):
            self.sheet.write_datetime(self.next_row, position, value.replace(tzinfo=None), self.time_format)
        elif isinstance(value, date):
            self.sheet.write_datetime(self.next_row, position, value, self.date_format)
        else:
            self.sheet.write_number(self.next_row, position, value)
