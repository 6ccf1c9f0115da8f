"""Changes of many customers at once, and their undo."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from regulars.cleanup import delete_expired_rows
from regulars.clock import utc_now
from regulars.job_handlers import HANDLERS
from regulars.jobs.queue import claim_next
from regulars.jobs.worker import run_job
from tests.customers.test_write import make_unique
from tests.support.bulk import BULK, change, counts, get, issues, start, undo
from tests.support.imports import TURKISH, customers, work
from tests.support.world import LIST, NOON, World, expect_error

CHANGED = "The customer has been changed since the bulk change."


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a step change two customers, so that ten take several."""
    monkeypatch.setattr("regulars.customers.bulk.run.CUSTOMERS_PER_STEP", 2)
    monkeypatch.setattr("regulars.customers.bulk.run.MAX_STEPS", 1)
    monkeypatch.setattr("regulars.customers.undo.revert.CHANGES_PER_STEP", 2)


def tag(world: World, name: str) -> int:
    return int(world.send("POST", "/api/v1/tags", {"name": name, "color": "#000000"}).json["data"]["id"])


def content_of(world: World, **params: Any) -> list[dict[str, Any]]:
    """Return all customers of the list without the times of their last changes."""
    return [{**each, "updated_at": None} for each in customers(world, **params)]


def tags(world: World) -> list[list[int]]:
    return [[each["id"] for each in customer["tags"]] for customer in customers(world)]


@pytest.mark.usefixtures("small_steps")
def test_all_matches_of_a_filter_are_tagged_and_assigned_and_get_everything_back(world: World) -> None:
    old, new = tag(world, "Eski"), tag(world, "Yeni")
    for number in range(10):
        world.add(first_name=f"A {number}", gender="male" if number % 2 else "female")
    change(world, {"gender": "male"}, add_tags=[old])
    before = content_of(world)
    found = change(world, {"gender": "male"}, values={"user_id": world.bob}, add_tags=[new], remove_tags=[old])
    assert counts(found) == {"changed": 5}
    assert (found["job"]["done"], found["job"]["total"], found["job"]["percent"]) == (5, 5, 100)
    assert tags(world) == [[], [new]] * 5
    assert {(each["related_user"] or {}).get("id") for each in customers(world, gender="male")} == {world.bob}
    again = change(world, {"gender": "male"}, add_tags=[new])
    assert counts(again) == {"unchanged": 5}
    assert undo(world, found["id"])["undo"] == {"restored": 5, "kept": 0}
    assert content_of(world) == before


@pytest.mark.usefixtures("small_steps")
def test_a_change_that_moves_customers_out_of_the_filter_reaches_each_once(world: World) -> None:
    only = tag(world, "VIP")
    for number in range(9):
        world.create(first_name=f"A {number}", tags=[only], default_channel_id=1)
    assert counts(change(world, {"tag_id": only}, remove_tags=[only])) == {"changed": 9}
    found = change(world, {"channel_id": 1, "sort_by": "updated_at"}, values={"default_channel_id": 2})
    assert counts(found) == {"changed": 9}
    trashed = change(world, {"search": "a"}, "trash")
    assert (counts(trashed), customers(world)) == ({"changed": 9}, [])
    restored = change(world, {}, "restore")
    assert (counts(restored), len(customers(world))) == ({"changed": 9}, 9)
    assert undo(world, restored["id"])["undo"]["restored"] == 9
    assert undo(world, trashed["id"])["undo"] == {"restored": 0, "kept": 9}
    assert (customers(world), len(customers(world, trashed="true"))) == ([], 9)


def test_the_customers_are_those_at_the_start(world: World) -> None:
    ids = [world.create(first_name=f"A {number}") for number in range(3)]
    bulk_change_id = start(world, {"search": "a"}, "trash")
    job = claim_next(world.database)
    assert job is not None
    added: list[int] = []

    def interfere(done: int, total: int | None) -> None:
        if (done, total) == (0, 3):
            added.append(world.create(first_name="A later"))
            assert world.send("PATCH", f"{LIST}/{ids[1]}", {"first_name": "Zed"}).status_code == 200

    run_job(world.database, HANDLERS, job, progress=interfere)
    assert counts(get(world, bulk_change_id)) == {"changed": 3}
    assert len(added) == 1
    assert [each["id"] for each in customers(world)] == added


def test_ids_choose_the_customers(world: World) -> None:
    ids = [world.create(first_name=f"A {number}") for number in range(4)]
    world.send("DELETE", f"{LIST}/{ids[0]}")
    found = change(world, {"ids": [*ids[:2], 999]}, "trash")
    assert (counts(found), [each["id"] for each in customers(world)]) == ({"changed": 1}, ids[2:])


