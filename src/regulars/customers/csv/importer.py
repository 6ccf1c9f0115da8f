"""Import of customers from a CSV file, in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, BinaryIO, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from regulars.clock import utc_now
from regulars.customers.counts.maintenance import merge_tenant_deltas
from regulars.customers.csv.format import CsvFile, CsvRow, open_csv, unescape_formula
from regulars.customers.fields import CUSTOMER_FIELDS, Record
from regulars.customers.imports.references import ReferenceNames, load_reference_names
from regulars.customers.imports.rows import Row
from regulars.customers.tags import TAG_SEPARATOR, list_tags, name_key
from regulars.customers.validation import MAX_ADVANCING_ID, ReadContext
from regulars.customers.write.storage import insert_customers
from regulars.customers.write.uniqueness import holders_of, key_of
from regulars.db.bulk_load import analyze_after_load
from regulars.db.database import Database
from regulars.db.dialects import one_of
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.errors import Unavailable
from regulars.tenants.locks import lock_customers
from regulars.tenants.tenants import get_tenant
from regulars.validation import quote, trim

ROWS_PER_INSERT = 2_000
ANALYZE_ROWS = 20_000

FIND_TAKEN_IDS = Statement(
    select(customers.c.id).where(customers.c.tenant_id == bindparam("tenant_id"), one_of(customers.c.id, "ids"))
)

Report = Callable[[int, str, str], object]
"""Called with each fault of a row: the line number of the row's start, the column, and the reason."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The numbers of imported and refused rows."""

    imported: int
    refused: int


class _Rollback(Exception):
    """Raised to roll back the transaction."""


