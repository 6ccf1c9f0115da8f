"""Dates as people and spreadsheets write them."""

from contextlib import suppress
from datetime import date, datetime, time

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from regulars.customers.imports.cells import Cell
from regulars.customers.imports.dates import LANGUAGES, DateOrder, read_date

TODAY = date(2026, 11, 28)
DMY, MDY, YMD = DateOrder
DAY = date(1953, 11, 25)
EXCEL_EPOCH = date(1899, 12, 30)


@pytest.mark.parametrize(
    "text",
    [
        "25.11.1953",
        "25/11/1953",
        "25-11-1953",
        "25 11 1953",
        "25. 11. 1953",
        "25.11.1953.",
        "25/11/53",
        "25.11.53",
        "25111953",
        "19531125",
        "1953-11-25",
        "1953/11/25",
        "1953.11.25",
        "1953-11-25T00:00:00Z",
        "1953-11-25 00:00:00",
        "25.11.1953 00:00",
        "25.11.1953, 10:30",
        "25/11/1953 12:00:00 AM",
        "25 Kasım 1953",
        "25 KASIM 1953",
        "25 Kas 1953",
        "25 kas. 53",
        "25 Nov 1953",
        "25-Nov-53",
        "25-Nov-1953",
        "Nov 25, 1953",
        "November 25th, 1953",
        "25. November 1953",
        "25 novembre 1953",
        "le 25 novembre 1953",
        "1953 Nov 25",
        "25 Kasım 1953 Çarşamba",
        "Wednesday, November 25, 1953",
        "Mittwoch, 25. November 1953",
    ],
)
def test_a_date_with_the_day_first(text: str) -> None:
    assert read_date(text, DMY, TODAY) == DAY


@pytest.mark.parametrize("text", ["11/25/1953", "11-25-53", "11251953", "11/25/1953 0:00", "25 Nov 1953", "1953-11-25"])
def test_a_date_with_the_month_first(text: str) -> None:
    assert read_date(text, MDY, TODAY) == DAY


@pytest.mark.parametrize("text", ["53-11-25", "1953-11-25", "53/11/25", "25 Kasım 1953"])
def test_a_date_with_the_year_first(text: str) -> None:
    assert read_date(text, YMD, TODAY) == DAY


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1 Ocak 1990", date(1990, 1, 1)),
        ("3 Şubat 1990", date(1990, 2, 3)),
        ("12 AĞUSTOS 1990", date(1990, 8, 12)),
        ("12 İyon 1990", None),
        ("1er janvier 1990", date(1990, 1, 1)),
        ("14 août 1990", date(1990, 8, 14)),
        ("2 févr. 1990", date(1990, 2, 2)),
        ("3. März 1990", date(1990, 3, 3)),
        ("3. Maerz 1990", date(1990, 3, 3)),
        ("4. Jänner 1990", date(1990, 1, 4)),
        ("5 Sept 1990", date(1990, 9, 5)),
        ("31 Şubat 1990", None),
    ],
)
def test_names_of_months(text: str, day: date | None) -> None:
    if day is None:
        with pytest.raises(ValueError, match="must be a date"):
            read_date(text, DMY, TODAY)
    else:
        assert read_date(text, DMY, TODAY) == day


@pytest.mark.parametrize(
    ("text", "year"),
    [("25.11.53", 1953), ("25.11.12", 2012), ("28.11.26", 2026), ("29.11.26", 1926), ("01.01.00", 2000)],
)
def test_a_year_of_two_digits_is_never_in_the_future(text: str, year: int) -> None:
    assert read_date(text, DMY, TODAY).year == year


@pytest.mark.parametrize(
    "cell",
    [
        DAY,
        datetime(1953, 11, 25, 8, 0),  # noqa: DTZ001
        (DAY - EXCEL_EPOCH).days,
        float((DAY - EXCEL_EPOCH).days) + 0.5,
        19531125,
        25111953,
    ],
)
def test_cells_of_a_spreadsheet(cell: Cell) -> None:
    assert read_date(cell, DMY, TODAY) == DAY


@pytest.mark.parametrize(
    "cell",
    [
        "32.01.1990",
        "29.02.1990",
        "11.25.1953",
        "25.11.953",
        "1990",
        "Kasım 1953",
        "yarın",
        "--11-25",
        "25 Kasım Aralık 1953",
        "25 x 1953",
        "",
        1990,
        35,
        0,
        -5,
        60000,
        1e300,
        float("nan"),
        float("inf"),
        True,
        None,
        time(9, 30),
    ],
)
def test_a_cell_that_is_no_date(cell: Cell) -> None:
    with pytest.raises(ValueError, match=r"must be a date such as 31\.12\.1990, not "):
        read_date(cell, DMY, TODAY)


def test_the_fault_has_an_example_in_the_order_of_the_column_and_quotes_the_value() -> None:
    with pytest.raises(ValueError, match='must be a date such as 12/31/1990, not "25/11/1953"'):
        read_date("25/11/1953", MDY, TODAY)


@given(
    day=st.dates(date(1926, 11, 29), TODAY),
    order=st.sampled_from(DateOrder),
    separator=st.sampled_from("./- "),
    has_zeros=st.booleans(),
    year_digits=st.sampled_from([2, 4]),
)
def test_a_date_written_in_the_order_of_the_column_is_read_back(
    day: date, order: DateOrder, separator: str, has_zeros: bool, year_digits: int
) -> None:
    width = 2 if has_zeros else 1
    parts = {"d": f"{day.day:0{width}}", "m": f"{day.month:0{width}}", "y": f"{day.year}"[-year_digits:]}
    assert read_date(separator.join(parts[each] for each in order.value), order, TODAY) == day


@given(
    day=st.dates(date(1900, 1, 1), TODAY),
    order=st.sampled_from(DateOrder),
    language=st.sampled_from(LANGUAGES),
    width=st.sampled_from(["wide", "abbreviated"]),
)
def test_a_date_with_the_name_of_its_month_is_read_in_every_order(
    day: date, order: DateOrder, language: str, width: str
) -> None:
    month = Locale(language).months["format"][width][day.month]
    assert read_date(f"{day.day} {month} {day.year}", order, TODAY) == day
    assert read_date(f"{month} {day.day}, {day.year}", order, TODAY) == day


@given(st.one_of(st.text(), st.integers(), st.floats(), st.from_regex(r"[0-9./ -]{5,12}", fullmatch=True)))
def test_any_cell_is_a_date_or_refused(cell: Cell) -> None:
    with suppress(ValueError):
        assert isinstance(read_date(cell, DMY, TODAY), date)
