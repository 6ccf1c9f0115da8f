"""Rows of a file, read into the values of customers."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from regulars.customers.fields import CSV_COLUMNS, Record
from regulars.customers.formulas import escape_formula
from regulars.customers.imports.cells import Cell
from regulars.customers.imports.dates import DateOrder
from regulars.customers.imports.mapping import ColumnMapping, suggest_mapping
from regulars.customers.imports.references import ReferenceNames
from regulars.customers.imports.rows import Row, RowReader
from regulars.customers.imports.table import Row as TableRow
from regulars.customers.imports.table import read_headings
from regulars.customers.imports.values import ReadingContext
from regulars.customers.issues import Remark
from regulars.customers.validation import ReadContext
from regulars.i18n import translate

CONTEXT = ReadContext("TR", date(2026, 11, 28))
PARTS = "Adı,İkinci Adı,Soyadı,İsim Soyisim,Adres,Cadde,İlçe,İl,Posta Kodu,Telefon"
TURKISH = "Ad Soyad,Telefon,E-posta,Doğum Tarihi,Cinsiyet,TC Kimlik No,Meslek,Adres,Etiketler,Ülke"


NAMES = ReferenceNames(
    country_codes={"TR": 792, "DE": 276},
    country_names={"turkiye": 792, "germany": 276},
    member_emails={"alice@example.com": 7, "bob@example.com": 8},
    member_names={"Alice": 7},
    ambiguous_names=frozenset({"Bob"}),
    channel_ids=frozenset({2}),
)


def reader(mapping: Sequence[ColumnMapping], *, needs_name: bool = True) -> RowReader:
    return RowReader(mapping, ReadingContext(*CONTEXT, DateOrder.DAY_MONTH_YEAR), NAMES, needs_name=needs_name)


def read(headings: str | Sequence[str], cells: Sequence[Cell], *, needs_name: bool = True) -> Row:
    """Return a row of a file with these headings."""
    names = headings.split(",") if isinstance(headings, str) else headings
    return reader(suggest_mapping(names, [], CONTEXT), needs_name=needs_name).read(cells)


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
            "phone_number": "+905321112233",
            "phone_number_as_typed": "5321112233",
            "email": "ayse@example.com",
            "date_of_birth": date(1953, 11, 25),
            "gender": "female",
            "identity_number": "10000000146",
            "job": "Diş hekimi",
            "address": "Bağdat Cad. 1\nİstanbul",
            "country_id": 276,
        },
        tags=["VIP", "Yeni"],
    )


def test_empty_cells_have_no_value() -> None:
    assert read(TURKISH, ["Ayşe", "-", "yok", "0000-00-00", None, "", "n/a", "--", "#N/A"]) == Row(
        {"first_name": "Ayşe"}
    )


def test_all_faults_of_a_row_are_named_by_the_headings_of_the_file() -> None:
    row = read(
        TURKISH, ["x" * 300, "12", "ayse@", "31.13.1990", "B", "1.2346E+10", "a\x00b", "a\x00b", "x" * 61, "Atlantis"]
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
        Remark("Etiketler", "Etiketler must have at most 60 characters, not 61."),
        Remark("Ülke", 'Ülke must be a country such as Türkiye or TR, not "Atlantis".'),
    ]


def test_faults_are_translated_with_their_rules() -> None:
    (fault,) = read("Ad,Doğum Tarihi", ["Ayşe", "31.13.1990"]).faults
    assert translate(fault.reason, "tr") == 'Doğum Tarihi 31.12.1990 gibi bir tarih olmalıdır; "31.13.1990" olamaz.'


def test_a_date_of_birth_in_the_future_is_a_fault() -> None:
    (fault,) = read("Ad,Doğum Tarihi", ["Ayşe", "01.01.2030"]).faults
    assert fault.reason == 'Doğum Tarihi must be a date from 1900-01-01 to today, not "01.01.2030".'


@pytest.mark.parametrize("cells", [["", ""], [], ["-", None]])
def test_a_row_without_any_name_is_refused(cells: list[Cell]) -> None:
    assert read("Adı,Soyadı", cells).faults == [Remark("Adı", "Adı is required.")]


@pytest.mark.parametrize("cells", [["", "Yılmaz"], ["-", "Yılmaz"]])
def test_a_last_name_alone_is_the_name(cells: list[Cell]) -> None:
    assert read("Adı,Soyadı", cells) == Row({"first_name": "Yılmaz"})


def test_a_reader_that_needs_no_names_leaves_them_as_they_are() -> None:
    assert read("Adı,Soyadı", ["", "Yılmaz"], needs_name=False) == Row({"last_name": "Yılmaz"})
    assert read("Telefon", [""], needs_name=False) == Row()


def test_a_file_without_a_column_of_names_has_faults() -> None:
    assert read("Telefon", ["0532 111 22 33"]).faults == [Remark("first_name", "first_name is required.")]


def test_a_row_that_is_wider_than_the_header_is_refused() -> None:
    assert read("Ad,?", ["Ayşe", "x", None, ""]).faults == []
    assert read("Ad,?", ["Ayşe", "x", "y"]).faults == [Remark("", "The row has 3 cells, but the header has 2.")]


def test_a_value_that_is_left_out_is_a_warning() -> None:
    row = read("Ad,Telefon,E-posta", ["Ayşe", "0532 111 22 33 / 0212 444 55 66", "a@example.com; b@example.com"])
    assert row.faults == []
    assert row.values["phone_number"] == "+905321112233"
    assert row.warnings == [
        Remark("Telefon", 'Telefon has several values. Only "0532 111 22 33" is imported.'),
        Remark("E-posta", 'E-posta has several values. Only "a@example.com" is imported.'),
    ]
    assert read("Ad,Telefon", ["Ayşe", "0532/111 22 33"]).warnings == []


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [("TR", "Almanya", 792), ("TR", "Atlantis", 792), ("", "Almanya", 276), ("", "", None), ("tur", "", 792)],
)
def test_the_code_of_a_country_counts_more_than_its_name(code: str, name: str, expected: int | None) -> None:
    row = read("Ad,Ülke,Ülke Kodu", ["Ayşe", name, code])
    assert row.values.get("country_id") == expected
    assert row.faults == []


def test_a_country_that_is_not_in_the_database_is_refused() -> None:
    (fault,) = read("Ad,Ülke", ["Ayşe", "Fransa"]).faults
    assert fault.reason == 'Ülke must be a country code of two letters, such as TR, not "FR".'


def test_a_name_that_starts_with_the_last_name() -> None:
    assert read("Soyadı Adı", ["Yılmaz Ayşe Nur"]).values == {"first_name": "Ayşe Nur", "last_name": "Yılmaz"}


def test_a_column_without_a_heading_is_named_by_its_number() -> None:
    mapping = [ColumnMapping("Ad", "first_name", "heading"), ColumnMapping(" ", "email", "values")]
    (fault,) = reader(mapping).read(["Ayşe", "ayse@"]).faults
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
    "default_channel_id": "2",
    "avatar_url": "https://example.com/a.png",
    "related_user": "Bob",
    "user_email": "Alice@example.com",
    "tags": "Saç, sakal|VIP",
    "created_at": "2026-11-07T05:31:56Z",
    "updated_at": "2026-11-07T05:31:56Z",
}
CREATED = datetime(2026, 11, 7, 5, 31, 56, tzinfo=UTC)
OWN_ROW = Row(
    {
        "id": 7,
        "first_name": "Dr. Ayşe  Nur",
        "last_name": "-",
        "phone_number": "+905321112233",
        "phone_number_as_typed": "0532 111 22 33",
        "email": "ayse@example.com",
        "date_of_birth": date(1990, 5, 1),
        "gender": "female",
        "country_id": 792,
        "identity_number": "n/a",
        "job": "=1+1",
        "address": "Bağdat Cad. 1\nİstanbul",
        "default_channel_id": 2,
        "avatar_url": "https://example.com/a.png",
        "user_id": 7,
        "created_at": CREATED,
        "updated_at": CREATED,
    },
    tags=["Saç, sakal", "VIP"],
)


def own_cells(**typed: Cell) -> list[Cell]:
    """Return the cells of a row of our own export, some of them with the types that a spreadsheet gives them."""
    return [typed[name] if name in typed else escape_formula(OWN.get(name, "")) for name in CSV_COLUMNS]


def test_our_own_export_is_read_as_it_was_written() -> None:
    assert read(CSV_COLUMNS, own_cells()) == OWN_ROW


def test_our_own_export_from_a_spreadsheet_has_typed_cells() -> None:
    cells = own_cells(
        id=7.0,
        date_of_birth=date(1990, 5, 1),
        default_channel_id=2.0,
        created_at=datetime(2026, 11, 7, 5, 31, 56),  # noqa: DTZ001
        updated_at=CREATED,
        deleted_at=None,
    )
    assert read(CSV_COLUMNS, cells) == OWN_ROW


def test_some_columns_of_our_own_format_are_read_as_they_were_written() -> None:
    row = read(
        "id,first_name,last_name,phone_number,address,tags",
        ["7", " '=Ali ", "-", "'+90 532 111 22 33", "n/a", "Saç, sakal|"],
    )
    assert row == Row(
        {
            "id": 7,
            "first_name": "=Ali",
            "last_name": "-",
            "phone_number": "+905321112233",
            "phone_number_as_typed": "+90 532 111 22 33",
            "address": "n/a",
        },
        tags=["Saç, sakal"],
    )


def test_our_own_format_is_not_interpreted() -> None:
    row = read(
        "first_name,last_name,date_of_birth,gender,country_code,related_user",
        ["", "Yılmaz", "01.05.1990", "kadın", "tur", "Bob"],
    )
    assert row.faults == [
        Remark("first_name", "first_name is required."),
        Remark("date_of_birth", 'date_of_birth must be a date such as 1990-05-01, not "01.05.1990".'),
        Remark("gender", 'gender must be one of male, female, other, not "kadın".'),
        Remark("country_code", 'country_code must be a country code of two letters, such as TR, not "tur".'),
        Remark(
            "related_user",
            'related_user is ambiguous: several members have the name "Bob". Use user_email instead.',
        ),
    ]


def test_how_a_number_was_typed_is_not_kept_without_the_number() -> None:
    assert read("first_name,phone_number,phone_number_as_typed", ["Ali", "", "0532"]) == Row({"first_name": "Ali"})
    assert read("first_name,phone_number,phone_number_as_typed", ["Ali", "05321112233", ""]) == Row(
        {"first_name": "Ali", "phone_number": "+905321112233"}
    )


@pytest.mark.parametrize(("email", "name", "user"), [("", "Alice", 7), ("bob@example.com", "Alice", 8), ("", "", None)])
def test_the_address_of_a_member_counts_more_than_the_name(email: str, name: str, user: int | None) -> None:
    row = read("first_name,related_user,user_email", ["Ali", name, email])
    assert row.values.get("user_id") == user
    assert row.faults == []


@pytest.mark.parametrize(
    ("headings", "cells", "name"),
    [
        ("First Name,Middle Name,Last Name", ["Ayşe", "Nur", "Yılmaz"], ("Ayşe Nur", "Yılmaz")),
        ("First Name,Middle Name,Last Name", ["Ayşe", "", "Yılmaz"], ("Ayşe", "Yılmaz")),
        ("First Name,Middle Name,Last Name", ["", "Nur", "Yılmaz"], ("Nur", "Yılmaz")),
        ("Name,Given Name,Additional Name,Family Name", ["Ayşe Nur Yılmaz", "Ayşe", "Nur", ""], ("Ayşe Nur", "Yılmaz")),
        ("Full Name,Middle Name", ["Ayşe Nur Yılmaz", "Nur"], ("Ayşe Nur", "Yılmaz")),
        ("Soyadı Adı", ["Yılmaz Ayşe Nur"], ("Ayşe Nur", "Yılmaz")),
    ],
)
def test_a_name_in_several_columns_is_joined(headings: str, cells: list[Cell], name: tuple[str, str]) -> None:
    assert read(headings, cells) == Row(dict(zip(("first_name", "last_name"), name, strict=True)))


def test_an_address_in_several_columns_is_joined() -> None:
    row = read(
        "Ad,Street Address,City,State/Region,Postal Code", ["Ayşe", "Moda Cad. 1", "Kadıköy", "İstanbul", 34710.0]
    )
    assert row == Row({"first_name": "Ayşe", "address": "Moda Cad. 1\n34710 Kadıköy, İstanbul"})


def test_a_joined_address_that_is_too_long_is_a_fault_of_its_first_part() -> None:
    row = read("Ad,City,Street", ["Ayşe", "y" * 500, "x" * 500])
    assert row.faults == [Remark("Street", "Street must have at most 1000 characters, not 1001.")]
    assert read("Ad,City", ["Ayşe", "a\x00b"]).faults == [Remark("City", "City must not contain control characters.")]


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


@given(st.sampled_from([TURKISH, PARTS, ",".join(CSV_COLUMNS)]), st.lists(CELLS, max_size=24))
def test_any_row_is_read_into_values_of_a_record(headings: str, cells: list[Cell]) -> None:
    row = read(headings, cells)
    now = datetime(2026, 11, 28, tzinfo=UTC)
    if not row.faults:
        convert({"id": 1, "created_at": now, "updated_at": now} | row.values, Record)
        assert "" not in row.values.values()
        assert None not in row.values.values()
        assert "" not in row.tags


@given(st.lists(CELLS, min_size=1, max_size=5))
def test_a_cell_is_read_the_same_again(cells: list[Cell]) -> None:
    """Remembered values are not mixed up: True, 1 and 1.0 are equal, but no two have the same text."""
    same = reader([ColumnMapping("Ad", "first_name"), ColumnMapping("Meslek", "job"), ColumnMapping("Etiket", "tags")])
    for cell in cells:
        alone = reader(
            [ColumnMapping("Ad", "first_name"), ColumnMapping("Meslek", "job"), ColumnMapping("Etiket", "tags")]
        )
        assert same.read(["Ayşe", cell, cell]) == alone.read(["Ayşe", cell, cell])


SPACES = " " * 300_000
LONG_CELLS = [
    f"a{SPACES}b\x00",
    f"1{SPACES}/;x",
    f"1{SPACES}x",
    f"dr.{SPACES}#",
    "md " + "dr med " * 40_000 + "#",
    "a@" + "." * 300_000 + "@",
    "(" * 300_000,
    "-" * 300_000 + "x",
    "'" * 300_000 + "x",
    "1" * 300_000 + "x",
]


@pytest.mark.parametrize("cell", LONG_CELLS, ids=range(len(LONG_CELLS)))
def test_no_cell_takes_long_to_read(cell: str) -> None:
    """A regular expression that tries all ways to match would need hours for these."""
    headings = read_headings(TableRow(1, [*TURKISH.split(","), cell]))
    faults = read(headings, [cell] * len(headings)).faults
    assert {fault.heading for fault in faults} >= {"Telefon", "E-posta", "Doğum Tarihi", "Ülke"}


def test_columns_that_are_not_imported_are_ignored() -> None:
    mapping = [ColumnMapping("Ad", "first_name", "heading"), ColumnMapping("Renk")]
    assert reader(mapping).read(["Ayşe", "a\x00b"]) == Row({"first_name": "Ayşe"})
