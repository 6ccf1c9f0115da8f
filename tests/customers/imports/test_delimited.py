"""CSV files."""

import csv
from io import StringIO
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.customers.imports.delimited import DELIMITERS
from regulars.customers.imports.formats import Choices
from regulars.customers.imports.text_encoding import ENCODINGS
from regulars.errors import Malformed
from tests.customers.imports.files import cells, errors, numbered_cells, open_bytes


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_detected(tmp_path: Path, delimiter: str, line_end: str) -> None:
    lines = [("ad", "soyad", "not"), ("Ayşe", "Yılmaz", "a.b"), ("Can", "Öz", "")]
    table = open_bytes(tmp_path, line_end.join(delimiter.join(line) for line in lines))
    assert (table.format, table.delimiter, table.heading_row, table.encoding) == ("csv", delimiter, 1, "utf-8")
    assert table.headings == lines[0]
    assert numbered_cells(table) == [(2, ["Ayşe", "Yılmaz", "a.b"]), (3, ["Can", "Öz", ""])]


@pytest.mark.parametrize(
    "text",
    [
        "ad;tutar\nAli;1,5\nCan;2,5\n",
        "Müşteri listesi, 2024\n\nad;tutar\nAli;1,5\nCan;2,5\n",
        "sep=;\nad;tutar\nAli;1,5\nCan;2,5\n",
        '"SEP=;"\r\nad;tutar\r\nAli;1,5\r\nCan;2,5\r\n',
        'ad;tutar\n"Ali";"1,5"\n"Can";"2,5"\n',
        "ad;tutar;;\nAli;1,5\nCan;2,5;;;;\n",
    ],
)
def test_commas_in_cells_do_not_mislead(tmp_path: Path, text: str) -> None:
    table = open_bytes(tmp_path, text)
    assert (table.delimiter, table.headings) == (";", ("ad", "tutar"))
    assert cells(table) == [["Ali", "1,5"], ["Can", "2,5"]]


def test_cells_of_our_own_format_may_contain_any_delimiter(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, 'First_Name,address,tags\nAli,"a;b\nc;d\n1|2\n3|4","VIP|x;y"\n')
    assert (table.delimiter, table.headings) == (",", ("First_Name", "address", "tags"))
    assert cells(table) == [["Ali", "a;b\nc;d\n1|2\n3|4", "VIP|x;y"]]


def test_a_file_can_have_one_column(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, "ad soyad\nAyşe Yılmaz\nCan Öz")
    assert (table.headings, cells(table)) == (("ad soyad",), [["Ayşe Yılmaz"], ["Can Öz"]])


@pytest.mark.parametrize("delimiter", [None, ","])
@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_that_declares_the_delimiter_is_not_a_row(tmp_path: Path, line: str, delimiter: str | None) -> None:
    table = open_bytes(tmp_path, f"{line}\nad\nAli\n", choices=Choices(delimiter=delimiter))
    assert (table.delimiter, table.headings) == (delimiter or ";", ("ad",))
    assert numbered_cells(table) == [(3, ["Ali"])]


def test_rows_are_numbered_like_lines_in_an_editor(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, 'ad;not\n\nAli;"iki\nsatır"\n ; \nCan;x\n')
    assert numbered_cells(table) == [(3, ["Ali", "iki\nsatır"]), (6, ["Can", "x"])]


def test_rows_can_be_read_again(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, "ad;soyad\nAli;Öz\n")
    assert cells(table) == cells(table) == [["Ali", "Öz"]]


def test_headings_lose_spaces_and_line_ends(tmp_path: Path) -> None:
    assert open_bytes(tmp_path, '" Ad ";"Doğum\ntarihi";;Not;;\n').headings == ("Ad", "Doğum tarihi", "", "Not")


def test_a_row_with_too_many_cells_is_an_error_of_this_row(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, "ad;soyad\nAli\nAli;Öz;fazla\nCan;Öz;;\n")
    assert errors(table) == [(3, "The row has more cells than the file has headings.")]
    assert [row.cells for row in table.rows()] == [["Ali", ""], ["Ali", "Öz"], ["Can", "Öz"]]