def test_history_and_feed_tell_who_changed_what_by_which_bulk_change(world: World) -> None:
    number, mark = world.create(first_name="Ayşe"), tag(world, "VIP")
    found = change(world, {}, add_tags=[mark], user=world.bob)
    undo(world, found["id"])
    history = world.get(f"{LIST}/{number}/history").json["data"]
    assert [(each["action"], each["user"]["id"], each["bulk_change_id"]) for each in history] == [
        ("created", world.alice, None),
        ("updated", world.bob, found["id"]),
        ("updated", world.alice, found["id"]),
    ]
    assert history[1]["fields"] == {"tags": {"from": [], "to": [mark]}}
    assert world.get(f"{LIST}/changes").json["data"] == history
    assert found["user_id"] == world.bob


def test_customers_that_were_changed_since_are_kept(world: World) -> None:
    ids = [world.create(first_name=f"A {number}", job="Doktor") for number in range(5)]
    found = change(world, {}, values={"user_id": world.bob})
    assert world.send("PATCH", f"{LIST}/{ids[0]}", {"job": "Avukat"}).status_code == 200
    assert world.send("DELETE", f"{LIST}/{ids[1]}").status_code == 204
    assert world.send("POST", f"{LIST}/{ids[2]}/erase").status_code == 200
    assert undo(world, found["id"])["undo"] == {"restored": 2, "kept": 2}
    assert issues(world, found["id"], "kept") == [(ids[0], CHANGED), (ids[1], CHANGED)]
    assert issues(world, found["id"], "kept", headers=TURKISH, params={"after": ids[0]}) == [
        (ids[1], "Müşteri, toplu değişiklikten sonra değiştirildi.")
    ]
    assert [each["related_user"] is None for each in customers(world)] == [False, True, True]


def test_customers_that_cannot_be_restored_are_refused_with_the_reason(world: World) -> None:
    make_unique(world, "phone_number")
    first, second, third = (world.create(first_name=name) for name in "ABC")
    gone = world.add(first_name="Gone", phone_number="+905321112233", deleted_at=NOON)
    world.send("POST", f"{LIST}/{first}/merge", {"customer_id": second})
    world.send("PATCH", f"{LIST}/{third}", {"phone_number": "0532 111 22 33"})
    found = change(world, {"trashed": True}, "restore")
    assert counts(found) == {"refused": 2}
    assert issues(world, found["id"]) == [
        (second, f"Customer {second} was merged into customer {first}."),
        (gone, f"phone_number is already used by customer {third}."),
    ]
    updated = change(world, {"trashed": True}, values={"user_id": None})
    assert counts(updated) == {"refused": 2}


def test_a_tag_that_is_deleted_meanwhile_fails_the_job(world: World) -> None:
    mark = tag(world, "VIP")
    world.create(first_name="Ayşe")
    bulk_change_id = start(world, {}, add_tags=[mark])
    world.send("DELETE", f"/api/v1/tags/{mark}")
    work(world)
    found = get(world, bulk_change_id)
    assert found["state"] == "failed"
    assert found["job"]["error"] == f"add_tags must be ids of tags of this tenant (see /api/v1/tags), not {mark}."


@pytest.mark.usefixtures("small_steps")
def test_a_cancelled_bulk_change_keeps_what_is_done_and_can_be_continued_or_undone(world: World) -> None:
    for number in range(10):
        world.add(first_name=f"A {number}", created_at=utc_now())
    for outcome in ("retry", "undo"):
        bulk_change_id = start(world, {}, values={"user_id": world.bob if outcome == "retry" else None})
        problem = expect_error(world.send("POST", f"{BULK}/{bulk_change_id}/undo"), 409, "conflict")
        assert problem["message"] == f"Bulk change {bulk_change_id} cannot be undone: its state is running."
        job = claim_next(world.database)
        assert job is not None
        path = f"/api/v1/jobs/{job.id}"
        run_job(world.database, HANDLERS, job, progress=partial(cancel, world, path))
        found = get(world, bulk_change_id)
        done = found["result"]["changed"]
        assert found["state"] == "cancelled"
        assert 0 < done < 10
        if outcome == "retry":
            assert world.send("POST", f"{path}/retry").status_code == 200
            work(world)
            assert counts(get(world, bulk_change_id)) == {"changed": 10}
        else:
            assert undo(world, bulk_change_id)["undo"] == {"restored": done, "kept": 0}
            problem = expect_error(world.send("POST", f"{path}/retry"), 409, "conflict")
            assert problem["message"].startswith("Another job of this bulk change has been started since.")
    assert {each["related_user"]["id"] for each in customers(world)} == {world.bob}


