"""Readers of cells."""

from collections.abc import Callable
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
def test_a_phone_number_is_read_however_it_is_written(cell: Cell) -> None:
    assert read_number(cell) == "+905321112233"


def read_number(cell: Cell) -> str | None:
    phone = values.read_phone(cell, CONTEXT)
    return phone and phone.number


@pytest.mark.parametrize(
    ("cell", "as_typed"),
    [
        ("'+90 532 111 22 33", "+90 532 111 22 33"),
        (5321112233.0, "5321112233"),
        ("0212 444 55 66 ::: 0532 111 22 33", "0212 444 55 66"),
        ("0532 111 22 33;", "0532 111 22 33"),
    ],
)
def test_the_way_a_number_was_typed_is_kept(cell: Cell, as_typed: str) -> None:
    phone = values.read_phone(cell, CONTEXT)
    assert phone is not None
    assert phone.as_typed == as_typed


@pytest.mark.parametrize("cell", ["-", None, "yok", "", "'"])
def test_a_cell_without_a_phone_number(cell: Cell) -> None:
    assert values.read_phone(cell, CONTEXT) is None


@pytest.mark.parametrize("cell", ["12; 34", "Ali", ";", "0532 111 22 33 (sabahları ara)"])
def test_a_cell_without_a_valid_phone_number(cell: Cell) -> None:
    with pytest.raises(ValueError, match="must "):
        values.read_phone(cell, CONTEXT)


@pytest.mark.parametrize("read", [lambda cell: values.read_phone(cell, CONTEXT), values.number_text])
def test_a_rounded_number_is_refused(read: Callable[[Cell], object]) -> None:
    with pytest.raises(
        ValueError, match=r'must have all its digits, but a spreadsheet has rounded it to "9\.0532E\+11"'
    ):
        read("9.0532E+11")


@given(st.integers(5300000000, 5559999999))
def test_a_number_that_a_spreadsheet_stored_is_that_number(number: int) -> None:
    expected = read_phone_number(f"0{number}", "TR")
    for cell in (number, float(number), f"{number}.0", f"90{number}", float(f"90{number}"), f"{number:.9E}"):
        assert read_number(cell) == expected


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("ayse@example.com", "ayse@example.com"),
        ("Ayse@EXAMPLE.com", "Ayse@example.com"),
        ("ayse@example.com,", "ayse@example.com"),
        (" mailto:ayse@example.com ", "ayse@example.com"),
        ("ayse@example.com ::: a@example.org", "ayse@example.com"),
        ("ayse@example.com; a@example.org", "ayse@example.com"),
        ("n/a", None),
        ("|", None),
        ("mailto:", None),
    ],
)
def test_an_email_address(cell: Cell, address: str | None) -> None:
    assert values.read_email(cell, CONTEXT) == address


@pytest.mark.parametrize("cell", ["ayse @example.com", "ayse", "ayse@example.com Öz", f"{'a' * 300}@example.com"])
def test_text_that_is_no_email_address(cell: Cell) -> None:
    with pytest.raises(ValueError, match="must "):
        values.read_email(cell, CONTEXT)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("25.11.1953", date(1953, 11, 25)),
        (date(1953, 11, 25), date(1953, 11, 25)),
        (datetime(1953, 11, 25), date(1953, 11, 25)),  # noqa: DTZ001
        (19688, date(1953, 11, 25)),
        ("'25.11.1953", date(1953, 11, 25)),
        ("-", None),
        (None, None),
        ("0000-00-00", None),
        ("'00.00.0000", None),
    ],
)
def test_a_date_of_birth(cell: Cell, day: date | None) -> None:
    assert values.read_date_of_birth(cell, CONTEXT) == day


@pytest.mark.parametrize("cell", ["31.12.1899", "29.11.2026", date(2030, 1, 1)])
def test_a_date_of_birth_is_from_1900_to_today(cell: Cell) -> None:
    with pytest.raises(ValueError, match="must be a date from 1900-01-01 to today"):
        values.read_date_of_birth(cell, CONTEXT)


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("VIP", ["VIP"]),
        ("VIP|Yeni", ["VIP", "Yeni"]),
        ("VIP, Yeni", ["VIP", "Yeni"]),
        ("VIP; Yeni ;", ["VIP", "Yeni"]),
        ("VIP ::: Yeni ::: * myContacts", ["VIP", "Yeni"]),
        ("* myContacts", []),
        ("Saç, sakal|Yeni", ["Saç, sakal", "Yeni"]),
        ("VIP,VIP, vip", ["VIP"]),
        ("Ilık|ılık|İlk", ["Ilık", "İlk"]),
        ("yok", []),
        (42.0, ["42"]),
    ],
)
def test_tags(cell: Cell, tags: list[str]) -> None:
    assert list(values.read_tags(cell, CONTEXT)) == tags


@pytest.mark.parametrize("cell", ["VIP ::: a|b", "VIP, a\x00b", "x" * 61])
def test_a_name_that_no_tag_can_have_is_refused(cell: Cell) -> None:
    with pytest.raises(ValueError, match="must "):
        values.read_tags(cell, CONTEXT)


@pytest.mark.parametrize(
    ("cell", "gender"), [("Kadın", "female"), ("-", None), (None, None), ("belirtilmemiş", None), ("E", "male")]
)
def test_a_gender(cell: Cell, gender: str | None) -> None:
    assert values.read_gender(cell, CONTEXT) == gender


@pytest.mark.parametrize(
    ("read", "cell", "text"),
    [
        (values.number_text, 10000000146, "10000000146"),
        (values.number_text, 10000000146.0, "10000000146"),
        (values.number_text, "U1234567", "U1234567"),
        (values.line_text, "Diş\r\nhekimi", "Diş hekimi"),
        (values.line_text, 42.0, "42"),
        (values.name_text, "Ayşe\nNur", "Ayşe Nur"),
        (values.name_text, "Null", "Null"),
        (values.time_text, "2026-11-07T05:31:56Z", "2026-11-07T05:31:56Z"),
        (values.time_text, datetime(2026, 11, 7, 5, 31, 56), "2026-11-07T05:31:56+00:00"),  # noqa: DTZ001
        (values.time_text, datetime(2026, 11, 7, 5, 31, 56, tzinfo=UTC), "2026-11-07T05:31:56+00:00"),
    ],
)
def test_text(read: values.TextReader, cell: Cell, text: str) -> None:
    assert read(cell) == text
