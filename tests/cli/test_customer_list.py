"""`regulars customer list` and `regulars customer search`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from regulars.cli import customer_list
from regulars.cli.filters import FILTER_OPTIONS
from regulars.cli.main import run
from regulars.customers.tags import create_tag
from regulars.customers.write.storage import TAG_COLUMNS
from regulars.db.tables import customer_tags
from tests.conftest import FreshDatabase
from tests.support.world import NOON, World


class Shop:
    """The command line, for the clinic of a world."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self.capsys = capsys

    def run(self, command: str, *arguments: object, tenant: int | None = None) -> tuple[int, str, str]:
        """Run a command for a tenant (default: the clinic). Return its exit status, stdout and stderr."""
        options = ("--tenant", tenant or self.world.clinic, "--database", self.world.url)
        self.capsys.readouterr()  # the log of requests to the API
        status = run(["customer", command, *map(str, (*options, *arguments))])
        return status, *self.capsys.readouterr()

    def rows(self, command: str, *arguments: object) -> list[list[str]]:
        """Return the cells that a command prints for a script."""
        status, out, err = self.run(command, *arguments)
        assert (status, err) == (0, "")
        return [line.split("\t") for line in out.splitlines()]

    def names(self, command: str, *arguments: object) -> list[str]:
        """Return the names that a command prints."""
        return [row[1] for row in self.rows(command, *arguments)]


@pytest.fixture
def shop(empty_world: World, capsys: pytest.CaptureFixture[str]) -> Shop:
    """Return the command line for a world without customers."""
    return Shop(empty_world, capsys)


def test_a_script_gets_a_line_per_customer(shop: Shop) -> None:
    shop.world.add(id=7, updated_at=NOON + timedelta(hours=1))
    shop.world.add(
        id=8,
        first_name="Işıl",
        last_name="Öz",
        phone_number="+905321112233",
        email="isil@example.com",
        date_of_birth=date(1990, 5, 1),
    )
    assert shop.rows("list", "--sort-by", "first_name") == [
        ["7", "Ayşe", "", "", "", "2026-05-04T13:00:00Z"],
        ["8", "Işıl Öz", "+905321112233", "isil@example.com", "1990-05-01", "2026-05-04T12:00:00Z"],
    ]


