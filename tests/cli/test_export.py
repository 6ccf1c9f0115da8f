"""`regulars export`"""

import csv
import inspect
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from regulars.api.customers.parameters import PARAMETERS
from regulars.cli.exports import export_customers
from regulars.cli.main import run
from tests.support.world import LIST, World


@pytest.fixture
def world(empty_world: World) -> World:
    """Yield a world with three customers and one in the trash."""
    tag = empty_world.send("POST", "/api/v1/tags", {"name": "VIP", "color": "#000000"}).json["data"]["id"]
    for name, gender, tags in (
        ("Ali", "male", []),
        ("Ece", "female", [tag]),
        ("Işıl", "female", []),
        ("Can", None, []),
    ):
        empty_world.create(first_name=name, gender=gender, tags=tags)
    empty_world.send("DELETE", f"{LIST}/4")
    return empty_world


def export(world: World, *options: object) -> int:
    arguments = ["export", "--tenant", world.clinic, "--database", world.url, *options]
    return run([str(argument) for argument in arguments])


def exported_names(world: World, *options: object) -> list[str]:
    """Return the first names in a CSV file with these customers."""
    assert export(world, "--output", "names.csv", *options) == 0
    with Path("names.csv").open(encoding="utf-8", newline="") as file:
        return [row["first_name"] for row in csv.DictReader(file)]


def test_without_filters_all_customers_are_exported(world: World) -> None:
    assert exported_names(world) == ["Ali", "Ece", "Işıl", "Can"]


def test_filters_and_order_are_those_of_the_list(world: World) -> None:
    assert exported_names(world, "--gender", "female") == ["Işıl", "Ece"]
    assert exported_names(world, "--gender", "female", "--sort-by", "first_name") == ["Ece", "Işıl"]
    assert exported_names(world, "--sort-by", "first_name", "--sort-order", "desc") == ["Işıl", "Ece", "Ali"]
    assert exported_names(world, "--search", "ISIL") == ["Işıl"]
    assert exported_names(world, "--tag-id", 1) == ["Ece"]
    assert exported_names(world, "--ids", "1,3,99") == ["Işıl", "Ali"]
    assert exported_names(world, "--trashed") == ["Can"]
    assert exported_names(world, "--min-age", 0, "--max-age", 200) == []
    assert exported_names(world, "--user-id", 7, "--country-id", 792, "--channel-id", 1) == []
    assert exported_names(world, "--updated-since", "2020-01-01T00:00:00+03:00") == ["Işıl", "Ece", "Ali"]


def test_every_filter_of_the_list_is_an_option() -> None:
    of_pages = {"page", "per_page", "cursor", "limit", "include"}
    options = inspect.signature(export_customers).parameters
    assert {parameter.name for parameter in PARAMETERS} - of_pages <= options.keys()


def test_the_format_is_that_of_the_file(world: World) -> None:
    for name in ("a.xlsx", "a.XLSX", "a.jsonl", "a.ndjson", "a.vcf", "a.csv", "a.txt"):
        assert export(world, "--output", name, "--columns", "id,first_name", "--ids", "1") == 0
    for name in ("a.xlsx", "a.XLSX"):
        sheet = CalamineWorkbook.from_path(name).get_sheet_by_index(0)
        assert sheet.to_python() == [["id", "first_name"], [1, "Ali"]]
    for name in ("a.jsonl", "a.ndjson"):
        assert json.loads(Path(name).read_bytes()) == {"id": 1, "first_name": "Ali"}
    assert Path("a.vcf").read_text().startswith("BEGIN:VCARD\n")
    for name in ("a.csv", "a.txt"):
        assert Path(name).read_text() == "id,first_name\n1,Ali\n"
    assert export(world, "--output", "b.txt", "--format", "jsonl", "--columns", "id") == 0
    assert Path("b.txt").read_text() == '{"id":1}\n{"id":2}\n{"id":3}\n{"id":4}\n'


def test_columns_are_in_the_order_of_an_export(world: World, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert export(world, "--columns", "tags, first_name ,id", "--search", "ece") == 0
    assert capfdbinary.readouterr() == (b"id,first_name,tags\n2,Ece,VIP\n", b"")


def test_a_workbook_is_written_to_a_pipe(world: World, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert export(world, "--format", "xlsx", "--columns", "id") == 0
    content = io.BytesIO(capfdbinary.readouterr().out)
    assert CalamineWorkbook.from_filelike(content).get_sheet_by_index(0).to_python() == [["id"], [1], [2], [3], [4]]


def test_every_fault_of_the_options_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--format", "pdf", "--columns", "id,nme", "--gender", "x", "--min-age", "-1", "--ids", "1;2")
    assert export(world, *options, "--updated-since", "today", "--sort-by", "id", "--output", "a.csv") == 1
    faults = capsys.readouterr().err.splitlines()
    assert [fault.removeprefix("regulars: ").split()[0] for fault in faults] == [
        *("format", "columns", "sort_by", "gender", "min_age", "updated_since", "ids")
    ]
    assert faults[0] == 'regulars: format must be one of csv, xlsx, jsonl, vcard, not "pdf".'
    assert faults[1].endswith(', separated by commas, not "nme".')
    assert not Path("a.csv").exists()


def test_a_minimum_age_above_the_maximum_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(world, "--min-age", 9, "--max-age", 8) == 1
    assert capsys.readouterr() == ("", "regulars: min_age 9 is above max_age 8.\n")


def test_a_missing_tenant_leaves_no_file(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--tenant", "99", "--database", world.url, "--output", "a.xlsx"]) == 1
    assert "There is no tenant 99" in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def on_terminal(world: World, *options: str) -> tuple[int, str]:
    """Run an export in a terminal; return its exit status and what the terminal shows."""
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "regulars", "export", "--tenant", str(world.clinic), "--database", world.url]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([*command, *options], stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        shown = b""
        try:
            while block := os.read(main, 4096):
                shown += block
        except OSError:  # Linux, after the process has closed its side
            pass
    os.close(main)
    return process.returncode, shown.decode()


def test_a_workbook_is_not_written_to_a_terminal(world: World) -> None:
    status, shown = on_terminal(world, "--format", "xlsx")
    assert status == 1
    assert "Name a file with --output." in " ".join(shown.split())
    assert on_terminal(world, "--columns", "id", "--ids", "2")[0] == 0


def test_progress_is_shown_on_a_terminal(world: World) -> None:
    status, shown = on_terminal(world, "--output", "a.csv")
    assert status == 0
    assert "Exporting" in shown
    assert "100%" in shown
    assert len(Path("a.csv").read_bytes().splitlines()) == 5
