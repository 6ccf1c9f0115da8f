"""Cells of a file, and their text."""

import unicodedata
from datetime import date, datetime, time

import pytest

from regulars.customers.imports.cells import (
    EMPTY_MARKERS,
    MAX_MARKER_LENGTH,
    Cell,
    cell_text,
    filled_name,
    filled_text,
    read_digits,
)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (" Ayşe ", "Ayşe"),
        ("\N{NO-BREAK SPACE}Ayşe\t", "Ayşe"),
        ("\N{ZERO WIDTH SPACE}", ""),
        (None, ""),
        (True, "true"),
        (42, "42"),
        (5321112233.0, "5321112233"),
        (9.05321112233e11, "905321112233"),
        (1.5, "1.5"),
        (float("nan"), ""),
        (float("inf"), ""),
        (date(1990, 5, 1), "1990-05-01"),
        (datetime(1990, 5, 1), "1990-05-01"),  # noqa: DTZ001
        (datetime(1990, 5, 1, 9, 30), "1990-05-01 09:30:00"),  # noqa: DTZ001
        (time(9, 30), "09:30:00"),
        ('="05321112233"', "05321112233"),
        ("'+90 532 111 22 33", "+90 532 111 22 33"),
        ("'=1+1", "=1+1"),
        ("O'Neill", "O'Neill"),
    ],
)
def test_the_text_of_a_cell(cell: Cell, text: str) -> None:
    assert cell_text(cell) == text


@pytest.mark.parametrize(
    "text",
    "- -- — . ? / YOK yok n/a N/A na NULL null None (boş) Boş keine aucun #N/A #YOK #NV nan (blank)".split(),
)
def test_markers_of_an_empty_cell(text: str) -> None:
    assert filled_text(text) == ""


def test_a_marker_may_have_accents_as_letters_of_their_own() -> None:
    assert filled_text(unicodedata.normalize("NFD", "#DEĞER!")) == ""
    assert max(len(unicodedata.normalize("NFD", each)) for each in EMPTY_MARKERS) <= MAX_MARKER_LENGTH


@pytest.mark.parametrize("text", ["yoksul", "0", "no", "Nana", "Nil", "false", "*5", "-1"])
def test_text_that_is_no_marker(text: str) -> None:
    assert filled_text(text) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [("Na", "Na"), ("Null", "Null"), ("Boş", "Boş"), ("null", ""), ("NULL", ""), ("N/A", ""), ("-", ""), ("Yok", "")],
)
def test_a_capitalised_word_is_a_name(text: str, name: str) -> None:
    assert filled_name(text) == name


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("5321112233.0", "5321112233"),
        ("5321112233,00", "5321112233"),
        ("9.05321112233E+11", "905321112233"),
        ("9,05321112233E+11", "905321112233"),
        ("1.0000000146e10", "10000000146"),
        ("'05321112233", "05321112233"),
        ("0532 111 22 33", "0532 111 22 33"),
        ("0532.111.22.33", "0532.111.22.33"),
        ("532.000", "532.000"),
        ("AB12E5", "AB12E5"),
    ],
)
def test_numbers_of_a_spreadsheet_become_digits(text: str, digits: str) -> None:
    assert read_digits(text) == digits


@pytest.mark.parametrize("text", ["9.0532E+11", "9,05321E+11", "1E+10"])
def test_a_rounded_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a spreadsheet has rounded it to") as caught:
        read_digits(text)
    assert text in str(caught.value)
