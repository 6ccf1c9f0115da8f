"""A process that reads one sheet of a spreadsheet and writes its rows to standard output.

A spreadsheet of a few kilobytes can make calamine allocate any amount of memory: it holds all cells of the rectangle
that two cells span. Rust ends the process if it gets no memory, so it must not be the one of the server.

Each line of the output is a JSON value: first `Opened`, then a `[number, cells]` for each row that has
a value, and null at the end. JSON has no dates, so these are pairs of a type and a text.
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from python_calamine import (
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from regulars.customers.imports.cells import Cell

MAX_MEMORY = 2 * 2**30
MAX_CPU_SECONDS = 300
# Exit codes. Python itself ends with 1 after an exception, which means here that the file is damaged.
EXCEPTION = 1
HAS_PASSWORD = 3
OUT_OF_MEMORY = 4
LARGEST_EXACT_FLOAT = 2**53
PARSERS: dict[str, Any] = {"datetime": datetime.fromisoformat, "date": date.fromisoformat, "time": time.fromisoformat}


class Opened(msgspec.Struct):
    """The worksheets of a workbook, and the one that is read; None if it does not exist or if all are empty."""

    sheets: tuple[str, ...]
    sheet: str | None


def decode_cell(value: Any) -> Cell:
    """Return a cell from its JSON value."""
    if not isinstance(value, list):
        cell: Cell = value
        return cell
    parsed: Cell = PARSERS[value[0]](value[1])
    return parsed


def _encode_cell(value: Any) -> object:
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_EXACT_FLOAT:
        # Spreadsheets have only one kind of number.
        return int(value)
    if isinstance(value, datetime | date | time):
        return type(value).__name__, value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return None if value == "" else value


def main(path: str, chosen: str | None) -> None:
    """Write the chosen sheet, or the first visible one that has data."""
    _limit_resources()
    try:
        for message in _messages(path, chosen):
            sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    except PasswordError:
        sys.exit(HAS_PASSWORD)


def _limit_resources() -> None:
    _limit(resource.RLIMIT_AS, MAX_MEMORY)
    _limit(resource.RLIMIT_CPU, MAX_CPU_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, value: int) -> None:
    _soft, hard = resource.getrlimit(kind)
    lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
    # macOS has no limit to the address space.
    with suppress(ValueError):
        resource.setrlimit(kind, (lower, lower))


def _messages(path: str, chosen: str | None) -> Iterator[object]:
    workbook = load_workbook(path)
    names = [data.name for data in workbook.sheets_metadata if data.typ == SheetTypeEnum.WorkSheet]
    sheet = _find_sheet(workbook, names if chosen is None else [name for name in names if name == chosen])
    yield Opened(tuple(names), sheet.name if sheet else chosen if chosen in names else None)
    if sheet is not None:
        yield from _rows(sheet)
    yield None


def _find_sheet(workbook: CalamineWorkbook, names: list[str]) -> CalamineSheet | None:
    hidden = {data.name for data in workbook.sheets_metadata if data.visible != SheetVisibleEnum.Visible}
    sheets = (workbook.get_sheet_by_name(name) for name in sorted(names, key=hidden.__contains__))
    return next((sheet for sheet in sheets if sheet.height), None)


def _rows(sheet: CalamineSheet) -> Iterator[object]:
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = [_encode_cell(value) for value in values]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield number, cells


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
