"""`regulars seed`, which fills a database with generated customers."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest

from regulars.accounts.memberships import add_member, list_members
from regulars.cli.main import run
from regulars.errors import Unavailable
from regulars.tenants.tenants import create_tenant
from tests.conftest import FreshDatabase
from tests.support.postgres import free_port
from tests.support.world import LIST, World, names

CUSTOMERS = 130
ONE_PAGE = {"per_page": "100", "sort_by": "created_at"}


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query, without the service."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            return file.execute(query).fetchall()
    with psycopg.connect(url) as server:
        return server.execute(query.encode()).fetchall()


def schema(url: str) -> list[tuple[Any, ...]]:
    """Return all indexes, constraints and triggers of the database."""
    if url.startswith("sqlite:///"):
        return rows(
            url, "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1, 2"
        )
    return [
        *rows(
            url,
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid, indisready"
            " FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
            " WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
        ),
        *rows(
            url,
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        ),
        *rows(
            url, "SELECT tgrelid::regclass::text, tgtype, tgenabled FROM pg_trigger WHERE tgisinternal ORDER BY 1, 2"
        ),
    ]


def people(url: str) -> list[tuple[Any, ...]]:
    return rows(
        url,
        "SELECT tenant_id, first_name, last_name, phone_number, email, job, user_id FROM customers"
        " ORDER BY tenant_id, id",
    )


def sizes(url: str) -> list[int]:
    """Return the number of customers of each tenant."""
    return [count for _, count in sorted(Counter(tenant for tenant, *_ in people(url)).items())]


@pytest.fixture(params=[True, False], ids=["deferred indexes", "row by row"])
def in_bulk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run the test with both ways of loading, for any number of customers."""
    monkeypatch.setattr("regulars.sample_data.seed.MIN_DEFERRED_ROWS", 1 if request.param else 10**9)
    monkeypatch.setattr("regulars.sample_data.seed.CUSTOMERS_PER_BATCH", 50)
    return bool(request.param)


@pytest.fixture
def seeded(database_url: str, in_bulk: bool, capsys: pytest.CaptureFixture[str]) -> Iterator[World]:
    """Yield a world on a database with three seeded tenants (ids 1 to 3) and six users (ids 1 to 6)."""
    seed(capsys, database_url, "--customers", CUSTOMERS, "--tenants", 3)
    with World.on(database_url) as world:
        yield world


def seed(capsys: pytest.CaptureFixture[str], url: str, *options: object) -> str:
    """Run `regulars seed` and return its output."""
    status = run(["seed", "--database", url, *map(str, options)])
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def test_the_number_of_customers_is_as_requested(seeded: World) -> None:
    assert sizes(seeded.url) == [44, 43, 43]
    assert len(rows(seeded.url, "SELECT id FROM tenants")) == 3 + 2


def test_the_totals_are_those_that_counting_gives(seeded: World) -> None:
    for tenant in (1, 2, 3):
        kept = rows(
            seeded.url, f"SELECT gender, user_id FROM customers WHERE deleted_at IS NULL AND tenant_id = {tenant}"
        )
        for query, expected in (
            ({}, len(kept)),
            ({"gender": "female"}, sum(gender == "female" for gender, _ in kept)),
            ({"user_id": "4"}, sum(user == 4 for _, user in kept)),
        ):
            page = seeded.get(LIST, user=owner(seeded, tenant), tenant=tenant, params=ONE_PAGE | query)
            assert page.status_code == 200, page.text
            assert page.json["meta"]["total"] == expected == len(page.json["data"])


def owner(world: World, tenant: int) -> int:
    """Return the id of a tenant's owner."""
    ((user,),) = rows(world.url, f"SELECT user_id FROM memberships WHERE role = 'owner' AND tenant_id = {tenant}")
    return int(user)


def test_every_customer_is_found_by_name_and_by_phone_number(seeded: World) -> None:
    page = seeded.get(LIST, user=owner(seeded, 2), tenant=2, params=ONE_PAGE)
    for customer in page.json["data"][:5]:
        search = f"{customer['first_name']} {customer['phone_number'] or ''}"
        found = seeded.get(LIST, user=owner(seeded, 2), tenant=2, params=ONE_PAGE | {"search": search})
        assert customer in found.json["data"]
    nobody = seeded.get(LIST, user=owner(seeded, 2), tenant=2, params={"search": "xqxqx"})
    assert names(nobody) == []


def test_customers_added_later_are_found_too(seeded: World) -> None:
    seeded.add(1, first_name="Zeliş Unmistakable", user_id=owner(seeded, 1))
    found = seeded.get(LIST, user=owner(seeded, 1), tenant=1, params={"search": "zelis unmistakable"})
    assert names(found) == ["Zeliş Unmistakable"]


