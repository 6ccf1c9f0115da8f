"""`regulars export` as CSV."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from regulars.customers.fields import CSV_COLUMNS
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.shop import CommandResult, Shop, as_csv
from tests.support.world import World

HEADER = ",".join(CSV_COLUMNS)


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def here(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database(request.param)) as world:
        yield world


@pytest.fixture
def shop(here: World) -> Shop:
    return Shop.opened(here)


def test_an_export_names_all_columns_and_has_the_trash_too(shop: Shop) -> None:
    shop.load("first_name,deleted_at\nAli,\nVeli,2026-01-01T00:00:00Z\n")
    first, *rows = shop.exported().decode().splitlines()
    assert first == HEADER
    assert rows[1].endswith(",2026-01-01T00:00:00Z")
    assert len(rows) == 2


FULL_WIDTH = ("＝1+1", "＋cmd", "－2+3", "＠SUM(A1)", "'＝1")


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "'=1", "''@x", "=", "+ 90x", *FULL_WIDTH]
)
def test_no_cell_of_an_export_is_a_formula_to_a_spreadsheet(shop: Shop, cell: str) -> None:
    assert shop.load(as_csv([["first_name", "address"], ["'" + cell, "x\n" + cell]])).status == 0
    (row,) = csv.DictReader(io.StringIO(shop.exported().decode(), newline=""))
    assert row["first_name"] == "'" + cell
    assert not re.match(r"[=+\-@\t\r＝＋－＠]", row["first_name"])
    assert row["address"] == "x\n" + cell


@pytest.mark.parametrize("name", FULL_WIDTH)
def test_a_full_width_formula_is_the_same_after_an_export_and_an_import(empty_world: World, name: str) -> None:
    shop = Shop(empty_world, empty_world.clinic)
    empty_world.create(first_name=name, last_name=name)
    exported = shop.exported()
    assert f",'{name},'{name}," in exported.decode()
    without_id = re.sub(rb"(?m)^[0-9]+,", b",", exported)
    assert shop.load(without_id).status == 0
    assert [each["first_name"] for each in empty_world.get().json["data"]] == [name, name]


def test_numbers_are_exported_as_they_are(shop: Shop) -> None:
    shop.load("first_name,phone_number,identity_number\n-5,+90 532 111 22 33,+12 34\n")
    (row,) = shop.customers()
    assert (row["first_name"], row["phone_number"], row["identity_number"]) == ("-5", "+905321112233", "+12 34")


def test_an_exported_file_appears_when_it_is_whole(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.load("first_name\nAli\n")
    Path("out.csv").write_text("what was there before")
    with monkeypatch.context() as patched:
        patched.setattr(
            "regulars.customers.exports.csv_file.format_time", mock.Mock(side_effect=OSError(28, "No space left"))
        )
        done = shop.export("--output", "out.csv")
    assert (done.status, "No space left" in done.stderr) == (1, True)
    assert Path("out.csv").read_text() == "what was there before"
    assert shop.export("--output", "out.csv") == CommandResult(0, b"", "")
    assert Path("out.csv").read_bytes() == shop.exported()
    assert {path.name for path in Path().iterdir()} == {"customers.csv", "out.csv"}


def test_progress_is_shown_only_on_a_terminal(shop: Shop) -> None:
    done = shop.load("first_name\n" + "Ali\n" * 3_000)
    assert (done.summary, done.stderr) == ("Imported 3,000 rows.", "")
    done = shop.export()
    assert (done.stderr, done.stdout.count(b"\n")) == ("", 3_001)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported(shop: Shop) -> None:
    done = shop.export("--output", "/dev/full")
    assert (done.status, "/dev/full" in done.stderr, done.stderr.count("\n")) == (1, True, 1)