def test_the_customers_of_the_tenant_are_listed_as_in_the_api(shop: Shop) -> None:
    shop.world.add_customers()
    status, out, err = shop.run("list", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == shop.world.get(params={"limit": 20}).json["data"]
    status, out, _ = shop.run("list", tenant=shop.world.salon)
    assert (status, out.count("\n")) == (0, 2)


def test_an_empty_list_has_no_lines(shop: Shop) -> None:
    assert shop.run("list") == (0, "", "")
    assert shop.run("search", "x", "--page", 2) == (0, "", "")
    assert json.loads(shop.run("list", "--json")[1]) == []


@pytest.mark.parametrize("word", ["inci", "İNCİ", "ıncı", "İnci", "INCI"])
def test_a_search_ignores_the_dots_of_the_i(shop: Shop, word: str) -> None:
    for name in ("İnci", "Işıl"):
        shop.world.add(first_name=name)
    assert shop.names("search", word) == ["İnci"]


def test_a_search_finds_customers_with_every_word(shop: Shop) -> None:
    shop.world.add(first_name="İnci", last_name="Öz", phone_number="+905321112233")
    shop.world.add(first_name="İnci", last_name="Ak")
    assert shop.names("search", "oz", "inci") == ["İnci Öz"]
    assert shop.names("search", "oz inci") == ["İnci Öz"]
    assert shop.names("search", "0532", "111") == ["İnci Öz"]
    assert shop.names("search", "inci", "--sort-by", "last_name", "--limit", 1) == ["İnci Ak"]
    assert shop.names("search", "inci", "--trashed") == []


def test_the_filters_and_orders_are_those_of_the_api(shop: Shop) -> None:
    world = shop.world
    world.add_customers()
    tagged = world.add(default_channel_id=1, country_id=276, updated_at=NOON + timedelta(hours=1))
    tag = create_tag(world.database, world.clinic, "VIP", "#000000")
    world.database.load(customer_tags, TAG_COLUMNS, [(world.clinic, tagged, tag.id)])
    given: list[dict[str, Any]] = [
        {"gender": "female"},
        {"min_age": 40},
        {"max_age": 40, "gender": "male"},
        {"user_id": world.bob},
        {"user_ids": f"{world.bob},{world.alice}"},
        {"tag_id": tag.id},
        {"country_id": 276},
        {"channel_id": "1,2"},
        {"without": "gender,user_id"},
        {"birthday_from": "12-01", "birthday_to": "03-31"},
        {"created_since": "2026-05-01T16:00:00+03:00", "created_until": "2026-05-04T12:00:00Z"},
        {"updated_since": "2026-05-04T16:00:00+03:00"},
        {"updated_until": "2026-05-04T16:00:00+03:00"},
        {"trashed": "true"},
        {"sort_by": "date_of_birth"},
        {"sort_by": "last_name", "sort_order": "desc"},
        {"sort_order": "asc"},
    ]
    assert set().union(*given) == FILTER_OPTIONS.keys()
    for parameters in given:
        expected = world.get(params={"limit": 100, **parameters}).json["data"]
        found = json.loads(shop.run("list", "--json", "--limit", 100, *options(parameters))[1])
        assert expected, parameters
        assert found == expected, parameters


def options(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options for parameters of the API."""
    for name, value in parameters.items():
        yield "--" + name.replace("_", "-")
        if name != "trashed":
            yield str(value)


def test_every_fault_is_reported_in_the_sentences_of_the_api(shop: Shop) -> None:
    bad = ("--gender", "x", "--min-age", "5", "--max-age", "4", "--updated-since", "now", "--sort-by", "age")
    status, out, err = shop.run("list", *bad, "--limit", "10001", "--page", "0")
    assert (status, out) == (1, "")
    assert set(err.splitlines()) == {
        'regulars: gender must be one of male, female, other, not "x".',
        "regulars: min_age 5 is above max_age 4.",
        'regulars: updated_since must be a time with a time zone, such as 2026-11-07T05:31:56Z, not "now".',
        "regulars: sort_by must be one of first_name, last_name, date_of_birth, gender, created_at, updated_at,"
        ' not "age".',
        'regulars: limit must be an integer from 1 to 10000, not "10001".',
        'regulars: page must be an integer of at least 1, not "0".',
    }


def test_wrong_words_and_tenants_are_refused(shop: Shop) -> None:
    assert shop.run("search", "a" * 200, "b" * 55)[2] == "regulars: search must have at most 255 characters, not 256.\n"
    assert shop.run("search", "\udcff") == (1, "", "regulars: search must be text in UTF-8.\n")
    assert shop.run("search")[0] == 2
    assert shop.run("list", tenant=99) == (1, "", "regulars: There is no tenant 99.\n")


@pytest.mark.parametrize("order", [("--sort-by", "last_name"), ("--sort-by", "date_of_birth"), ("--min-age", "1"), ()])
def test_many_customers_are_read_in_parts(shop: Shop, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]) -> None:
    shop.world.add_customers()
    everyone = shop.rows("list", "--limit", 10_000, *order)
    found = shop.rows("search", "müşteri", "--limit", 10_000, *order)
    monkeypatch.setattr(customer_list, "ROWS_PER_READ", 4)
    assert shop.rows("list", "--limit", 10_000, *order) == everyone
    assert shop.rows("search", "müşteri", "--limit", 10_000, *order) == found == everyone
    for limit in (1, 4, 7, 37):
        for page in (1, 2, 3, 99):
            expected = everyone[(page - 1) * limit : page * limit]
            assert shop.rows("list", "--limit", limit, "--page", page, *order) == expected
    assert shop.run("list", "--page", "9" * 50) == (0, "", "")


def test_a_terminal_shows_a_table_and_the_total(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite")) as world:
        for number in range(3):
            world.add(first_name="Çınar", email=f"cinar{number}@example.com")
        world.add(world.salon, first_name="Geneviève")
        out, err = run_on_a_terminal(world, "list", "--tenant", world.clinic, "--limit", 2)
        assert [line.split()[:2] for line in out.splitlines()] == [["id", "name"], ["3", "Çınar"], ["2", "Çınar"]]
        assert err == "2 of 3 customers.\n"
        assert run_on_a_terminal(world, "search", "genev", "--tenant", world.salon)[1] == "1 of 1 customer.\n"
        assert run_on_a_terminal(world, "list", "--json", "--tenant", world.salon)[1] == ""


def test_a_narrow_terminal_shows_whole_values(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite")) as world:
        world.add(email="ayse.yilmaz.ozturk@mail.example.com", phone_number="+905321112233")
        out, _ = run_on_a_terminal(world, "list", "--tenant", world.clinic, columns=60)
    assert "…" not in out


def run_on_a_terminal(world: World, *arguments: object, columns: int = 120) -> tuple[str, str]:
    """Run a command whose standard output is a terminal. Return what it shows, without colors, and its stderr."""
    reading, terminal = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "regulars", "customer", *map(str, arguments), "--database", world.url],
            stdout=terminal,
            stderr=subprocess.PIPE,
            env={**os.environ, "TERM": "dumb", "COLUMNS": str(columns), "LINES": "25"},
            check=True,
        )
        return os.read(reading, 100_000).decode(), done.stderr.decode()
    finally:
        os.close(terminal)
        os.close(reading)
