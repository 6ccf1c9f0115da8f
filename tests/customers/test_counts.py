"""Totals, which are read from maintained customer counts and are exact after any sequence of writes."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, func, select, update

from regulars.background import repeat
from regulars.cli.main import run
from regulars.customers.counts.maintenance import check_counts, merge_count_deltas, rebuild_counts
from regulars.db.statement import Statement
from regulars.db.tables import count_deltas, customer_counts
from regulars.errors import Unavailable
from tests.conftest import FreshDatabase
from tests.support.server import TIMEOUT_SECONDS, running
from tests.support.world import NOON, World

YEAR = NOON.year
SPOIL = Statement(
    update(customer_counts)
    .where(customer_counts.c.tenant_id == bindparam("of_tenant"))
    .values(count=customer_counts.c.count + 1)
)
DELTAS = Statement(select(func.count()).select_from(count_deltas))

genders = st.sampled_from(("male", "female", "other", None))
births = st.sampled_from(
    (
        None,
        date(YEAR - 30, 1, 1),
        date(YEAR - 30, 12, 31),
        date(YEAR - 29, 7, 1),
        date(YEAR - 1, 6, 1),
        date(1904, 2, 29),
    )
)
writes = st.lists(st.tuples(genders, births, st.booleans(), st.booleans()), min_size=1, max_size=12)


def totals(world: World, **parameters: Any) -> int:
    return int(world.get(params=parameters | {"per_page": 1}).json["meta"]["total"])


@hypothesis_settings(max_examples=10)
@given(batches=st.lists(writes, min_size=1, max_size=3))
def test_totals_are_those_of_the_rows(
    world: World, batches: list[list[tuple[str | None, date | None, bool, bool]]]
) -> None:
    for batch in batches:
        merge_count_deltas(world.database)
        for gender, born, trashed, assigned in batch:
            world.add(
                gender=gender,
                date_of_birth=born,
                deleted_at=NOON if trashed else None,
                user_id=world.bob if assigned else None,
            )
    for asked in all_filters(world):
        listed = pages(world, asked)
        assert totals(world, **asked) == listed, asked
    assert check_counts(world.database, world.clinic) == []


def all_filters(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for trashed in ("false", "true"):
        for gender in (None, "female"):
            for user in (None, world.bob, 424242):
                for ages in ({}, {"min_age": 29}, {"max_age": 29}, {"min_age": 29, "max_age": 30}):
                    asked = {"trashed": trashed, "gender": gender, "user_id": user, **ages}
                    found.append({name: value for name, value in asked.items() if value is not None})
    return found


def pages(world: World, asked: dict[str, Any]) -> int:
    """Return the number of customers on all pages."""
    count, page = 0, 1
    while rows := world.get(params=asked | {"per_page": 100, "page": page}).json["data"]:
        count, page = count + len(rows), page + 1
    return count


def finish(work: Sequence["Future[Any]"]) -> None:
    for each in work:
        each.result()


def test_parallel_writers_and_merges_of_deltas_lose_no_count(empty_world: World) -> None:
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(empty_world.add, gender="female") for _ in range(60)]
        folding = [pool.submit(merge_count_deltas, empty_world.database) for _ in range(8)]
        finish([*writing, *folding])
    assert totals(empty_world) == totals(empty_world, gender="female") == 60
    merge_count_deltas(empty_world.database)
    assert empty_world.database.fetch_all(DELTAS) == [(0,)]
    assert totals(empty_world) == 60


@pytest.mark.slow
def test_a_server_merges_count_deltas_by_itself(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite")) as world:
        world.add()
        assert world.database.fetch_all(DELTAS) == [(1,)]
        with running(world):
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while world.database.fetch_all(DELTAS) != [(0,)] and time.monotonic() < deadline:
                time.sleep(0.1)
        assert world.database.fetch_all(DELTAS) == [(0,)]
        assert totals(world) == 1


def test_what_fails_in_the_background_is_done_the_next_time() -> None:
    done = threading.Event()
    failures: list[Exception] = [Unavailable("Gone."), ValueError("nobody foresaw this")]

    def action() -> None:
        if failures:
            raise failures.pop()
        done.set()
        # Block forever, so that the thread does not repeat the action during other tests.
        threading.Event().wait()

    repeat("trial", action, seconds=0.001)
    assert done.wait(TIMEOUT_SECONDS)


def test_wrong_counts_are_found_and_rebuilt(world: World) -> None:
    merge_count_deltas(world.database)
    world.database.execute(SPOIL, {"of_tenant": world.clinic})
    wrong = check_counts(world.database, world.clinic)
    assert {each.excess for each in wrong} == {1}
    rebuild_counts(world.database, world.clinic)
    assert check_counts(world.database, world.clinic) == []
    assert check_counts(world.database, world.salon) == []


def test_rebuilding_counts_during_writes_misses_no_customer(empty_world: World) -> None:
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(empty_world.add, date_of_birth=date(1990, 5, number % 28 + 1)) for number in range(60)]
        counting = [pool.submit(rebuild_counts, empty_world.database, empty_world.clinic) for _ in range(3)]
        finish([*writing, *counting])
    assert totals(empty_world) == totals(empty_world, min_age=1) == 60
    assert check_counts(empty_world.database, empty_world.clinic) == []


def test_the_command_finds_wrong_counts_and_rebuilds_them(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    counts = ["counts", "--database", world.url]
    assert run([*counts, "--check"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"The counts of tenant {world.clinic} are right."
    merge_count_deltas(world.database)
    world.database.execute(SPOIL, {"of_tenant": world.clinic})
    assert run([*counts, "--check"]) == 1
    said = capsys.readouterr().out
    assert f"The counts of tenant {world.clinic} are wrong in" in said
    assert ": too high by 1." in said
    assert f"The counts of tenant {world.salon} are right." in said
    assert run([*counts, "--tenant", str(world.clinic)]) == 0
    assert run([*counts, "--check"]) == 0
    assert run([*counts, "--tenant", "424242"]) == 1
