"""Totals: exact after any writes, in whichever order they come, and read from counts that are kept."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from regulars.customers.counts import fold_counts
from tests.world import NOON, World

genders = st.sampled_from(("male", "female", "other", None))
writes = st.lists(st.tuples(genders, st.booleans(), st.booleans()), min_size=1, max_size=12)


def totals(world: World, **parameters: Any) -> int:
    return int(world.get(params=parameters | {"per_page": 1}).json["meta"]["total"])


@hypothesis_settings(max_examples=15)
@given(batches=st.lists(writes, min_size=1, max_size=3))
def test_totals_are_those_of_the_rows(world: World, batches: list[list[tuple[str | None, bool, bool]]]) -> None:
    for batch in batches:
        for gender, trashed, assigned in batch:
            world.add(gender=gender, deleted_at=NOON if trashed else None, user_id=world.bob if assigned else None)
        fold_counts(world.database, world.clinic)
    for asked in all_filters(world):
        listed = pages(world, asked)
        assert totals(world, **asked) == listed, asked


def all_filters(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for trashed in ("false", "true"):
        for gender in (None, "female", "other"):
            for user in (None, world.bob, 424242):
                asked = {"trashed": trashed, "gender": gender, "user_id": user}
                found.append({name: value for name, value in asked.items() if value is not None})
    return found


def pages(world: World, asked: dict[str, Any]) -> int:
    """How many customers there are when one reads page by page to the end."""
    count, page = 0, 1
    while rows := world.get(params=asked | {"per_page": 100, "page": page}).json["data"]:
        count, page = count + len(rows), page + 1
    return count


def test_writers_at_once_lose_no_count(empty_world: World) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: empty_world.add(gender="female"), range(40)))
        list(pool.map(lambda number: fold_counts(empty_world.database, empty_world.clinic), range(4)))
    assert totals(empty_world) == totals(empty_world, gender="female") == 40
