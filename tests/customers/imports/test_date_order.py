"""The order of day, month and year in a column."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.customers.imports.cells import Cell
from regulars.customers.imports.date_order import ColumnDates, decide_date_order, usual_date_order
from regulars.customers.imports.dates import DateOrder, read_date

TODAY = date(2026, 11, 28)
DMY, MDY, YMD = DateOrder


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["05.04.1990", "25.11.1953"], DMY),
        (["05/04/1990", "11/25/1953"], MDY),
        (["05/04/90", "31/12/85"], DMY),
        (["1990-05-04", "1953-11-25"], YMD),
        (["1990-05-04", "25.11.1953"], DMY),
        (["90-05-04", "53-11-25"], YMD),
        (["31.13.1990", "25.11.1953", "yok", None], DMY),
        ([date(1990, 5, 4), "11/25/1953"], MDY),
    ],
)
def test_unambiguous_values_decide(cells: list[Cell], order: DateOrder) -> None:
    for usual in (DMY, MDY):
        assert decide_date_order(cells, usual, TODAY) == ColumnDates(order)


@pytest.mark.parametrize("usual", [DMY, MDY])
def test_the_usual_order_decides_if_all_values_are_ambiguous(usual: DateOrder) -> None:
    assert decide_date_order(["05.04.1990", "01.12.1953"], usual, TODAY) == ColumnDates(usual, is_ambiguous=True)


def test_the_day_is_first_if_the_usual_order_does_not_fit() -> None:
    assert decide_date_order(["05/04/1990"], YMD, TODAY) == ColumnDates(DMY, is_ambiguous=True)


@pytest.mark.parametrize("cells", [[], [None, ""], [date(1990, 5, 4), 32956], ["5 Nisan 1990"], ["05.05.1990"], ["x"]])
def test_a_column_that_every_order_reads_alike_is_not_ambiguous(cells: list[Cell]) -> None:
    assert decide_date_order(cells, DMY, TODAY) == ColumnDates(DMY)
    assert decide_date_order(cells, MDY, TODAY) == ColumnDates(MDY)


def test_values_that_contradict_each_other_are_named() -> None:
    found = decide_date_order(["05.04.1990", "25.11.1953", "11/25/1953", "26.11.1953"], MDY, TODAY)
    assert found == ColumnDates(DMY, contradiction=("25.11.1953", "11/25/1953"))
    tied = decide_date_order(["25.11.1953", "11/25/1953"], MDY, TODAY)
    assert tied == ColumnDates(MDY, contradiction=("11/25/1953", "25.11.1953"))


@pytest.mark.parametrize(
    ("locale", "country", "order"),
    [
        ("tr-TR", "TR", DMY),
        ("tr", "TR", DMY),
        ("en-US", "TR", MDY),
        ("en", "US", MDY),
        ("en", "TR", DMY),
        ("en", "GB", DMY),
        ("de-CH", "CH", DMY),
        ("ja", "JP", YMD),
        ("en-CA", "CA", YMD),
        ("sr-Latn", "RS", DMY),
        ("en-QQ", "TR", DMY),
    ],
)
def test_the_usual_order_of_a_tenant(locale: str, country: str, order: DateOrder) -> None:
    assert usual_date_order(locale, country) == order


PATTERNS = {DMY: "{0:%d.%m.%Y}", MDY: "{0:%m/%d/%Y}"}


@given(
    days=st.lists(st.dates(date(1926, 11, 29), TODAY), min_size=1),
    written=st.sampled_from([DMY, MDY]),
    usual=st.sampled_from(DateOrder),
)
def test_a_column_is_read_back_unless_it_is_ambiguous(days: list[date], written: DateOrder, usual: DateOrder) -> None:
    cells = [PATTERNS[written].format(day) for day in days]
    found = decide_date_order(cells, usual, TODAY)
    assert found.contradiction is None
    if not found.is_ambiguous:
        assert [read_date(cell, found.order, TODAY) for cell in cells] == days
    assert found.is_ambiguous == all(day.day <= 12 for day in days) & any(day.day != day.month for day in days)
