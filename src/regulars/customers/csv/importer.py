"""Customers from a CSV file: all that is good in it, or nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from regulars.clock import utc_now
from regulars.customers.counts.maintenance import merge_tenant_deltas
from regulars.customers.csv.format import open_csv, unguarded
from regulars.customers.csv.lookups import Names, names_of
from regulars.customers.fields import CUSTOMER_FIELDS, Record
from regulars.customers.validation import MAX_CUSTOMER_ID, ReadContext
from regulars.customers.write.storage import CUSTOMER_IDS, insert_customers
from regulars.customers.write.uniqueness import holders_of, key_of
from regulars.db.bulk_load import analyze_after_load
from regulars.db.database import Database
from regulars.db.dialects import one_of
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.errors import Unavailable
from regulars.tenants.locks import lock_customers
from regulars.tenants.tenants import get_tenant

BATCH = 2_000
GREAT_LOAD = 20_000
# New ids are given above those that files bring along, but a file may not use up the numbers for all tenants.
LEFT_FOR_NEW_IDS = MAX_CUSTOMER_ID // 2

FIND_TAKEN_IDS = Statement(
    select(customers.c.id).where(customers.c.tenant_id == bindparam("tenant_id"), one_of(customers.c.id, "ids"))
)

Report = Callable[[int, str, str], object]
"""Takes a fault of a row: the line where the row starts, the column, the reason."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many rows became customers, and how many were refused."""

    imported: int
    refused: int


class _NothingImported(Exception):
    """Takes the transaction back."""