def import_csv(
    database: Database,
    tenant_id: int,
    source: BinaryIO,
    report: Report,
    *,
    strict: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> ImportResult:
    """Import customers from a CSV file into the tenant, in one transaction.

    Each bad row is reported and skipped. With `strict`, nothing is imported if there is one. `progress` is called with
    the number of rows read so far. Raise `NotFound` if the tenant does not exist, and `Malformed` if the file cannot be
    read; then nothing is imported either.
    """
    return import_rows(database, tenant_id, open_csv(source), report, strict=strict, progress=progress)


def import_rows(
    database: Database,
    tenant_id: int,
    file: CsvFile,
    report: Report,
    *,
    strict: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> ImportResult:
    """Import the rows of an opened file like `import_csv`."""

    def start(rules: _Rules, tags: _TagIds) -> "_Reading":
        reading = _Reading(file.columns, rules, tags, report)
        reading.good = reading.good_rows(file.rows)
        return reading

    return _import(database, tenant_id, start, strict=strict, progress=progress)


def import_typed_rows(
    database: Database,
    tenant_id: int,
    rows: Callable[[ReferenceNames], Iterable[tuple[int, Row]]],
    report: Report,
    *,
    strict: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> ImportResult:
    """Import rows that are read already, each with the number of its line, like `import_csv`."""

    def start(rules: _Rules, tags: _TagIds) -> "_Reading":
        reading = _Reading((), rules, tags, report)
        reading.good = reading.good_typed_rows(rows(rules.names))
        return reading

    return _import(database, tenant_id, start, strict=strict, progress=progress)


def _import(
    database: Database,
    tenant_id: int,
    start: "Callable[[_Rules, _TagIds], _Reading]",
    *,
    strict: bool,
    progress: Callable[[int], object],
) -> ImportResult:
    get_tenant(database, tenant_id)
    imported = refused = 0
    try:
        with database.transaction():
            lock_customers(database, tenant_id)
            # Read the rules under the lock, so that they stay valid until the end of the import.
            reading = start(_load_rules(database, tenant_id), _TagIds.load(database, tenant_id))
            for rows in _batches(reading.good):
                imported += _insert(database, tenant_id, rows, reading)
                progress(reading.rows)
            progress(reading.rows)
            refused = reading.refused
            if strict and refused:
                raise _Rollback
    except _Rollback:
        imported = 0
    with suppress(Unavailable):
        merge_tenant_deltas(database, tenant_id)
    if imported >= ANALYZE_ROWS:
        analyze_after_load(database)
    return ImportResult(imported, refused)


class _Rules(NamedTuple):
    """The context, the names of references, the current time and the unique fields, for reading rows."""

    context: ReadContext
    names: ReferenceNames
    now: datetime
    unique_fields: Sequence[str]


def _load_rules(database: Database, tenant_id: int) -> _Rules:
    tenant = get_tenant(database, tenant_id)
    now = utc_now()
    context = ReadContext(tenant.country_code, now.astimezone(ZoneInfo(tenant.time_zone)).date())
    return _Rules(context, load_reference_names(database, tenant_id), now, tenant.unique_fields)


@dataclass(frozen=True, slots=True)
class _TagIds:
    """The ids of the tenant's tags, by the keys of their names."""

    by_key: Mapping[str, int]

    @classmethod
    def load(cls, database: Database, tenant_id: int) -> "_TagIds":
        return cls({name_key(tag.name): tag.id for tag in list_tags(database, tenant_id)})

    def find(self, names: Iterable[str]) -> list[int]:
        """Return the ids of tags. Raise ValueError if a name is unknown."""
        found = set()
        for name in names:
            tag_id = self.by_key.get(name_key(name))
            if tag_id is None:
                raise ValueError(f"must be names of tags of this tenant, separated by |, not {quote(name)}")
            found.add(tag_id)
        return sorted(found)


Lookup = Callable[[str], Any]
RowValues = dict[str, Any]
ReadRow = tuple[int, RowValues]
"""The line number of the row's start, and the values by field."""


class _Reading:
    """Converts the cells of rows to values, and reports rows with faults."""

    def __init__(self, columns: Sequence[str], rules: _Rules, tags: _TagIds, report: Report) -> None:
        self.context, names, self.now, self.unique_fields = rules
        self.tags = tags
        self.width = len(columns)
        self.report = report
        self.rows = 0
        self.refused = 0
        self.good: Iterator[ReadRow] = iter(())
        at = {name: position for position, name in enumerate(columns)}
        self.plain = [(name, at[name], field) for name, field in CUSTOMER_FIELDS.items() if field.read and name in at]
        self.keeps_typed = "phone_number_as_typed" not in at  # otherwise the file says how the numbers were typed
        # If several columns name the same reference, the first one that is not empty is used.
        naming: dict[str, list[tuple[str, Lookup]]] = {
            "country_id": [("country_code", names.country_of_code), ("country_name", names.country_of_name)],
            "user_id": [("user_email", names.member_of_email), ("related_user", names.member_of_name)],
            "default_channel_id": [("default_channel_id", names.channel)],
            "tags": [("tags", lambda text: tags.find(text.split(TAG_SEPARATOR)))],
        }
        self.naming = [
            (field, [(name, at[name], read) for name, read in ways if name in at]) for field, ways in naming.items()
        ]

    def good_typed_rows(self, rows: Iterable[tuple[int, Row]]) -> Iterator[ReadRow]:
        """Yield the rows without faults. Refuse the others."""
        for line, row in rows:
            self.rows += 1
            faults: list[tuple[str, str]] = list(row.faults)
            try:
                values = row.values | ({"tags": self.tags.find(row.tags)} if row.tags else {})
            except ValueError as error:
                faults.append(("tags", f"tags {error}."))
            if faults:
                self.refuse(line, faults)
            else:
                yield line, values

    def good_rows(self, rows: Iterable[CsvRow]) -> Iterator[ReadRow]:
        """Yield the rows without faults. Refuse the others."""
        for line, cells, known_faults in rows:
            self.rows += 1
            if known_faults:
                self.refuse(line, known_faults)
                continue
            if len(cells) != self.width:
                self.refuse(line, [("", f"The row has {len(cells)} cells, but the header has {self.width}.")])
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

    def _values(self, cells: Sequence[str], faults: list[tuple[str, str]]) -> RowValues:
        values: RowValues = {}
        for name, position, field in self.plain:
            text = trim(cells[position])
            if text:
                try:
                    typed = unescape_formula(text).strip() if text[0] == "'" else text
                    values[name] = field.read_text(typed, self.context)
                    if name == "phone_number" and self.keeps_typed:
                        values["phone_number_as_typed"] = typed
                except ValueError as error:
                    faults.append((name, f"{name} {error}."))
            elif name == "first_name":
                faults.append((name, "first_name is required."))
        if "phone_number" not in values:
            values.pop("phone_number_as_typed", None)
        for target, ways in self.naming:
            for name, position, read in ways:
                text = cells[position].strip()
                if text:
                    try:
                        values[target] = read(unescape_formula(text).strip() if text[0] == "'" else text)
                    except ValueError as error:
                        faults.append((name, f"{name} {error}."))
                    break
        return values


def _batches(rows: Iterable[ReadRow]) -> Iterator[list[ReadRow]]:
    batch: list[ReadRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_PER_INSERT:
            yield batch
            batch = []
    if batch:
        yield batch


def _insert(database: Database, tenant_id: int, rows: list[ReadRow], reading: _Reading) -> int:
    """Insert the rows of a batch whose id and unique values are free, and refuse the others.

    Return the number of inserted rows.
    """
    given = [values["id"] for _, values in rows if "id" in values]
    taken = taken_ids(database, tenant_id, given) if given else set()
    holders_by_field = _find_holders(database, tenant_id, rows, reading.unique_fields)
    free: list[RowValues] = []
    for line, values in rows:
        number = values.get("id")
        faults = []
        if number in taken:
            faults = [("id", f"id {number} is already used, by an existing customer or by a row above.")]
        if holders_by_field and "deleted_at" not in values:
            faults += _check_unique(values, holders_by_field)
        if faults:
            reading.refuse(line, faults)
            continue
        if number is not None:
            taken.add(number)
        free.append(values)
    last = lock_customers(database, tenant_id).customer
    new = count(max([last, *(number for number in given if number <= MAX_ADVANCING_ID)]) + 1)
    tags = [values.pop("tags", ()) for values in free]
    records = [_record(values, new, reading.now) for values in free]
    tags_of = {record.id: each for record, each in zip(records, tags, strict=True) if each}
    insert_customers(database, tenant_id, records, tags=tags_of)
    return len(records)


Holders = dict[str, dict[str, str]]
"""For each unique field, a description of the customer or row that has each key (see `key_of`)."""


def _find_holders(database: Database, tenant_id: int, rows: list[ReadRow], unique_fields: Sequence[str]) -> Holders:
    holders_by_field: Holders = {}
    for field in unique_fields:
        keys = {key_of(field, values[field]) for _, values in rows if field in values}
        holders = holders_of(database, tenant_id, field, keys)
        holders_by_field[field] = {key: f"customer {ids[0]}" for key, ids in holders.items() if ids}
    return holders_by_field


def _check_unique(values: RowValues, holders_by_field: Holders) -> list[tuple[str, str]]:
    """Return a fault for each unique value that is already used. If there are none, register the values of the row."""
    keys = [(field, key_of(field, values[field])) for field in holders_by_field if field in values]
    faults = [
        (field, f"{field} is already used by {holders_by_field[field][key]}.")
        for field, key in keys
        if key in holders_by_field[field]
    ]
    if not faults:
        for field, key in keys:
            holders_by_field[field][key] = "a row above"
    return faults


def _record(values: RowValues, new_ids: Iterator[int], now: datetime) -> Record:
    if "id" not in values:
        values["id"] = next(new_ids)
    values.setdefault("created_at", now)
    values.setdefault("updated_at", now)
    return Record(**values)


def taken_ids(database: Database, tenant_id: int, ids: Sequence[int]) -> set[int]:
    """Return those of `ids` that customers of the tenant already have."""
    rows = database.fetch_all(FIND_TAKEN_IDS, {"tenant_id": tenant_id, "ids": list(ids)})
    return {number for (number,) in rows}
