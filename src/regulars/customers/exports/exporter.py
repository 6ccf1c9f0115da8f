"""Export of the customers of a tenant to a file. Importing the file again gives equal customers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import BinaryIO

from regulars.customers.exports.csv_file import write_csv
from regulars.customers.exports.json_lines import write_json_lines
from regulars.customers.exports.request import ExportFormat, ExportRequest
from regulars.customers.exports.selection import count_rows, query_of, stream_rows
from regulars.customers.exports.vcards import VCARD_COLUMNS, write_vcards
from regulars.customers.exports.workbook import write_workbook
from regulars.customers.fields import CSV_COLUMNS
from regulars.db.database import Database
from regulars.db.statement import Row

ROWS_PER_PROGRESS = 1_000

Writer = Callable[[Iterable[Row], Sequence[str], BinaryIO], object]
WRITERS: Mapping[ExportFormat, Writer] = {
    "csv": write_csv,
    "xlsx": write_workbook,
    "jsonl": write_json_lines,
    "vcard": write_vcards,
}


def export_customers(
    database: Database,
    tenant_id: int,
    request: ExportRequest,
    target: BinaryIO,
    *,
    progress: Callable[[int], object] = lambda count: None,
) -> int:
    """Write customers of the tenant to `target`, and return their number. All rows come from one snapshot.

    `progress` is called with the number of customers written so far. An exception that it raises stops the export. It
    must not use `database`: this thread's connection is reading. Raise `NotFound` if the tenant does not exist.
    """
    columns = VCARD_COLUMNS if request.format == "vcard" else request.columns or CSV_COLUMNS
    rows = stream_rows(database, tenant_id, columns, query_of(request))
    counted = _Counted(rows, progress)
    # Closing the generator ends its transaction, even if the writer fails.
    with closing(rows):  # type: ignore[type-var]
        WRITERS[request.format](counted, columns, target)
    progress(counted.count)
    return counted.count


def count_exported(database: Database, tenant_id: int, request: ExportRequest) -> int:
    """Return the number of customers that an export would have now. Raise `NotFound` if the tenant does not exist."""
    return count_rows(database, tenant_id, query_of(request))


class _Counted:
    """Rows that are counted while they are read."""

    def __init__(self, rows: Iterator[Row], progress: Callable[[int], object]) -> None:
        self.rows = rows
        self.progress = progress
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            yield row
            self.count += 1
            if self.count % ROWS_PER_PROGRESS == 0:
                self.progress(self.count)
