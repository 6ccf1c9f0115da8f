"""The formats of an export."""

import io
import json
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from regulars.customers.exports.csv_file import write_csv
from regulars.customers.exports.json_lines import write_json_lines
from regulars.customers.exports.vcards import VCARD_COLUMNS, escape, fold, write_vcards
from regulars.customers.exports.workbook import write_workbook
from regulars.customers.fields import CSV_COLUMNS
from regulars.customers.imports.vcard_fields import ESCAPED

TIME = datetime(2026, 11, 7, 5, 31, 56, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 7, tzinfo=UTC)
FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1", "{=1}", "=", "https://example.com", "0532", "1e5"]
COLUMNS = ("id", "first_name", "date_of_birth", "tags", "created_at", "deleted_at")
ROW = (7, "=1+1", date(1990, 5, 1), "A, B|VIP", TIME, None)


def sheets_of(content: bytes) -> dict[str, Sequence[Sequence[Any]]]:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names}


def test_csv() -> None:
    content = io.BytesIO()
    write_csv([ROW], COLUMNS, content)
    header, row = content.getvalue().decode().splitlines()
    assert header == "id,first_name,date_of_birth,tags,created_at,deleted_at"
    assert row == '7,\'=1+1,1990-05-01,"A, B|VIP",2026-11-07T05:31:56Z,'


def test_json_lines() -> None:
    content = io.BytesIO()
    write_json_lines([ROW, (8, "Işıl", None, None, TIME, TIME)], COLUMNS, content)
    first, second = map(json.loads, content.getvalue().splitlines())
    assert first == {
        "id": 7,
        "first_name": "=1+1",
        "date_of_birth": "1990-05-01",
        "tags": ["A, B", "VIP"],
        "created_at": "2026-11-07T05:31:56Z",
        "deleted_at": None,
    }
    assert (list(second), second["tags"], second["date_of_birth"]) == (list(COLUMNS), [], None)
    assert "Işıl".encode() in content.getvalue()


def test_cells_of_a_workbook_have_the_types_of_a_spreadsheet() -> None:
    content = io.BytesIO()
    write_workbook([ROW, (8, "Ali", date(1900, 1, 1), None, MIDNIGHT, TIME)], COLUMNS, content)
    assert sheets_of(content.getvalue()) == {
        "Customers": [
            list(COLUMNS),
            [7, "=1+1", date(1990, 5, 1), "A, B|VIP", datetime(2026, 11, 7, 5, 31, 56), ""],  # noqa: DTZ001
            [8, "Ali", date(1900, 1, 1), "", date(2026, 11, 7), datetime(2026, 11, 7, 5, 31, 56)],  # noqa: DTZ001
        ]
    }


def test_no_cell_of_a_workbook_is_a_formula_a_link_or_a_number() -> None:
    content = io.BytesIO()
    write_workbook([(text,) for text in FORMULAS], ["first_name"], content)
    assert sheets_of(content.getvalue())["Customers"] == [["first_name"], *([text] for text in FORMULAS)]
    with ZipFile(content) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
        assert not [name for name in archive.namelist() if "rels" in name and "sheet" in name]
    assert b"<f>" not in sheet
    assert sheet.count(b't="inlineStr"') == len(FORMULAS) + 1
    assert b"hyperlink" not in sheet


def test_a_workbook_has_as_many_sheets_as_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.customers.exports.workbook.ROWS_PER_SHEET", 3)
    content = io.BytesIO()
    write_workbook([(number,) for number in range(5)], ["id"], content)
    assert sheets_of(content.getvalue()) == {
        "Customers": [["id"], [0], [1]],
        "Customers 2": [["id"], [2], [3]],
        "Customers 3": [["id"], [4]],
    }


def test_a_workbook_that_fails_writes_nothing_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    content = io.BytesIO()
    with pytest.raises(TypeError):
        write_workbook([("Ali",), (object(),)], ["first_name"], content)
    assert (content.getvalue(), list(tmp_path.iterdir())) == (b"", [])


def test_a_workbook_without_customers_has_a_heading() -> None:
    content = io.BytesIO()
    write_workbook([], CSV_COLUMNS, content)
    assert sheets_of(content.getvalue()) == {"Customers": [list(CSV_COLUMNS)]}


def test_a_contact() -> None:
    content = io.BytesIO()
    row = ("Ayşe", "Öz; Ak", "+905321112233", "a@example.com", date(1990, 5, 1), "female", "Türkiye", "Usta, şef")
    write_vcards([(*row, "Bağdat Cad. 1\nKadıköy", "VIP|A, B")], VCARD_COLUMNS, content)
    assert content.getvalue().decode().split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        r"FN:Ayşe Öz\; Ak",
        r"N:Öz\; Ak;Ayşe;;;",
        "TEL;TYPE=VOICE:+905321112233",
        "EMAIL;TYPE=INTERNET:a@example.com",
        r"TITLE:Usta\, şef",
        "BDAY:1990-05-01",
        r"ADR:;;Bağdat Cad. 1\nKadıköy;;;;Türkiye",
        r"CATEGORIES:VIP,A\, B",
        "X-GENDER:Female",
        "END:VCARD",
        "",
    ]


def test_a_contact_has_only_what_is_known() -> None:
    content = io.BytesIO()
    write_vcards([("Ali", *[None] * 9)], VCARD_COLUMNS, content)
    assert content.getvalue() == b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ali\r\nN:;Ali;;;\r\nEND:VCARD\r\n"


@given(text=st.text(max_size=300))
@example("\\n,;\r\n\r\\")
def test_a_value_is_in_one_line_and_can_be_read_again(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped
    assert "\r" not in escaped
    read = ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], escaped)
    assert read == text.replace("\r\n", "\n").replace("\r", "\n")


@given(line=st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=400))
@example("x" * 75)
@example("x" * 76)
@example("x" + "é" * 400)
@example("xx" + "😀" * 200)
def test_lines_are_folded_between_characters_after_75_octets(line: str) -> None:
    *lines, rest = fold(line).split(b"\r\n")
    assert rest == b""
    assert max(map(len, lines)) <= 75
    assert all(len(each) > 71 for each in lines[:-1])
    assert all(each.startswith(b" ") for each in lines[1:])
    assert lines[0].decode() + "".join(each.decode()[1:] for each in lines[1:]) == line


def peak_of_memory(write: Callable[..., object], columns: Sequence[str], count: int) -> int:
    """Return the peak memory of Python objects while rows are written to a file, in bytes."""
    rows = (("Ayşe", f"Yılmaz {number}", *[None] * (len(columns) - 2)) for number in range(count))
    with Path("export").open("wb") as target:
        tracemalloc.start()
        try:
            write(rows, columns, target)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_csv, write_json_lines, write_workbook, write_vcards])
def test_memory_does_not_grow_with_the_number_of_rows(write: Callable[..., object]) -> None:
    _first, few, many = (peak_of_memory(write, VCARD_COLUMNS, count) for count in (500, 500, 20_000))
    # The buffers of the archive have their full size only with many rows. A row in memory takes hundreds of bytes.
    assert many < few + 20_000 * 25
