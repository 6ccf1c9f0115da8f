"""The job that examines an uploaded file: its format, its columns, the order of its dates, and its number of rows."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import structs
from sqlalchemy import bindparam, select

from regulars.clock import utc_now
from regulars.customers.imports.cells import Cell, filled_text
from regulars.customers.imports.date_order import ColumnDates, decide_date_order, usual_date_order
from regulars.customers.imports.dates import DateOrder
from regulars.customers.imports.formats import open_table
from regulars.customers.imports.mapping import TARGETS, ColumnMapping, is_own_export, suggest_mapping
from regulars.customers.imports.settings import DetectedColumn, DetectedFile, ImportSettings, MatchBy
from regulars.customers.imports.store import Import, get_import, set_column, set_result
from regulars.customers.imports.table import Row, Table
from regulars.customers.validation import MAX_ADVANCING_ID, ReadContext, read_id
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import import_mappings
from regulars.jobs.files import local_copy
from regulars.jobs.queue import JobData
from regulars.jobs.worker import JobRun
from regulars.tenants.tenants import Tenant, get_tenant

SAMPLE_ROWS = 200
SHOWN_SAMPLES = 3
ROWS_PER_REPORT = 1_000

GET_MAPPING = Statement(
    select(import_mappings.c.settings).where(
        import_mappings.c.tenant_id == bindparam("tenant_id"),
        import_mappings.c.headings_digest == bindparam("headings_digest"),
    )
)
_mapping = upsert(import_mappings).values(
    {name: bindparam(name) for name in ("tenant_id", "headings_digest", "settings", "updated_at")}
)
REMEMBER_MAPPING = Statement(
    _mapping.on_conflict_do_update(
        index_elements=list(import_mappings.primary_key.columns),
        set_={"settings": _mapping.excluded.settings, "updated_at": _mapping.excluded.updated_at},
    )
)


def detect(run: JobRun) -> JobData:
    """Examine the file of an import, to its end, and store what was found.

    Raise `Malformed` if the file cannot be read.
    """
    database, tenant_id = run.database, run.job.tenant_id
    found = get_import(database, tenant_id, run.job.arguments["import_id"])
    tenant = get_tenant(database, tenant_id)
    with local_copy(database, tenant_id, found.id) as path:
        table = open_table(path, found.file_name, found.settings.choices)
        samples = [row.cells for row in islice(table.rows(), SAMPLE_ROWS)]
        remembered = _remembered(database, tenant_id, table)
        columns = _columns(table, samples, found.settings, remembered, read_context(tenant))
        targets = [column.target for column in columns]
        rows = _CountedRows(run, table, targets)
        dates = _dates(rows, targets, found.settings.date_order, tenant)
    detected = DetectedFile(
        format=table.format,
        encoding=table.encoding,
        delimiter=table.delimiter,
        sheet=table.sheet,
        sheets=list(table.sheets),
        heading_row=table.heading_row,
        columns=columns,
        rows=rows.count,
        date_order=dates.order.value,
        dates_are_ambiguous=dates.is_ambiguous,
        contradicting_dates=list(dates.contradiction or ()),
        highest_id=rows.highest_id,
    )
    settings = _complete(found.settings, remembered, targets, dates.order, tenant)
    with database.transaction():
        run.save({}, rows.count, rows.count)
        set_column(database, found, "settings", msgspec.json.encode(settings).decode())
        set_result(database, found, "detected", msgspec.to_builtins(detected))
        set_result(database, found, "preview", None)
    return {"rows": rows.count}


class _CountedRows:
    """The rows of a file, counted while they are read, and the highest id in them."""

    def __init__(self, run: JobRun, table: Table, targets: Sequence[str | None]) -> None:
        self.run = run
        self.table = table
        self.position = targets.index("id") if "id" in targets else None
        self.count = 0
        self.highest_id = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.table.rows():
            self.count += 1
            if self.count % ROWS_PER_REPORT == 0:
                self.run.report(self.count, None)
            if self.position is not None and self.position < len(row.cells):
                self._add_id(row.cells[self.position])
            yield row

    def _add_id(self, cell: Cell) -> None:
        # Rows with other values are refused by the import.
        with suppress(ValueError):
            number = read_id(filled_text(cell))
            if number <= MAX_ADVANCING_ID:
                self.highest_id = max(self.highest_id, number)


def read_context(tenant: Tenant) -> ReadContext:
    """Return the country and the current date of a tenant."""
    return ReadContext(tenant.country_code, utc_now().astimezone(ZoneInfo(tenant.time_zone)).date())


def _columns(
    table: Table,
    samples: Sequence[Sequence[Cell]],
    settings: ImportSettings,
    remembered: ImportSettings | None,
    context: ReadContext,
) -> list[DetectedColumn]:
    suggested = suggest_mapping(table.headings, samples, context)
    chosen = settings.mapping or (remembered.mapping if remembered else None)
    columns = []
    for position, column in enumerate(suggested):
        target, reason = column.target, column.recognised_by
        if chosen is not None and chosen[position] != target:
            target, reason = chosen[position], None if settings.mapping else "earlier import"  # type: ignore[assignment]
        texts = [filled_text(row[position])[:100] for row in samples if position < len(row)]
        shown = list(islice((text for text in texts if text), SHOWN_SAMPLES))
        columns.append(DetectedColumn(column.heading, target, reason, shown))
    return columns


def _dates(rows: _CountedRows, targets: Sequence[str | None], chosen: DateOrder | None, tenant: Tenant) -> ColumnDates:
    """Return the order of the dates of birth. This reads all rows, which also shows whether the file is complete."""
    usual = usual_date_order(tenant.locale, tenant.country_code)
    position = targets.index("date_of_birth") if "date_of_birth" in targets else None
    cells = (None if position is None or position >= len(row.cells) else row.cells[position] for row in rows)
    dates = decide_date_order(cells, usual, read_context(tenant).today)
    return dates if chosen is None or chosen == dates.order else ColumnDates(chosen)


def _complete(
    settings: ImportSettings,
    remembered: ImportSettings | None,
    targets: Sequence[str | None],
    order: DateOrder,
    tenant: Tenant,
) -> ImportSettings:
    """Return the settings with a value for each that nobody has chosen."""
    before = remembered or ImportSettings()
    is_own = is_own_export(targets)
    return structs.replace(
        settings,
        mapping=tuple(targets),
        date_order=order,
        match_by=settings.match_by or before.match_by or _usual_match(targets, tenant),
        on_match=settings.on_match or before.on_match or ("overwrite" if is_own else "fill"),
    )


def _usual_match(targets: Sequence[str | None], tenant: Tenant) -> MatchBy:
    """Return the field by which rows are matched if nobody chooses one.

    A phone number is often that of a family, so only a tenant that requires different ones is matched by it.
    """
    fields: list[Any] = ["id", *tenant.unique_fields, "identity_number", "email"]
    return next((field for field in fields if field in targets), "none")


def _remembered(database: Database, tenant_id: int, table: Table) -> ImportSettings | None:
    """Return the settings with which a file with the same headings was imported the last time."""
    values = {"tenant_id": tenant_id, "headings_digest": _digest(table.headings)}
    row = database.fetch_one(GET_MAPPING, values)
    settings = msgspec.json.decode(row[0], type=ImportSettings) if row else None
    is_usable = settings is not None and settings.mapping is not None and set(settings.mapping) <= {*TARGETS, None}
    return settings if is_usable else None


def remember_mapping(database: Database, found: Import) -> None:
    """Remember the settings of an import for the next file with the same headings."""
    if found.detected is None:
        return
    settings = structs.replace(found.settings, encoding=None, delimiter=None, sheet=None, heading_row=None)
    values = {
        "tenant_id": found.tenant_id,
        "headings_digest": _digest([column.heading for column in found.detected.columns]),
        "settings": msgspec.json.encode(settings).decode(),
        "updated_at": utc_now(),
    }
    database.execute(REMEMBER_MAPPING, values)


def _digest(headings: Sequence[str]) -> str:
    return hashlib.sha256(msgspec.json.encode(list(headings))).hexdigest()


def mapping_of(found: Import) -> list[ColumnMapping]:
    """Return the headings and the targets of the columns of an import whose file has been examined."""
    columns = found.detected.columns if found.detected else []
    targets = found.settings.mapping or ()
    return [ColumnMapping(column.heading, target) for column, target in zip(columns, targets, strict=True)]
