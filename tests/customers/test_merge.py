"""Merging of customers that are one person, undoing a merge, and reading and erasing merged customers."""

from datetime import timedelta
from typing import Any

import pytest

from regulars.customers.counts.maintenance import check_counts
from regulars.customers.write.empty_trash import empty_trash
from regulars.permissions import COMMAND_LINE
from tests.customers.test_write import EVERYTHING, make_unique, total
from tests.support.world import LIST, NOON, World, expect_error

TAGS = "/api/v1/tags"


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def merge(world: World, survivor: int, other: int, how: str = "merge", **options: Any) -> dict[str, Any]:
    answer = world.send("POST", f"{LIST}/{survivor}/{how}", {"customer_id": other}, **options)
    assert answer.status_code == 200, answer.text
    customer: dict[str, Any] = answer.json["data"]
    return customer


def get(world: World, customer_id: int) -> dict[str, Any]:
    answer = world.get(f"{LIST}/{customer_id}", params={"include": "tags"})
    assert answer.status_code == 200, answer.text
    customer: dict[str, Any] = answer.json["data"]
    return customer


def test_a_merge_fills_empty_fields_and_links_the_other_customer(world: World) -> None:
    make_unique(world, "phone_number", "email", "identity_number")
    tags = [world.send("POST", TAGS, {"name": name, "color": "#000000"}).json["data"]["id"] for name in "ABC"]
    survivor = world.create(first_name="Ayse", job="Avukat", tags=tags[:2])
    other = world.create(**EVERYTHING, tags=tags[1:])
    merged = merge(world, survivor, other)
    assert (merged["first_name"], merged["job"]) == ("Ayse", "Avukat")
    assert (merged["email"], merged["phone_number"]) == ("ayse.yilmaz@example.com", "+905321112233")
    assert [tag["id"] for tag in get(world, survivor)["tags"]] == tags
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/restore"), ("POST", "/merge")):
        body = {"customer_id": survivor} if path == "/merge" else {"job": "x"} if method == "PUT" else None
        answer = world.send(method, f"{LIST}/{other}{path}", body)
        expect_error(answer, 410, "gone")
        assert answer.headers["Link"].endswith(f'{LIST}/{survivor}>; rel="canonical"')
    assert (total(world), total(world, trashed="true")) == (1, 1)
    assert check_counts(world.database, world.clinic) == []
    history = world.get(f"{LIST}/{survivor}/history").json["data"]
    assert [(change["action"], change["other_customer_id"]) for change in history] == [
        ("created", None),
        ("merged", other),
    ]
    assert history[1]["fields"]["email"] == {"from": None, "to": "ayse.yilmaz@example.com"}
    last = world.get(f"{LIST}/{other}/history").json["data"][-1]
    assert (last["action"], last["other_customer_id"]) == ("trashed", survivor)


def test_a_merge_can_be_undone(world: World) -> None:
    make_unique(world, "phone_number", "email")
    tags = [world.send("POST", TAGS, {"name": name, "color": "#000000"}).json["data"]["id"] for name in "ABC"]
    survivor = world.create(first_name="Ayse", tags=tags[:1])
    other = world.create(**EVERYTHING, tags=tags[1:])
    before = get(world, survivor), get(world, other)
    merge(world, survivor, other)
    # A later change belongs to the survivor only.
    world.send("PUT", f"{LIST}/{survivor}", {"job": "Avukat"})
    merge(world, survivor, other, "unmerge")
    after = get(world, survivor), get(world, other)
    for was, now in zip(before, after, strict=True):
        same = was.keys() - {"updated_at", "job"}
        assert {name: now[name] for name in same} == {name: was[name] for name in same}
    assert [each["job"] for each in after] == ["Avukat", EVERYTHING["job"]]
    assert total(world) == 2
    assert check_counts(world.database, world.clinic) == []
    error = world.send("POST", f"{LIST}/{survivor}/unmerge", {"customer_id": other})
    assert list(expect_error(error, 409, "conflict")["errors"]) == ["customer_id"]
    merge(world, survivor, other)
    merge(world, survivor, other, "unmerge")
    assert get(world, other)["email"] == before[1]["email"]


