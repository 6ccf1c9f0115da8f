"""Readers of cells."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.customers.imports import values
from regulars.customers.imports.cells import Cell
from regulars.customers.imports.dates import DateOrder
from regulars.customers.imports.values import ReadingContext
from regulars.customers.phone_numbers import read_phone_number

CONTEXT = ReadingContext("TR", date(2026, 11, 28), DateOrder.DAY_MONTH_YEAR)


@pytest.mark.parametrize(
    "cell",
    [
        "0532 111 22 33",
        "(0532) 111-22-33",
        "+90 532 111 22 33",
        "00905321112233",
        "905321112233",
        "5321112233",
        5321112233,
        5321112233.0,
        905321112233.0,
        "5321112233.0",
        "9.05321112233E+11",
        "'05321112233",
        '="05321112233"',
        "'+90 532 111 22 33",
        "0532 111 22 33 ::: 0212 444 55 66",
        "0532 111 22 33; 0212 444 55 66",
        "0532 111 22 33 / 0212 444 55 66",
        "05321112233/02124445566",
        "0532 111 22 33\n0212 444 55 66",
        "123, 0532 111 22 33",
    ],
)
def test_a_phone_number_of_a_cell_is_accepted_by_the_reader_of_the_field(cell: Cell) -> None:
    assert read_phone_number(values.read_phone(cell, CONTEXT), "TR") == "+905321112233"


@pytest.mark.parametrize(("cell", "text"), [("12; 34", "12; 34"), ("Ali", "Ali"), ("-", ""), (None, ""), ("yok", "")])
def test_a_cell_without_a_valid_phone_number(cell: Cell, text: str) -> None:
    assert values.read_phone(cell, CONTEXT) == text


@pytest.mark.parametrize("reader", [values.read_phone, values.read_number])
def test_a_rounded_number_is_refused(reader: values.CellReader) -> None:
    with pytest.raises(
        ValueError, match=r'must have all its digits, but a spreadsheet has rounded it to "9\.0532E\+11"'
    ):
        reader("9.0532E+11", CONTEXT)


@given(st.integers(5300000000, 5559999999))
def test_a_number_that_a_spreadsheet_stored_is_that_number(number: int) -> None:
    expected = read_phone_number(f"0{number}", "TR")
    for cell in (number, float(number), f"{number}.0", f"90{number}", float(f"90{number}"), f"{number:.9E}"):
        assert read_phone_number(values.read_phone(cell, CONTEXT), "TR") == expected


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("ayse@example.com", "ayse@example.com"),
        (" mailto:ayse@example.com ", "ayse@example.com"),
        ("ayse@example.com ::: a@example.org", "ayse@example.com"),
        ("ayse@example.com; a@example.org", "ayse@example.com"),
        ("ayse @example.com", "ayse @example.com"),
        ("ayse", "ayse"),
        ("n/a", ""),
    ],
)
def test_an_email_address(cell: Cell, text: str) -> None:
    assert values.read_email(cell, CONTEXT) == text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("25.11.1953", "1953-11-25"),
        (date(1953, 11, 25), "1953-11-25"),
        (19688, "1953-11-25"),
        ("'25.11.1953", "1953-11-25"),
        ("-", ""),
        (None, ""),
        ("0000-00-00", ""),
        ("00.00.0000", ""),
    ],
)
def test_a_date_of_birth(cell: Cell, text: str) -> None:
    assert values.read_date_of_birth(cell, CONTEXT) == text


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("VIP", "VIP"),
        ("VIP|Yeni", "VIP|Yeni"),
        ("VIP, Yeni", "VIP|Yeni"),
        ("VIP; Yeni ;", "VIP|Yeni"),
        ("VIP ::: Yeni ::: * myContacts", "VIP|Yeni"),
        ("* myContacts", ""),
        ("Saç, sakal|Yeni", "Saç, sakal|Yeni"),
        ("VIP,VIP", "VIP"),
        ("yok", ""),
    ],
)
def test_tags(cell: Cell, tags: str) -> None:
    assert values.read_tags(cell, CONTEXT) == tags


@pytest.mark.parametrize(
    ("reader", "cell", "text"),
    [
        (values.read_gender, "Kadın", "female"),
        (values.read_gender, "-", ""),
        (values.read_country_code, "Almanya", "DE"),
        (values.read_country_code, None, ""),
        (values.read_number, 10000000146, "10000000146"),
        (values.read_number, 10000000146.0, "10000000146"),
        (values.read_number, "U1234567", "U1234567"),
        (values.read_line, "Diş\r\nhekimi", "Diş hekimi"),
        (values.read_line, 42.0, "42"),
        (values.read_lines, "Bağdat Cad. 1\nİstanbul", "Bağdat Cad. 1\nİstanbul"),
        (values.read_name, "Ayşe\nNur", "Ayşe Nur"),
        (values.read_name, "Null", "Null"),
        (values.read_time, "2026-11-07T05:31:56Z", "2026-11-07T05:31:56Z"),
        (values.read_time, datetime(2026, 11, 7, 5, 31, 56), "2026-11-07T05:31:56+00:00"),  # noqa: DTZ001
        (values.read_time, datetime(2026, 11, 7, 5, 31, 56, tzinfo=UTC), "2026-11-07T05:31:56+00:00"),
    ],
)
def test_other_values(reader: values.CellReader, cell: Cell, text: str) -> None:
    assert reader(cell, CONTEXT) == text
