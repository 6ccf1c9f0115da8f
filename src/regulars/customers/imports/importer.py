"""Import of customers from the files of other programs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from regulars.clock import utc_now
from regulars.customers.csv.format import CSV_COLUMNS, CsvFile, CsvRow, escape_formula
from regulars.customers.csv.importer import ImportResult, Report, import_rows
from regulars.customers.imports.date_order import ColumnDates, decide_date_order, usual_date_order
from regulars.customers.imports.formats import open_table
from regulars.customers.imports.headings import FULL_NAME, REVERSED_NAME
from regulars.customers.imports.mapping import ColumnMapping, suggest_mapping
from regulars.customers.imports.rows import RowReader
from regulars.customers.imports.table import Choices, Table
from regulars.customers.imports.values import ReadingContext
from regulars.customers.validation import ReadContext
from regulars.db.database import Database
from regulars.errors import Malformed
from regulars.i18n import _
from regulars.tenants.tenants import Tenant, get_tenant
from regulars.validation import quote

SAMPLE_ROWS = 200
NAMES = {"first_name", FULL_NAME, REVERSED_NAME}


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """An opened file of another program: its table, what each column is imported as, and the order of its dates."""

    table: Table
    mapping: tuple[ColumnMapping, ...]
    dates: ColumnDates
    context: ReadingContext


def open_foreign_file(database: Database, tenant_id: int, path: Path, choices: Choices) -> ForeignFile:
    """Open a file and recognise its columns.

    Raise `Malformed` if it cannot be read or no column has the names of the customers, and `NotFound` if the tenant
    does not exist.
    """
    tenant = get_tenant(database, tenant_id)
    context = _read_context(tenant)
    table = open_table(path, path.name, choices)
    samples = [row.cells for row in islice(table.rows(), SAMPLE_ROWS)]
    mapping = suggest_mapping(table.headings, samples, context)
    if NAMES.isdisjoint(column.target for column in mapping):
        headings = ", ".join(map(quote, table.headings))
        raise Malformed(
            _("No column of the file is recognised as the name of the customer: {headings}.", headings=headings)
        )
    dates = _order_of_dates(table, mapping, tenant, context)
    return ForeignFile(table, mapping, dates, ReadingContext(context.region, context.today, dates.order))


def import_foreign_file(
    database: Database,
    tenant_id: int,
    file: ForeignFile,
    report: Report,
    *,
    strict: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> ImportResult:
    """Import the customers of a file like `import_csv`. Faults are reported with the headings of the file."""
    targets = {column.target for column in file.mapping}
    # Without this column, the importer stores phone numbers as they were typed in the file.
    columns = tuple(name for name in CSV_COLUMNS if name != "phone_number_as_typed" or name in targets)
    rows = CsvFile(columns, _csv_rows(file, columns))
    return import_rows(database, tenant_id, rows, report, strict=strict, progress=progress)


def _csv_rows(file: ForeignFile, columns: Sequence[str]) -> Iterator[CsvRow]:
    reader = RowReader(file.mapping, file.context)
    for row in file.table.rows():
        if row.error is not None:
            yield CsvRow(row.number, [], [("", row.error)])
            continue
        read = reader.read(row.cells)
        yield CsvRow(row.number, [escape_formula(read.values.get(name, "")) for name in columns], list(read.faults))


def _read_context(tenant: Tenant) -> ReadContext:
    return ReadContext(tenant.country_code, utc_now().astimezone(ZoneInfo(tenant.time_zone)).date())


def _order_of_dates(
    table: Table, mapping: tuple[ColumnMapping, ...], tenant: Tenant, context: ReadContext
) -> ColumnDates:
    """Return the order of the dates of birth, from all rows."""
    targets = [column.target for column in mapping]
    usual = usual_date_order(tenant.locale, tenant.country_code)
    if "date_of_birth" not in targets:
        return decide_date_order((), usual, context.today)
    position = targets.index("date_of_birth")
    cells = (row.cells[position] for row in table.rows() if position < len(row.cells))
    return decide_date_order(cells, usual, context.today)