def cancel(world: World, path: str, done: int, total: int | None) -> None:
    if done:
        world.send("POST", f"{path}/cancel")


def test_it_is_undone_once_and_for_thirty_days(world: World) -> None:
    world.create(first_name="Ayşe")
    found = change(world, {}, "trash")
    undo(world, found["id"])
    expect_error(world.send("POST", f"{BULK}/{found['id']}/undo"), 409, "conflict")
    found = change(world, {}, "trash")
    assert found["undo_until"][:10] == (utc_now() + timedelta(days=30)).date().isoformat()
    delete_expired_rows(world.database, utc_now() + timedelta(days=29))
    assert get(world, found["id"])["undo_until"] is not None
    delete_expired_rows(world.database, utc_now() + timedelta(days=31))
    assert get(world, found["id"])["undo_until"] is None
    problem = expect_error(world.send("POST", f"{BULK}/{found['id']}/undo"), 409, "conflict")
    assert problem["message"].endswith("can no longer be undone: 30 days have passed.")


FAULTS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"filters", "action"}),
    ({"filters": None, "action": "purge"}, {"filters", "action"}),
    ({"filters": {}, "action": "update"}, {"values"}),
    ({"filters": {"ids": []}, "action": "trash"}, {"filters.ids"}),
    (
        {"filters": {"page": 2}, "action": "update", "values": {"user_id": 999, "job": "x"}, "add_tags": [5]},
        {"filters.page", "values.user_id", "values.job", "add_tags"},
    ),
    ({"filters": {}, "action": "trash", "values": {"user_id": None}}, {"values"}),
    ({"filters": {}, "action": "update", "values": [], "remove_tags": "x"}, {"values", "remove_tags"}),
]


@pytest.mark.parametrize(("content", "faults"), FAULTS, ids=range(len(FAULTS)))
def test_every_fault_of_a_request_is_named(world: World, content: object, faults: set[str]) -> None:
    answer = expect_error(world.send("POST", BULK, content), 422, "validation_error")
    assert answer["errors"].keys() == faults


def test_a_tag_cannot_be_both_added_and_removed(world: World) -> None:
    mark = tag(world, "VIP")
    content = {"filters": {}, "action": "update", "add_tags": [mark], "remove_tags": [mark]}
    answer = expect_error(world.send("POST", BULK, content), 422, "validation_error")
    assert answer["errors"] == {"remove_tags": [f"remove_tags has tag {mark}, which add_tags has too."]}


def test_who_may_start_see_and_undo_a_bulk_change(world: World) -> None:
    world.create(first_name="Ayşe")
    content = {"filters": {}, "action": "trash"}
    viewer = world.send("POST", BULK, content, user=world.dora, tenant=world.clinic)
    expect_error(viewer, 403, "insufficient_scope")
    reader = {"Authorization": f"Bearer {world.token(world.alice)}"}
    expect_error(world.send("POST", BULK, content, headers=reader), 403, "insufficient_scope")
    found = change(world, {}, "trash")
    for path in ("", "/undo", "/issues"):
        method = "POST" if path == "/undo" else "GET"
        for user in (world.bob, world.charlie):
            expect_error(world.send(method, f"{BULK}/{found['id']}{path}", user=user), 404, "not_found")
    of_bob = start(world, {}, "restore", user=world.bob)
    work(world)
    assert undo(world, of_bob)["undo"]["restored"] == 1
    listed = world.send("GET", "/api/v1/jobs").json["data"]
    assert [(job["kind"], job["bulk_change_id"]) for job in listed] == [
        ("undo_bulk_change", of_bob),
        ("bulk_change", of_bob),
        ("bulk_change", found["id"]),
    ]
    expect_error(world.send("GET", f"{BULK}/x"), 404, "not_found")


def test_a_repeated_request_with_a_key_starts_one_job(world: World) -> None:
    world.create(first_name="Ayşe")
    headers = {"Idempotency-Key": "a-key"}
    assert start(world, {}, "trash", headers=headers) == start(world, {}, "trash", headers=headers)
    assert len(world.send("GET", "/api/v1/jobs").json["data"]) == 1


def test_other_tenants_are_not_changed(world: World) -> None:
    world.add(first_name="Ayşe")
    elsewhere = world.add(world.salon, first_name="Ayşe")
    assert counts(change(world, {"search": "ayşe", "ids": [1, 2, elsewhere]}, "trash")) == {"changed": 1}
    assert counts(change(world, {}, "restore")) == {"changed": 1}
    assert [each["id"] for each in world.send("GET", LIST, user=world.charlie).json["data"]] == [elsewhere]
