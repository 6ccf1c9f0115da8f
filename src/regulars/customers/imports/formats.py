"""Opening a file of customers in any supported format."""

from pathlib import Path

from regulars.customers.imports.cells import Cell
from regulars.customers.imports.delimited import open_delimited
from regulars.customers.imports.json_lines import open_json_lines
from regulars.customers.imports.recognition import recognise
from regulars.customers.imports.spreadsheets import open_spreadsheet
from regulars.customers.imports.table import Choices, Row, Table
from regulars.customers.imports.vcards import open_vcards

__all__ = ["Cell", "Choices", "Row", "Table", "open_table"]


def open_table(path: Path, name: str, choices: Choices) -> Table:
    """Open a file that its user calls `name`, and detect what `choices` leaves open.

    Raise `Malformed`, now or while rows are read, if the file cannot be read as a table.
    """
    file_format = recognise(path, name)
    if file_format in ("xlsx", "xls", "ods"):
        return open_spreadsheet(path, file_format, choices)
    if file_format == "vcard":
        return open_vcards(path, choices)
    if file_format == "jsonl":
        return open_json_lines(path, choices)
    return open_delimited(path, choices)