def test_no_index_constraint_or_trigger_is_lost(
    database_url: str, in_bulk: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    before = schema(database_url)
    assert len(before) > 10
    seed(capsys, database_url, "--customers", CUSTOMERS)
    assert schema(database_url) == before


def test_generated_customers_are_valid_for_an_import(seeded: World, capsys: pytest.CaptureFixture[str]) -> None:
    copy = create_tenant(seeded.database, name="Copy", time_zone="Europe/Istanbul", country_code="TR").id
    for member in list_members(seeded.database, 1):
        add_member(seeded.database, copy, member.email, member.role)
    exports = []
    for tenant in (1, copy):
        status = run(["export", "--tenant", str(tenant), "--output", f"{tenant}.csv", "--database", seeded.url])
        assert status == 0
        exports.append(Path(f"{tenant}.csv").read_bytes())
        if tenant == 1:
            assert run(["import", "1.csv", "--tenant", str(copy), "--database", seeded.url]) == 0
    said = capsys.readouterr()
    assert "\nImported 44 rows.\n" in said.out
    assert said.err == ""
    assert exports[0] == exports[1]


def test_the_same_number_makes_the_same_people(
    fresh_database: FreshDatabase, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = database_url.partition(":")[0]
    made = []
    for url, number in ((database_url, 7), (fresh_database(kind), 7), (fresh_database(kind), 8)):
        seed(capsys, url, "--customers", 40, "--tenants", 2, "--seed", number)
        made.append(people(url))
    assert made[0] == made[1] != made[2]


def test_a_database_with_people_in_it_keeps_them(seeded: World, capsys: pytest.CaptureFixture[str]) -> None:
    before = people(seeded.url)
    said = seed(capsys, seeded.url, "--customers", 50, "--tenants", 1)
    # The world has created tenants 4 and 5.
    assert "Generated 50 customers in 1 tenants (ids 6 to 6)" in said
    assert people(seeded.url)[: len(before)] == before
    assert sizes(seeded.url) == [44, 43, 43, 50]
    page = seeded.get(LIST, user=owner(seeded, 6), tenant=6)
    trashed = seeded.get(LIST, user=owner(seeded, 6), tenant=6, params={"trashed": "true"})
    assert page.json["meta"]["total"] + trashed.json["meta"]["total"] == 50


def test_the_output_names_an_owner_for_a_token(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = seed(capsys, database_url, "--customers", 10, "--tenants", 30)
    match = re.search(r"\((\S+@example\.com) owns tenant 1\)", said)
    assert match
    arguments = ["token", "create", "--user", match[1], "--tenant", "1", "--database", database_url]
    assert run(arguments) == 0
    assert len(rows(database_url, "SELECT 1 FROM memberships WHERE role = 'owner'")) == 30


def test_statistics_are_updated_after_a_bulk_load(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("regulars.sample_data.seed.MIN_DEFERRED_ROWS", 1)
    if database_url.startswith("postgresql"):
        # The test server commits asynchronously, and a page is not marked as visible until the commit is on disk.
        with psycopg.connect(database_url) as server:
            server.execute(f"ALTER DATABASE {server.info.dbname} SET synchronous_commit = on".encode())
    seed(capsys, database_url, "--customers", 500)
    if database_url.startswith("sqlite"):
        assert rows(database_url, "SELECT 1 FROM sqlite_stat1 WHERE tbl = 'customers'")
        return
    # All pages are marked as visible, which allows index-only scans.
    ((count, pages, visible),) = rows(
        database_url, "SELECT reltuples, relpages, relallvisible FROM pg_class WHERE relname = 'customers'"
    )
    assert (count, visible) == (500, pages)


def test_a_load_that_fails_leaves_all_as_it_was(
    database_url: str, in_bulk: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema(database_url)
    monkeypatch.setattr("regulars.sample_data.seed.count_customers", mock.Mock(side_effect=Unavailable("Gone.")))
    assert run(["seed", "--customers", "60", "--database", database_url]) == 1
    assert capsys.readouterr() == ("", "regulars: Gone.\n")
    assert schema(database_url) == before
    assert people(database_url) == rows(database_url, "SELECT * FROM tenants") == []


@pytest.mark.parametrize(("tenants", "expected"), [(1, [9]), (2, [5, 4]), (4, [5, 2, 1, 1])])
def test_skewed_gives_half_to_the_first_tenant(
    database_url: str, capsys: pytest.CaptureFixture[str], tenants: int, expected: list[int]
) -> None:
    seed(capsys, database_url, "--customers", 9, "--tenants", tenants, "--skewed")
    assert sizes(database_url) == expected


def test_more_tenants_than_customers_and_none_at_all(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    seed(capsys, database_url, "--customers", 0, "--tenants", 2)
    seed(capsys, database_url, "--customers", 2, "--tenants", 3, "--skewed")
    assert sizes(database_url) == [1, 1]
    assert len(rows(database_url, "SELECT id FROM tenants")) == 5


def test_numbers_that_make_no_sense_are_wrong_usage(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (("--customers", "-1"), ("--customers", "x"), ("--tenants", "0"), ("--seed", "-1")):
        assert run(["seed", *options, "--database", database_url]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert rows(database_url, "SELECT id FROM tenants") == []


@pytest.mark.slow
def test_an_interrupted_seed_leaves_nothing_and_says_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "regulars", "seed", "--customers", "400000", "--database", "sqlite:///new.db"]
    # If the tests run in the background, they and their child processes may ignore interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        wait_until_it_loads(tmp_path / "new.db-wal")
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, b"")
    assert run(["tenant", "list", "--database", f"sqlite:///{tmp_path}/new.db"]) == 0


def wait_until_it_loads(log: Path) -> None:
    """Wait until the write-ahead log is so large that it contains customers."""
    deadline = time.monotonic() + 30
    while (not log.exists() or log.stat().st_size < 10_000_000) and time.monotonic() < deadline:
        time.sleep(0.05)


def test_each_tenant_gets_what_it_should(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    seed(capsys, database_url, "--sizes", "7,0,3")
    assert [size for size in sizes(database_url) if size] == [7, 3]
    assert run(["seed", "--sizes", "7,x", "--database", database_url]) == 1
    assert "--sizes must be" in capsys.readouterr().err


def test_without_faker_seed_says_what_to_install(
    empty_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("regulars.sample_data.people.find_spec", lambda name: None)
    assert run(["seed", "--database", empty_world.url]) == 1
    assert "pip install 'regulars[demo]'" in capsys.readouterr().err


def test_without_faker_demo_says_what_to_install_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("regulars.sample_data.people.find_spec", lambda name: None)
    assert run(["demo", "--data", str(tmp_path / "data"), "--port", str(free_port())]) == 1
    assert "pip install 'regulars[demo]'" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
