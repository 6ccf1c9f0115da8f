"""The error file of an import: the refused rows with their original columns and the reason, to be corrected."""

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any, BinaryIO

from regulars.customers.formulas import escape_formula
from regulars.customers.imports.store import Import
from regulars.customers.issues import Issue, IssueKind, all_issues
from regulars.db.database import Database
from regulars.i18n import _, translate

SPREADSHEETS = {"xlsx", "xls", "ods"}
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ERROR_FILE_TYPES = (CSV_TYPE, XLSX_TYPE)


def error_file_name(found: Import) -> str:
    """Return a name for the error file: that of the imported file with `.errors` and the format."""
    return f"{PurePath(found.file_name).stem}.errors.{'xlsx' if _is_spreadsheet(found) else 'csv'}"


def error_file_type(found: Import) -> str:
    """Return the media type of the error file: a workbook for spreadsheets, otherwise CSV."""
    return XLSX_TYPE if _is_spreadsheet(found) else CSV_TYPE


def write_error_file(database: Database, found: Import, kind: IssueKind, language: str, target: BinaryIO) -> None:
    """Write the refused or skipped rows of an import. The reasons are in `language`."""
    columns = found.detected.columns if found.detected else []
    heading = [*(column.heading for column in columns), translate(_("Reason"), language)]
    issues = all_issues(database, found.tenant_id, found.id, kind)
    rows = (_row(issue, len(columns), language) for issue in issues)
    if _is_spreadsheet(found):
        _write_workbook(heading, rows, target)
    else:
        delimiter = found.detected.delimiter if found.detected else None
        _write_csv(heading, rows, delimiter or ",", target)


def _is_spreadsheet(found: Import) -> bool:
    return found.detected is not None and found.detected.format in SPREADSHEETS


def _row(issue: Issue, width: int, language: str) -> list[Any]:
    """Return the cells of a row, and the reasons in one more cell."""
    cells = issue.cells or ()
    reasons = " ".join(translate(remark.reason, language) for remark in issue.reasons)
    return [*cells, *[None] * (width - len(cells)), reasons]


def _write_csv(heading: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str, target: BinaryIO) -> None:
    # Spreadsheet programs take a file without a byte order mark for one in the encoding of the system.
    text = io.TextIOWrapper(target, "utf-8-sig", newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    for row in chain([heading], rows):
        writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in row])
    text.flush()
    text.detach()


def _write_workbook(heading: Sequence[str], rows: Iterable[Sequence[Any]], target: BinaryIO) -> None:
    from xlsxwriter import Workbook

    never = ("strings_to_formulas", "strings_to_urls", "strings_to_numbers")
    with Workbook(target, {"constant_memory": True, **dict.fromkeys(never, False)}) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(chain([heading], rows)):
            sheet.write_row(number, 0, row)