def import_csv(
    database: Database,
    tenant_id: int,
    source: BinaryIO,
    report: Report,
    *,
    strict: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> ImportResult:
    """Import the customers in the CSV file `source` into the tenant, in one transaction.

    A bad row is reported and left out; with `strict` one is enough for nothing to be imported. `progress` is told how
    many rows were read. Raises `NotFound` for a tenant that does not exist and `Malformed` for a broken file, of which
    nothing is imported either.
    """
    file = open_csv(source)
    get_tenant(database, tenant_id)
    imported = refused = 0
    try:
        with database.transaction():
            lock_customers(database, tenant_id)
            # Only now, for they must hold until the end.
            reading = _Reading(file.columns, *_rules(database, tenant_id), report)
            for rows in _batches(reading.good_rows(file.rows)):
                imported += _insert(database, tenant_id, rows, reading)
                progress(reading.rows)
            progress(reading.rows)
            refused = reading.refused
            if strict and refused:
                raise _NothingImported
    except _NothingImported:
        imported = 0
    with suppress(Unavailable):
        merge_tenant_deltas(database, tenant_id)
    if imported >= GREAT_LOAD:
        analyze_after_load(database)
    return ImportResult(imported, refused)


def _rules(database: Database, tenant_id: int) -> tuple[ReadContext, Names, datetime, Sequence[str]]:
    """How a field is read in this tenant, what its rows may name, what time it is, and which fields must be unique."""
    tenant = get_tenant(database, tenant_id)
    now = utc_now()
    context = ReadContext(tenant.country_code, now.astimezone(ZoneInfo(tenant.time_zone)).date())
    return context, names_of(database, tenant_id), now, tenant.unique_fields


Lookup = Callable[[str], Any]
Values = dict[str, Any]
Row = tuple[int, Values]
"""The line that a row starts at, and the values of its customer by field."""


class _Reading:
    """Reads cells into values and reports those that are bad."""

    def __init__(
        self,
        columns: Sequence[str],
        context: ReadContext,
        names: Names,
        now: datetime,
        unique_fields: Sequence[str],
        report: Report,
    ) -> None:
        self.unique_fields = unique_fields
        self.width = len(columns)
        self.now = now
        self.report = report
        self.rows = 0
        self.refused = 0
        at = {name: position for position, name in enumerate(columns)}
        self.context = context
        self.plain = [(name, at[name], field) for name, field in CUSTOMER_FIELDS.items() if field.read and name in at]
        self.keeps_typed = "phone_number_as_typed" not in at  # an export says itself how the numbers were typed
        # Of several columns for one thing the first that is not empty counts.
        naming: dict[str, list[tuple[str, Lookup]]] = {
            "country_id": [("country_code", names.country_of_code), ("country_name", names.country_of_name)],
            "user_id": [("user_email", names.member_of_email), ("related_user", names.member_of_name)],
            "default_channel_id": [("default_channel_id", names.channel)],
            "tags": [("tags", names.tags)],
        }
        self.naming = [
            (field, [(name, at[name], read) for name, read in ways if name in at]) for field, ways in naming.items()
        ]

    def good_rows(self, rows: Iterable[tuple[int, list[str]]]) -> Iterator[Row]:
        """The rows that can be imported."""
        for line, cells in rows:
            self.rows += 1
            if len(cells) != self.width:
                self.refuse(line, [("", f"The row has {len(cells)} cells, the first line of the file {self.width}.")])
                continue
            faults: list[tuple[str, str]] = []
            values = self._values(cells, faults)
            if faults:
                self.refuse(line, faults)
            else:
                yield line, values

    def refuse(self, line: int, faults: Iterable[tuple[str, str]]) -> None:
        """Count a row as refused, and report its faults."""
        self.refused += 1
        for name, reason in faults:
            self.report(line, name, reason)

    def _values(self, cells: list[str], faults: list[tuple[str, str]]) -> Values:
        values: Values = {}
        for name, position, field in self.plain:
            text = cells[position].strip()
            if text:
                try:
                    typed = unguarded(text).strip() if text[0] == "'" else text
                    values[name] = field.read_text(typed, self.context)
                    if name == "phone_number" and self.keeps_typed:
                        values["phone_number_as_typed"] = typed
                except ValueError as error:
                    faults.append((name, f"{name} {error}."))
            elif name == "first_name":
                faults.append((name, "first_name must not be empty."))
        if "phone_number" not in values:
            values.pop("phone_number_as_typed", None)
        for target, ways in self.naming:
            for name, position, read in ways:
                text = cells[position].strip()
                if text:
                    try:
                        values[target] = read(unguarded(text).strip() if text[0] == "'" else text)
                    except ValueError as error:
                        faults.append((name, f"{name} {error}."))
                    break
        return values


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _insert(database: Database, tenant_id: int, rows: list[Row], reading: _Reading) -> int:
    """Insert a batch, but for rows with what is another's alone; how many were inserted."""
    given = [values["id"] for _, values in rows if "id" in values]
    taken = taken_ids(database, tenant_id, given) if given else set()
    held = _held(database, tenant_id, rows, reading.unique_fields)
    free: list[Values] = []
    for line, values in rows:
        number = values.get("id")
        faults = []
        if number in taken:
            faults = [("id", f"id {number} is taken: that customer exists already, or stands above.")]
        if held and "deleted_at" not in values:
            faults += _taken(values, held)
        if faults:
            reading.refuse(line, faults)
            continue
        if number is not None:
            taken.add(number)
        free.append(values)
    highest = max((number for number in given if number <= LEFT_FOR_NEW_IDS), default=0)
    if highest:
        database.advance_sequence(CUSTOMER_IDS, highest)
    new = iter(database.new_ids(CUSTOMER_IDS, sum("id" not in values for values in free)))
    tags = [values.pop("tags", ()) for values in free]
    records = [_record(values, new, reading.now) for values in free]
    tags_of = {record.id: each for record, each in zip(records, tags, strict=True) if each}
    insert_customers(database, tenant_id, records, tags=tags_of)
    return len(records)


Held = dict[str, dict[str, str]]
"""For each field that must be unique, who has each value (as of `key_of`), in words."""


def _held(database: Database, tenant_id: int, rows: list[Row], unique_fields: Sequence[str]) -> Held:
    held: Held = {}
    for field in unique_fields:
        keys = {key_of(field, values[field]) for _, values in rows if field in values}
        holders = holders_of(database, tenant_id, field, keys)
        held[field] = {key: f"customer {ids[0]}" for key, ids in holders.items() if ids}
    return held


def _taken(values: Values, held: Held) -> list[tuple[str, str]]:
    """What another has already of what must be unique; if it is nothing, the row has it from now on."""
    keys = [(field, key_of(field, values[field])) for field in held if field in values]
    faults = [(field, f"{field} is that of {held[field][key]} already.") for field, key in keys if key in held[field]]
    if not faults:
        for field, key in keys:
            held[field][key] = "a row above"
    return faults


def _record(values: Values, new_ids: Iterator[int], now: datetime) -> Record:
    if "id" not in values:
        values["id"] = next(new_ids)
    values.setdefault("created_at", now)
    values.setdefault("updated_at", now)
    return Record(**values)


def taken_ids(database: Database, tenant_id: int, ids: Sequence[int]) -> set[int]:
    """Those of `ids` that customers of the tenant have already."""
    rows = database.fetch_all(FIND_TAKEN_IDS, {"tenant_id": tenant_id, "ids": list(ids)})
    return {number for (number,) in rows}
