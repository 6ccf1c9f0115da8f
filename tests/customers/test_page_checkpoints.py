"""Pages far from the start are read from a checkpoint, with the same result as without checkpoints."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, delete, func, select

from regulars.customers.counts import page_checkpoints as marking
from regulars.customers.counts.maintenance import merge_count_deltas, rebuild_counts
from regulars.customers.counts.totals import add_count_deltas
from regulars.customers.fields import Record
from regulars.customers.read import list as listing
from regulars.customers.write.storage import delta_of
from regulars.db.statement import Statement
from regulars.db.tables import customers, page_checkpoints
from tests.customers.test_cursors import ids
from tests.support.world import NOON, World

DELETE = Statement(
    delete(customers).where(customers.c.tenant_id == bindparam("of_tenant"), customers.c.id == bindparam("customer"))
)
MARKS = Statement(select(func.count()).where(page_checkpoints.c.tenant_id == bindparam("of_tenant")))
PER_PAGE = 4

moves = st.lists(st.tuples(st.integers(-5, 30), st.booleans()), min_size=1, max_size=10)


@pytest.fixture
def marked(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world with a checkpoint every seven customers, in which every page is read from a checkpoint."""
    shorten(monkeypatch)
    empty_world.add_customers()
    rebuild_counts(empty_world.database, empty_world.clinic)
    return empty_world


def shorten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(marking, "CHECKPOINT_DISTANCE", 7)
    patch.setattr(marking, "MIN_CHECKPOINT_TOTAL", 0)
    patch.setattr(listing, "MIN_CHECKPOINT_TOTAL", 0)
    patch.setattr(listing, "MAX_FORWARD_OFFSET", -1)
    patch.setattr(listing, "CHECKPOINT_DISTANCE", -1000)


def marks(world: World) -> int:
    ((count,),) = world.database.fetch_all(MARKS, {"of_tenant": world.clinic})
    return int(count)


def check_pages(world: World) -> None:
    """Assert that each page, in both orders, is a slice of the complete list."""
    for order in ("asc", "desc"):
        asked = {"sort_by": "created_at", "sort_order": order}
        stretch = world.get(params=asked | {"limit": 100})
        everyone = ids(stretch)
        assert len(everyone) == stretch.json["meta"]["total"]
        for page in range(1, len(everyone) // PER_PAGE + 3):
            found = ids(world.get(params=asked | {"per_page": PER_PAGE, "page": page}))
            assert found == everyone[(page - 1) * PER_PAGE : page * PER_PAGE], (order, page)


def test_every_page_is_found_from_a_checkpoint(marked: World) -> None:
    assert marks(marked) == 6
    check_pages(marked)


@hypothesis_settings(max_examples=8)
@given(rounds=st.lists(moves, min_size=1, max_size=3))
def test_pages_are_right_while_customers_are_added_and_deleted(
    world: World, rounds: list[list[tuple[int, bool]]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        for moved in rounds:
            for days, comes in moved:
                (move_in if comes else move_out)(world, days)
            check_pages(world)
            merge_count_deltas(world.database)
            check_pages(world)


def move_in(world: World, days: int) -> None:
    world.add(created_at=NOON - timedelta(days=days))


def move_out(world: World, place: int) -> None:
    everyone = world.get(params={"limit": 100}).json["data"]
    if not everyone:
        return
    gone = everyone[place % len(everyone)]
    created = datetime.fromisoformat(gone["created_at"])
    user = gone["related_user"]["id"] if gone["related_user"] else None
    born = date.fromisoformat(gone["date_of_birth"][:10]) if gone["date_of_birth"] else None
    record = Record(
        id=gone["id"], first_name="", created_at=created, updated_at=created, gender=gone["gender"], user_id=user,
        date_of_birth=born,
    )  # fmt: skip
    with world.database.transaction():
        world.database.execute(DELETE, {"of_tenant": world.clinic, "customer": record.id})
        add_count_deltas(world.database, world.clinic, [delta_of(record, -1)])


def test_a_growing_list_gets_more_checkpoints(marked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "MAX_CHECKPOINT_DISTANCE", 20)
    for _ in range(50):
        marked.add(created_at=NOON + timedelta(days=1))
    merge_count_deltas(marked.database)
    assert marks(marked) == 13
    check_pages(marked)


def test_a_short_list_has_none(empty_world: World) -> None:
    empty_world.add_customers()
    rebuild_counts(empty_world.database, empty_world.clinic)
    assert marks(empty_world) == 0


def test_without_a_checkpoint_a_page_is_read_from_the_nearer_end() -> None:
    shape = listing._shape("sqlite", 1, listing.CustomerQuery(), date.min)[0]
    assert listing._nearest_start(shape, 11_000, marking.MIN_CHECKPOINT_TOTAL - 1) == "page"
    assert listing._nearest_start(shape, 11_000, marking.MIN_CHECKPOINT_TOTAL) == "page by checkpoint"
