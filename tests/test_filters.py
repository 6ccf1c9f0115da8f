"""The filters that the list has beside the contract's."""

from datetime import timedelta
from typing import Any

import pytest

from tests.world import LIST, NOON, World, expect_error, names

TAGS = "/api/v1/tags"


@pytest.fixture
def world(empty_world: World) -> World:
    """Four customers who differ, and one in the trash."""
    made = empty_world
    for number, name in enumerate("ABCD"):
        fields: dict[str, Any] = {"country_id": 792 if number % 2 else 276, "default_channel_id": 1 + number % 2}
        made.add(first_name=name, updated_at=NOON + timedelta(hours=number), **fields)
    made.add(first_name="Trashed", country_id=792, deleted_at=NOON)
    return made


def found(world: World, **asked: object) -> list[str]:
    """The names on the page in alphabetical order, after a look whether the total is that of all pages."""
    page = world.get(params={"sort_by": "first_name", **asked})
    assert len(names(page)) == page.json["meta"]["total"]
    return names(page)


def test_the_list_is_filtered_by_what_customers_refer_to(world: World) -> None:
    assert found(world, country_id=792) == ["B", "D"]
    assert found(world, country_id=792, trashed="true") == ["Trashed"]
    assert found(world, country_id=250) == []
    assert found(world, channel_id=1) == ["A", "C"]
    assert found(world, channel_id=1, country_id=276, search="c") == ["C"]
    assert found(world, channel_id=99999999999999999999) == []


def test_only_those_changed_since(world: World) -> None:
    assert found(world, updated_since="2026-05-04T14:00:00Z") == ["C", "D"]
    assert found(world, updated_since="2026-05-04T17:00:00+03:00") == ["C", "D"]
    assert found(world, updated_since="2026-05-04T15:00:01Z") == []
    # A plus that was not encoded comes as a space.
    assert found(world, updated_since="2026-05-04T17:00:00 03:00") == ["C", "D"]


def test_only_these_ids(world: World) -> None:
    ids = {row["first_name"]: row["id"] for row in world.get().json["data"]}
    assert found(world, ids=f"{ids['A']},{ids['C']},99999") == ["A", "C"]
    assert found(world, ids=f"{ids['A']},{ids['C']}", country_id=276, sort_order="desc") == ["C", "A"]


def test_only_those_with_a_tag(world: World) -> None:
    tag = world.send("POST", TAGS, {"name": "VIP", "color": "#000000"}).json["data"]["id"]
    ids = {row["first_name"]: row["id"] for row in world.get().json["data"]}
    for name in "AD":
        world.send("PUT", f"{LIST}/{ids[name]}", {"tags": [tag]})
    assert found(world, tag_id=tag) == ["A", "D"]
    assert found(world, tag_id=tag, country_id=792) == ["D"]
    world.send("DELETE", f"{LIST}/{ids['A']}")
    assert found(world, tag_id=tag) == ["D"]
    assert found(world, tag_id=tag, trashed="true") == ["A"]


def test_a_cursor_is_good_for_its_filters_alone(world: World) -> None:
    first = world.get(params={"limit": 1, "country_id": 792}).json
    assert first["meta"]["total"] == 2
    cursor = first["meta"]["cursor"]
    second = world.get(params={"limit": 1, "country_id": 792, "cursor": cursor}).json
    assert {row["first_name"] for row in first["data"] + second["data"]} == {"B", "D"}
    assert second["meta"]["has_more"] is False
    expect_error(world.get(params={"limit": 1, "country_id": 276, "cursor": cursor}), 422, "validation_error")


def test_every_filter_that_breaks_its_rule_is_named(world: World) -> None:
    asked = {
        "updated_since": "yesterday",
        "tag_id": "0",
        "channel_id": "x",
        "country_id": "-1",
        "ids": "1,,2",
        "include": "everything",
    }
    error = expect_error(world.get(params=asked), 422, "validation_error")
    assert set(error["errors"]) == set(asked)
    many = ",".join(map(str, range(1, 102)))
    assert list(expect_error(world.get(params={"ids": many}), 422, "validation_error")["errors"]) == ["ids"]
    for local in ("2026-05-04", "2026-05-04T14:00:00"):
        expect_error(world.get(params={"updated_since": local}), 422, "validation_error")
