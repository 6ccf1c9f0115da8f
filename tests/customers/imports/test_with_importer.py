"""Files of other programs, from their headings and cells to customers."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime

import pytest

from regulars.customers.csv.format import escape_formula
from regulars.customers.csv.importer import import_csv
from regulars.customers.exports.exporter import export_customers
from regulars.customers.exports.request import ExportRequest
from regulars.customers.imports.cells import Cell
from regulars.customers.imports.date_order import decide_date_order, usual_date_order
from regulars.customers.imports.mapping import suggest_mapping
from regulars.customers.imports.rows import RowReader
from regulars.customers.imports.values import ReadingContext
from regulars.customers.validation import ReadContext
from regulars.tenants.tenants import create_tenant
from tests.conftest import FreshDatabase
from tests.support.world import World

CONTEXT = ReadContext("TR", date(2026, 11, 28))
HEADINGS = ["Adı Soyadı", "Cep Tel.", "E-posta", "D. Tarihi", "Cinsiyet", "TC Kimlik No", "Ülke", "Notlar"]
ROWS: list[list[Cell]] = [
    ["Dr. Ayşe Nur YILMAZ", 5321112233.0, "ayse@example.com", "05.04.90", "K", 10000000146.0, "Türkiye", "VIP"],
    ["ÖZ, Mehmet", "+49 30 901820", "-", datetime(1953, 11, 25), "Erkek", None, "Almanya"],  # noqa: DTZ001
    ["Ursula von der Leyen", "='1'", None, "25 Kasım 1953", "Bayan", "", ""],
    ["=Ali", "0532 111 22 34", "yok", "31.12.85", "e", "n/a", "DE"],
]
IMPORTED = """
Ayşe Nur|YILMAZ|+905321112233|ayse@example.com|1990-04-05|female|TR|10000000146
Mehmet|ÖZ|+4930901820||1953-11-25|male|DE|
'=Ali||+905321112234||1985-12-31|male|DE|
"""
COLUMNS = "first_name last_name phone_number email date_of_birth gender country_code identity_number".split()


@pytest.fixture(scope="module")
def world(fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database("sqlite")) as world:
        yield world


def test_a_turkish_spreadsheet_becomes_customers(world: World) -> None:
    tenant = create_tenant(world.database, name="Dükkân", locale="tr-TR", country_code="TR")
    mapping = suggest_mapping(HEADINGS, ROWS, CONTEXT)
    assert [column.heading for column in mapping if column.target is None] == ["Notlar"]
    usual = usual_date_order(tenant.locale, tenant.country_code)
    dates = decide_date_order([row[3] for row in ROWS], usual, CONTEXT.today)
    reader = RowReader(mapping, ReadingContext(*CONTEXT, dates.order))
    rows = [reader.read(cells) for cells in ROWS]
    assert [[fault.heading for fault in row.faults] for row in rows] == [[], [], ["Cep Tel."], []]

    import_rows(world, tenant.id, [row.values for row in rows if not row.faults])
    assert exported(world, tenant.id) == IMPORTED.strip().split("\n")


def import_rows(world: World, tenant_id: int, rows: list[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({name: escape_formula(value) for name, value in row.items()} for row in rows)
    faults: list[object] = []
    import_csv(world.database, tenant_id, io.BytesIO(text.getvalue().encode()), lambda *fault: faults.append(fault))
    assert faults == []


def exported(world: World, tenant_id: int) -> list[str]:
    content = io.BytesIO()
    export_customers(world.database, tenant_id, ExportRequest("csv"), content)
    rows = csv.DictReader(io.StringIO(content.getvalue().decode(), newline=""))
    return ["|".join(row[name] for name in COLUMNS) for row in rows]
