"""Rows of a file, read into the text of a CSV file of customers."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.customers.csv.format import CSV_COLUMNS, escape_formula
from regulars.customers.fields import CUSTOMER_FIELDS
from regulars.customers.imports.cells import Cell
from regulars.customers.imports.dates import DateOrder
from regulars.customers.imports.mapping import ColumnMapping, suggest_mapping
from regulars.customers.imports.names import split_name
from regulars.customers.imports.rows import Remark, Row, RowReader, missing_names
from regulars.customers.imports.values import ReadingContext
from regulars.customers.validation import ReadContext
from regulars.i18n import translate

CONTEXT = ReadContext("TR", date(2026, 11, 28))
TURKISH = "Ad Soyad,Telefon,E-posta,Doğum Tarihi,Cinsiyet,TC Kimlik No,Meslek,Adres,Etiketler,Ülke"


def read(headings: str | Sequence[str], cells: Sequence[Cell]) -> Row:
    """Return a row of a file with these headings."""
    names = headings.split(",") if isinstance(headings, str) else headings
    mapping = suggest_mapping(names, [], CONTEXT)
    return RowReader(mapping, ReadingContext(*CONTEXT, DateOrder.DAY_MONTH_YEAR)).read(cells)


def test_a_row_of_a_turkish_spreadsheet() -> None:
    row = read(
        TURKISH,
        [
            "Dr. Ayşe Nur YILMAZ",
            5321112233.0,
            " ayse@example.com",
            datetime(1953, 11, 25),  # noqa: DTZ001
            "K",
            10000000146.0,
            "Diş hekimi",
            "Bağdat Cad. 1\nİstanbul",
            "VIP, Yeni",
            "Almanya",
        ],
    )
    assert row == Row(
        {
            "first_name": "Ayşe Nur",
            "last_name": "YILMAZ",
            "phone_number": "5321112233",
            "email": "ayse@example.com",
            "date_of_birth": "1953-11-25",
            "gender": "female",
            "identity_number": "10000000146",
            "job": "Diş hekimi",
            "address": "Bağdat Cad. 1\nİstanbul",
            "tags": "VIP|Yeni",
            "country_code": "DE",
        }
    )


def test_empty_cells_have_no_text() -> None:
    assert read(TURKISH, ["Ayşe", "-", "yok", "0000-00-00", None, "", "n/a", "--", "#N/A"]) == Row(
        {"first_name": "Ayşe"}
    )


def test_all_faults_of_a_row_are_named_by_the_headings_of_the_file() -> None:
    row = read(
        TURKISH, ["x" * 300, "12", "ayse@", "31.13.1990", "B", "1.2346E+10", "a\x00b", "a\x00b", "VIP", "Atlantis"]
    )
    assert row.faults == [
        Remark("Ad Soyad", "Ad Soyad must have at most 255 characters, not 300."),
        Remark("Telefon", 'Telefon must be an existing phone number, such as +90 532 111 22 33, not "12".'),
        Remark("E-posta", 'E-posta must be an e-mail address such as ayse@example.com, not "ayse@".'),
        Remark("Doğum Tarihi", 'Doğum Tarihi must be a date such as 31.12.1990, not "31.13.1990".'),
        Remark("Cinsiyet", 'Cinsiyet must be a gender such as female, male or other, not "B".'),
        Remark(
            "TC Kimlik No",
            'TC Kimlik No must have all its digits, but a spreadsheet has rounded it to "1.2346E+10".',
        ),
        Remark("Meslek", "Meslek must not contain control characters."),
        Remark("Adres", "Adres must not contain control characters."),
        Remark("Ülke", 'Ülke must be a country such as Türkiye or TR, not "Atlantis".'),
    ]


def test_faults_are_translated_with_their_rules() -> None:
    (fault,) = read("Ad,Doğum Tarihi", ["Ayşe", "31.13.1990"]).faults
    assert translate(fault.reason, "tr") == 'Doğum Tarihi 31.12.1990 gibi bir tarih olmalıdır; "31.13.1990" olamaz.'


def test_a_date_of_birth_in_the_future_is_a_fault() -> None:
    (fault,) = read("Ad,Doğum Tarihi", ["Ayşe", "01.01.2030"]).faults
    assert fault.reason == 'Doğum Tarihi must be a date from 1900-01-01 to today, not "2030-01-01".'


@pytest.mark.parametrize("cells", [["", "Yılmaz"], [], ["-", "Yılmaz"]])
def test_a_row_without_a_first_name_is_refused(cells: list[Cell]) -> None:
    assert read("Adı,Soyadı", cells).faults == [Remark("Adı", "Adı is required.")]


def test_a_file_without_a_column_of_names_has_faults() -> None:
    assert read("Telefon", ["0532 111 22 33"]).faults == [Remark("first_name", "first_name is required.")]


def test_a_row_that_is_wider_than_the_header_is_refused() -> None:
    assert read("Ad,?", ["Ayşe", "x", None, ""]).faults == []
    assert read("Ad,?", ["Ayşe", "x", "y"]).faults == [Remark("", "The row has 3 cells, but the header has 2.")]


def test_a_value_that_is_left_out_is_a_warning() -> None:
    row = read("Ad,Telefon,E-posta", ["Ayşe", "0532 111 22 33 / 0212 444 55 66", "a@example.com; b@example.com"])
    assert row.faults == []
    assert row.values["phone_number"] == "0532 111 22 33"
    assert row.warnings == [
        Remark("Telefon", 'Telefon has several values. Only "0532 111 22 33" is imported.'),
        Remark("E-posta", 'E-posta has several values. Only "a@example.com" is imported.'),
    ]
    assert read("Ad,Telefon", ["Ayşe", "0532/111 22 33"]).warnings == []


@pytest.mark.parametrize(
    ("code", "name", "expected"), [("TR", "Almanya", "TR"), ("", "Almanya", "DE"), ("", "", None), ("tur", "", "TR")]
)
def test_the_code_of_a_country_counts_more_than_its_name(code: str, name: str, expected: str | None) -> None:
    row = read("Ad,Ülke,Ülke Kodu", ["Ayşe", name, code])
    assert row.values.get("country_code") == expected
    assert "country_name" not in row.values


@pytest.mark.parametrize(
    ("values", "full_name", "missing"),
    [
        ({}, "Ayşe Nur Yılmaz", {"first_name": "Ayşe Nur", "last_name": "Yılmaz"}),
        ({}, "Ayşe", {"first_name": "Ayşe"}),
        ({"first_name": "Ayşe"}, "Ayşe Nur Yılmaz", {"last_name": "Nur Yılmaz"}),
        ({"first_name": "Mehmet Ali"}, "Mehmet Ali", {}),
        ({"first_name": "Ayşe"}, "Güneş Kliniği", {}),
        ({"last_name": "Yılmaz"}, "Ayşe Nur Yılmaz", {"first_name": "Ayşe Nur"}),
        ({"last_name": "Yılmaz"}, "Yılmaz", {"first_name": "Yılmaz"}),
        ({"first_name": "Ayşe", "last_name": "Yılmaz"}, "Ayşe Yılmaz", {}),
    ],
)
def test_a_full_name_completes_the_others(values: dict[str, str], full_name: str, missing: dict[str, str]) -> None:
    assert missing_names(values, full_name, split_name(full_name, "TR")) == missing


def test_a_name_that_starts_with_the_last_name() -> None:
    assert read("Soyadı Adı", ["Yılmaz Ayşe Nur"]).values == {"first_name": "Ayşe Nur", "last_name": "Yılmaz"}


def test_a_column_without_a_heading_is_named_by_its_number() -> None:
    mapping = [ColumnMapping("Ad", "first_name", "heading"), ColumnMapping(" ", "email", "values")]
    row = RowReader(mapping, ReadingContext(*CONTEXT, DateOrder.DAY_MONTH_YEAR)).read(["Ayşe", "ayse@"])
    (fault,) = row.faults
    assert fault.reason == 'Column 2 must be an e-mail address such as ayse@example.com, not "ayse@".'
    assert translate(fault.reason, "tr").startswith("2. sütun ")


OWN = {
    "id": "7",
    "first_name": "Dr. Ayşe  Nur",
    "last_name": "-",
    "phone_number": "+905321112233",
    "phone_number_as_typed": "0532 111 22 33",
    "email": "ayse@example.com",
    "date_of_birth": "1990-05-01",
    "gender": "female",
    "country_name": "Türkiye",
    "country_code": "TR",
    "identity_number": "n/a",
    "job": "=1+1",
    "address": "Bağdat Cad. 1\nİstanbul",
    "tags": "Saç, sakal",
    "created_at": "2026-11-07T05:31:56Z",
    "updated_at": "2026-11-07T05:31:56Z",
}


def test_our_own_export_is_read_as_it_was_written() -> None:
    row = read(CSV_COLUMNS, [escape_formula(OWN.get(name, "")) for name in CSV_COLUMNS])
    assert row == Row(OWN)


def test_our_own_export_from_a_spreadsheet_has_typed_cells() -> None:
    typed: dict[str, Cell] = {
        "id": 7.0,
        "date_of_birth": date(1990, 5, 1),
        "created_at": datetime(2026, 11, 7, 5, 31, 56),  # noqa: DTZ001
        "updated_at": datetime(2026, 11, 7, 5, 31, 56, tzinfo=UTC),
    }
    row = read(CSV_COLUMNS, [typed.get(name, OWN.get(name)) for name in CSV_COLUMNS])
    assert row == Row(OWN | dict.fromkeys(("created_at", "updated_at"), "2026-11-07T05:31:56+00:00"))


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.sampled_from(["0532 111 22 33", "Ayşe Yılmaz", "25.11.1953", "K", "Almanya", "a@example.com", 5321112233.0]),
)


@given(st.lists(CELLS, max_size=12))
def test_any_row_is_read_and_its_texts_are_accepted_by_the_fields(cells: list[Cell]) -> None:
    row = read(TURKISH, cells)
    for target, text in row.values.items():
        assert text
        if target in CUSTOMER_FIELDS:
            CUSTOMER_FIELDS[target].read_text(text, CONTEXT)


def test_columns_that_are_not_imported_are_ignored() -> None:
    mapping = [ColumnMapping("Ad", "first_name", "heading"), ColumnMapping("Renk")]
    reader = RowReader(mapping, ReadingContext(*CONTEXT, DateOrder.DAY_MONTH_YEAR))
    assert reader.read(["Ayşe", "a\x00b"]) == Row({"first_name": "Ayşe"})