def test_undoing_a_merge_removes_the_typed_form_with_its_number(world: World) -> None:
    survivor, other = world.create(), world.create(phone_number="0532 111 22 33")
    merge(world, survivor, other)
    world.send("PUT", f"{LIST}/{survivor}", {"phone_number": "+90 532 111 22 33"})
    merge(world, survivor, other, "unmerge")
    held = world.get(f"{LIST}/{survivor}/personal-data").json["data"]["customer"]
    assert (held["customer"]["phone_number"], held["phone_number_as_typed"]) == (None, None)


def test_a_merge_cannot_be_undone_if_a_unique_value_was_taken(world: World) -> None:
    make_unique(world, "email")
    survivor, other = world.create(email="a@example.com"), world.create(email="b@example.com")
    merge(world, survivor, other)
    third = world.create(email="b@example.com")
    error = expect_error(world.send("POST", f"{LIST}/{survivor}/unmerge", {"customer_id": other}), 409, "conflict")
    assert f"customer {third}." in error["message"]
    expect_error(world.get(f"{LIST}/{other}"), 410, "gone")


def test_what_cannot_be_merged(world: World) -> None:
    survivor, other, trashed = world.create(), world.create(), world.create()
    world.send("DELETE", f"{LIST}/{trashed}")
    path = f"{LIST}/{survivor}/merge"
    for number in (survivor, 99999):
        error = expect_error(world.send("POST", path, {"customer_id": number}), 409, "conflict")
        assert list(error["errors"]) == ["customer_id"]
    expect_error(world.send("POST", path, {"customer_id": trashed}), 409, "conflict")
    expect_error(world.send("POST", f"{LIST}/{trashed}/merge", {"customer_id": other}), 409, "conflict")
    expect_error(
        world.send("POST", path, {"customer_id": other}, headers={"If-Match": '"x"'}), 412, "precondition_failed"
    )
    faults = expect_error(world.send("POST", path, {"x": 1}), 422, "validation_error")
    assert set(faults["errors"]) == {"customer_id", "x"}
    assert total(world) == 2


def test_a_merge_that_is_sent_again_is_done_once(world: World) -> None:
    survivor, other = world.create(), world.create()
    key = {"Idempotency-Key": "merge-1"}
    first, again = (merge(world, survivor, other, headers=key) for _ in range(2))
    assert first == again


def test_merged_customers_are_erased_with_the_survivor_and_detached_when_it_is_purged(world: World) -> None:
    first, second, third = (world.create(email=f"{number}@example.com") for number in range(3))
    merge(world, second, third)
    merge(world, first, second)
    assert world.send("POST", f"{LIST}/{first}/erase").status_code == 200
    for number in (first, second, third):
        expect_error(world.get(f"{LIST}/{number}"), 404, "not_found")
        history = world.get(f"{LIST}/{number}/history").json["data"]
        assert history[-1]["action"] == "erased"
        assert "@example.com" not in str(history)
    assert total(world, trashed="true") == 0
    survivor, other = world.create(), world.create()
    merge(world, survivor, other)
    world.send("DELETE", f"{LIST}/{survivor}")
    assert world.send("DELETE", f"{LIST}/{survivor}", params={"permanently": "true"}).status_code == 204
    assert get(world, other)["deleted_at"]
    assert world.send("POST", f"{LIST}/{other}/restore").status_code == 200
    assert check_counts(world.database, world.clinic) == []