def test_a_quote_within_a_cell_is_an_error_of_this_row(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, 'ad;soyad\n"Ali "Kral" Can";Öz\nCan;Öz\n')
    assert errors(table) == [(2, 'A quote (") inside a cell must be doubled ("").')]
    assert [row.cells for row in table.rows()] == [[], ["Can", "Öz"]]


def test_the_user_can_choose(tmp_path: Path) -> None:
    choices = Choices(encoding="windows-1252", delimiter=",", heading_row=2)
    table = open_bytes(tmp_path, "a;b;c\nad,soyad;x\nþ,ý\n".encode("windows-1252"), choices=choices)
    assert (table.headings, cells(table)) == (("ad", "soyad;x"), [["þ", "ý"]])


@pytest.mark.parametrize(
    ("text", "choices", "message"),
    [
        ("", None, "The file is empty."),
        ("\n,,\n \n", None, "The file has no rows. Its first row must name the columns."),
        ('ad;soyad\nAli;"Öz\nCan;Öz', None, "The row that starts at line 2 contains a quote that is never closed."),
        (
            "ad;soyad\nAli;" + "x" * (2**20 + 1),
            None,
            "A cell of the row that starts at line 2 is longer than 1 MiB. A quote may be missing.",
        ),
        ("ad;soyad\nAli;" + "x" * 2**21, None, "The row that starts at line 2 is too long."),
        (";".join(f"column{number}" for number in range(301)), None, "The file has more than 300 columns."),
        (
            "Ali;ali@example.com\nCan;can@example.com",
            None,
            'Row 1 of the file must name the columns, but contains "ali@example.com". Insert a row above it.',
        ),
        (
            "Ali;0532 123 45 67",
            None,
            'Row 1 of the file must name the columns, but contains "0532 123 45 67". Insert a row above it.',
        ),
        (
            '"a"b;c\nd;e',
            None,
            'Row 1 of the file must name the columns. A quote (") inside a cell must be doubled ("").',
        ),
        ("a;b\n\nc;d", Choices(heading_row=2), "Row 2 of the file is empty, so it cannot name the columns."),
        ("a;b", Choices(heading_row=7), "Row 7 of the file is empty, so it cannot name the columns."),
        ("a;b", Choices(delimiter="-"), 'The delimiter must be a comma, a semicolon, a tab or |, not "-".'),
    ],
)
def test_files_that_cannot_be_read_are_refused(
    tmp_path: Path, text: str, choices: Choices | None, message: str
) -> None:
    with pytest.raises(Malformed) as raised:
        list(open_bytes(tmp_path, text, choices=choices).rows())
    assert str(raised.value) == message


def cell_texts(encoding: str, excluded: str) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec=encoding, exclude_characters="\0" + excluded), max_size=8)


@st.composite
def written_tables(draw: st.DrawFn) -> tuple[list[list[str]], str, str, Choices]:
    """Tables whose delimiter is either chosen, or the only one in them so that it can be detected."""
    encoding, delimiter = draw(st.sampled_from(ENCODINGS)), draw(st.sampled_from(DELIMITERS))
    chosen = draw(st.sampled_from([None, delimiter]))
    texts = cell_texts(encoding, "" if chosen else "".join(DELIMITERS).replace(delimiter, ""))
    width = draw(st.integers(2, 4))
    row = st.lists(texts, min_size=width, max_size=width).filter(lambda cells: "".join(cells).strip())
    rows = [["ad", "soyad", "not", "il"][:width], *draw(st.lists(row, max_size=6))]
    return rows, encoding, delimiter, Choices(encoding=encoding, delimiter=chosen)


# With other line ends, Python quotes only all cells or too few.
@given(written_tables(), st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)]))
def test_what_pythons_csv_module_writes_reads_back(
    tmp_path: Path, table: tuple[list[list[str]], str, str, Choices], style: tuple[str, Literal[0, 1]]
) -> None:
    rows, encoding, delimiter, choices = table
    text = StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=style[0], quoting=style[1]).writerows(rows)
    opened = open_bytes(tmp_path, text.getvalue().encode(encoding), choices=choices)
    assert (opened.headings, cells(opened)) == (tuple(rows[0]), rows[1:])
    assert (opened.encoding, opened.delimiter) == (encoding, delimiter)
