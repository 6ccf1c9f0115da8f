"""Spreadsheets of Excel (.xlsx and .xls) and OpenDocument (.ods), which a process of their own reads."""

import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from regulars.customers.imports import refusals, sheet_process
from regulars.customers.imports.sheet_process import Opened, decode_cell
from regulars.customers.imports.table import Choices, Row, Table, find_heading, read_headings, rows_below
from regulars.errors import Malformed
from regulars.i18n import _
from regulars.validation import quote

END = b"null\n"
REFUSALS = {sheet_process.EXCEPTION: refusals.DAMAGED, sheet_process.HAS_PASSWORD: refusals.PASSWORD}


def open_spreadsheet(path: Path, file_format: str, choices: Choices) -> Table:
    """Open the chosen sheet, or the first that has data, and detect its heading."""
    with closing(_read_lines(path, file_format, choices.sheet)) as lines:
        opened = _read_opened(next(lines), choices.sheet)
        heading = find_heading(_read_rows(lines), choices.heading_row)
    headings = read_headings(heading)
    return Table(
        format=file_format,
        headings=headings,
        rows=lambda: rows_below(_rows(path, file_format, opened.sheet), heading.number, len(headings), padding=None),
        sheet=opened.sheet,
        sheets=opened.sheets,
        heading_row=heading.number,
    )


def _read_opened(line: bytes, chosen: str | None) -> Opened:
    opened = msgspec.json.decode(line, type=Opened)
    if opened.sheet is None and chosen is not None:
        names = ", ".join(map(quote, opened.sheets))
        raise Malformed(_("The file has no sheet {sheet}. Its sheets: {names}.", sheet=quote(chosen), names=names))
    return opened


def _rows(path: Path, file_format: str, sheet: str | None) -> Iterator[Row]:
    with closing(_read_lines(path, file_format, sheet)) as lines:
        next(lines)
        yield from _read_rows(lines)


def _read_rows(lines: Iterator[bytes]) -> Iterator[Row]:
    for line in lines:
        number, cells = msgspec.json.decode(line)
        yield Row(number, [decode_cell(cell) for cell in cells])


def _read_lines(path: Path, file_format: str, sheet: str | None) -> Generator[bytes]:
    """Yield the lines of a process that reads a sheet."""
    # Unless the name of the file tells its format, calamine tries them all, and does not say what is wrong with it.
    with TemporaryDirectory() as folder:
        named = Path(folder, f"workbook.{file_format}")
        named.symlink_to(path.resolve())
        yield from _run_sheet_process(named, sheet)


def _run_sheet_process(path: Path, sheet: str | None) -> Iterator[bytes]:
    command = [sys.executable, "-P", "-m", sheet_process.__name__, str(path), *([] if sheet is None else [sheet])]
    with subprocess.Popen(  # noqa: S603  # no shell reads the arguments
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield from _lines_before_end(process)
        finally:
            process.kill()


def _lines_before_end(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield the lines of a process. Raise `Malformed` if it ends before it has written all of them."""
    for line in process.stdout or ():
        if line == END:
            return
        yield line
    # Any other exit code means that a limit was exceeded.
    raise Malformed(REFUSALS.get(process.wait(), refusals.TOO_LARGE))
