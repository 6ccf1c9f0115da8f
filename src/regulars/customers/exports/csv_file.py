"""Writing customers as CSV in UTF-8."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import BinaryIO

from regulars.customers.formulas import escape_formula
from regulars.db.statement import Row


def write_csv(rows: Iterable[Row], columns: Sequence[str], target: BinaryIO) -> None:
    """Write a line with the names of the columns, and a line for each row. No cell is a formula for a spreadsheet."""
    writer = csv.writer(SimpleNamespace(write=lambda text: target.write(text.encode())), lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    if isinstance(value, str):
        return escape_formula(value)
    return format_time(value) if isinstance(value, datetime) else value


def format_time(moment: datetime) -> str:
    """Return a time in UTC, such as 2026-11-23T09:30:00Z."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