def test_erasing_a_customer_erases_it_from_the_history_of_former_merges(world: World) -> None:
    """This includes changes to the survivors while they had its data, and later merges of the survivors."""
    first, second = (world.create(first_name=name, identity_number=name) for name in ("First", "Second"))
    other = world.create(email="other@example.com", job="other@example.com")
    key = {"Idempotency-Key": "merge-1"}
    merge(world, second, other, headers=key)
    merge(world, first, second)
    world.send("PUT", f"{LIST}/{first}", {"job": "Avukat"})
    merge(world, first, second, "unmerge")
    merge(world, second, other, "unmerge")
    world.send("PUT", f"{LIST}/{second}", {"job": "Doktor"})
    assert world.send("POST", f"{LIST}/{other}/erase").status_code == 200
    feed = world.get(f"{LIST}/changes").text
    assert "other@example.com" not in feed
    # The history before and after the merges is kept.
    assert all(name in feed for name in ("First", "Second", "Doktor"))
    again = world.send("POST", f"{LIST}/{second}/merge", {"customer_id": other}, headers=key)
    expect_error(again, 409, "conflict")
    assert [get(world, number)["email"] for number in (first, second)] == [None, None]


def test_a_merge_can_be_undone_after_other_customers_are_purged(world: World) -> None:
    survivor, other, third = world.create(), world.create(email="other@example.com"), world.create()
    merge(world, survivor, other)
    merge(world, survivor, third)
    assert world.send("DELETE", f"{LIST}/{third}", params={"permanently": "true"}).status_code == 204
    assert empty_trash(world.database, world.clinic, NOON + timedelta(days=9999), COMMAND_LINE) == 0
    expect_error(world.get(f"{LIST}/{other}"), 410, "gone")
    merge(world, survivor, other, "unmerge")
    assert get(world, other)["email"] == "other@example.com"
    assert get(world, survivor)["email"] is None


def test_all_that_is_held_about_a_person(world: World) -> None:
    tag = world.send("POST", TAGS, {"name": "VIP", "color": "#000000"}).json["data"]
    survivor = world.create(**EVERYTHING, tags=[tag["id"]])
    other = world.create(email="old@example.com")
    world.send("PUT", f"{LIST}/{survivor}", {"job": "Avukat"})
    merge(world, survivor, other)
    data = world.get(f"{LIST}/{survivor}/personal-data").json["data"]
    held = data["customer"]
    assert held["customer"]["email"] == "ayse.yilmaz@example.com"
    assert held["phone_number_as_typed"] == EVERYTHING["phone_number"]
    assert held["default_channel"] == "WhatsApp"
    assert held["tags"] == [tag]
    assert [change["action"] for change in held["history"]] == ["created", "updated", "merged"]
    assert [one["customer"]["email"] for one in data["merged"]] == ["old@example.com"]
    expect_error(world.get(f"{LIST}/99999/personal-data"), 404, "not_found")


def test_personal_data_includes_merged_customers(world: World) -> None:
    first, second, third = (world.create(email=f"{number}@example.com") for number in range(3))
    merge(world, second, third)
    merge(world, first, second)
    data = world.get(f"{LIST}/{first}/personal-data").json["data"]
    assert [one["customer"]["id"] for one in data["merged"]] == [second, third]
    world.send("DELETE", f"{LIST}/{first}")
    assert world.get(f"{LIST}/{first}/personal-data").json["data"]["customer"]["customer"]["deleted_at"]


@pytest.mark.parametrize(
    ("kept_number", "typed"),
    [("+905321112233", None), (None, "0533 444 55 66")],
    ids=["own number", "number taken over"],
)
def test_a_merge_keeps_the_typed_form_of_the_number_it_keeps(
    world: World, kept_number: str | None, typed: str | None
) -> None:
    survivor = world.add(phone_number=kept_number)
    other = world.create(phone_number="0533 444 55 66")
    merge(world, survivor, other)
    data = world.get(f"{LIST}/{survivor}/personal-data").json["data"]["customer"]
    assert data["customer"]["phone_number"] == (kept_number or "+905334445566")
    assert data["phone_number_as_typed"] == typed
