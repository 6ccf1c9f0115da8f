"""JSON Lines."""

import json
from pathlib import Path

import pytest

from regulars.customers.imports.cells import cell_text
from regulars.customers.imports.json_lines import MAX_LINE_LENGTH
from regulars.errors import Malformed
from tests.customers.imports.files import errors, numbered_cells, open_bytes


def test_headings_are_the_keys_of_all_lines(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, '{"ad": "Ayşe"}\n\n{"soyad": "Öz", "ad": "Can"}\r\n{}\n{"not": "x"}')
    assert (table.format, table.headings, table.encoding) == ("jsonl", ("ad", "soyad", "not"), "utf-8")
    expected = [(1, ["Ayşe", "", ""]), (3, ["Can", "Öz", ""]), (5, ["", "", "x"])]
    assert numbered_cells(table) == numbered_cells(table) == expected


def test_all_values_become_text(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, '{"a": 905321234567, "b": 1.5, "c": true, "d": null, "e": "\\u015f"}')
    assert numbered_cells(table) == [(1, ["905321234567", "1.5", "true", "", "ş"])]


def test_the_values_of_a_list_are_separated_like_tags(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, '{"a": ["VIP", "A, B"], "b": [], "c": [1, null, true, ""]}')
    assert numbered_cells(table) == [(1, ["VIP|A, B", "", "1|true"])]


@pytest.mark.parametrize("text", ["'=1+1", "''=1", '="1"', "=1", "'a", "'", " '=1 "])
def test_an_apostrophe_is_part_of_the_text(tmp_path: Path, text: str) -> None:
    table = open_bytes(tmp_path, json.dumps({"a": text, "b": [text, text]}))
    [(_number, cells)] = numbered_cells(table)
    assert [cell_text(cell) for cell in cells] == [text.strip(), f"{text}|{text}".strip()]


def test_lines_that_are_not_flat_objects_are_errors_of_these_rows(tmp_path: Path) -> None:
    lines = [
        '{"ad": "Can"}',
        '{"ad": {"ilk": "Can"}}',
        '{"ad": "Can", "tel": ["1", {}]}',
        "[1]",
        '{"ad": ',
        "5",
        "[" * 5000,
    ]
    table = open_bytes(tmp_path, "\n".join(lines))
    must_be = "must be text, a number, true, false, null, or a list of them."
    not_an_object = "The line is not a JSON object."
    assert errors(table) == [
        (2, f'"ad" {must_be}'),
        (3, f'"tel" {must_be}'),
        *[(line, not_an_object) for line in (4, 5, 6, 7)],
    ]
    assert [list(row.cells) for row in table.rows()][:3] == [["Can", ""], ["", ""], ["Can", ""]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n  "ad": "Can"\n}\n', "The file is JSON, but not JSON Lines. Each of its lines must be one object."),
        ("{}\n", "The file is JSON, but not JSON Lines. Each of its lines must be one object."),
        ("{" + ",".join(f'"{number}": 1' for number in range(301)) + "}", "The file has more than 300 columns."),
        ('{"ad": "' + "x" * MAX_LINE_LENGTH + '"}', "The row that starts at line 1 is too long."),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Malformed) as raised:
        open_bytes(tmp_path, text, "customers.jsonl")
    assert str(raised.value) == message
