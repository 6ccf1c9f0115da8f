"""Saved views of the customer list."""

import json
from typing import Any

import pytest
from falcon.testing import Result

from regulars.accounts.memberships import add_member, remove_member
from regulars.api.authentication import Authenticator
from regulars.customers import views
from regulars.permissions import Identity, Membership, Role
from regulars.scopes import SCOPES
from tests.support.world import World, expect_error

VIEWS = "/api/v1/views"
WOMEN = {
    "name": "Women over 40",
    "filters": {"gender": "female", "min_age": 40, "search": "ayşe 0532", "updated_since": "2026-01-01T00:00:00Z"},
    "sort_by": "last_name",
    "sort_order": "desc",
    "columns": [{"name": "name", "width": 220}, {"name": "phone_number", "width": None}, {"name": "tags", "width": 90}],
    "shared": False,
    "default": True,
}


def save(world: World, name: str, user: int | None = None, **fields: Any) -> dict[str, Any]:
    """Save a view of the clinic, and return it."""
    answer = world.send("POST", VIEWS, {"name": name} | fields, user=user, tenant=world.clinic)
    assert answer.status_code == 201, answer.text
    return dict(answer.json["data"])


def send(world: World, method: str, view: dict[str, Any], user: int, **fields: Any) -> Result:
    content = None if method == "DELETE" else fields
    return world.send(method, f"{VIEWS}/{view['id']}", content, user=user, tenant=world.clinic)


def names(world: World, user: int | None = None) -> list[str]:
    found = world.send("GET", VIEWS, user=user, tenant=world.clinic).json["data"]
    return [view["name"] for view in found]


def test_a_view_comes_back_as_it_was_saved(empty_world: World) -> None:
    answer = empty_world.send("POST", VIEWS, WOMEN)
    assert answer.status_code == 201, answer.text
    view = answer.json["data"]
    path = f"{VIEWS}/{view['id']}"
    assert answer.headers["Location"].endswith(path)
    own = {name: view[name] for name in ("id", "user_id", "created_at", "updated_at")}
    assert view == WOMEN | own
    assert view["user_id"] == empty_world.alice
    assert empty_world.send("GET", path).json["data"] == view
    changed = empty_world.send("PATCH", path, {"name": "Kadınlar", "filters": {}, "columns": None}).json["data"]
    assert changed == view | {"name": "Kadınlar", "filters": {}, "columns": None, "updated_at": changed["updated_at"]}
    save(empty_world, "İstanbul")
    save(empty_world, "çok")
    assert names(empty_world) == ["İstanbul", "Kadınlar", "çok"]
    assert empty_world.send("DELETE", path).status_code == 204
    for method in ("GET", "DELETE"):
        expect_error(empty_world.send(method, path), 404, "not_found")


def test_a_merge_patch_changes_single_filters(empty_world: World) -> None:
    view = save(empty_world, "Women", filters={"gender": "female", "min_age": 40})
    content = json.dumps({"filters": {"min_age": None, "max_age": 30}})
    for media_type, expected in (
        ("application/merge-patch+json", {"gender": "female", "max_age": 30}),
        ("application/json", {"max_age": 30}),
    ):
        answer = empty_world.send("PATCH", f"{VIEWS}/{view['id']}", headers={"Content-Type": media_type}, body=content)
        assert answer.json["data"]["filters"] == expected


FAULTS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"name"}),
    ({"name": "x" * 101, "shared": 1, "default": "true", "sort_by": "age"}, {"name", "shared", "default", "sort_by"}),
    ({"name": "\u200b", "filters": [], "columns": "name"}, {"name", "filters", "columns"}),
    (
        {"name": "", "filters": {"gender": "x", "page": 1, "sort_by": "gender", "ids": [0]}},
        {"name", "filters.gender", "filters.page", "filters.sort_by", "filters.ids"},
    ),
    ({"name": "A", "filters": {"min_age": 40, "max_age": 30}}, {"filters.min_age"}),
    (
        {"name": "A", "columns": [{"name": "shoe"}, {"width": 5}, {"name": "job"}, {"name": "job", "size": 1}]},
        {"columns.0.name", "columns.1.name", "columns.1.width", "columns.3.size"},
    ),
    ({"name": "A", "columns": [{"name": "job"}, {"name": "job", "width": 90}]}, {"columns.1.name"}),
    ({"name": "A", "user_id": 1, "id": "x"}, {"user_id", "id"}),
]


@pytest.mark.parametrize(("content", "faults"), FAULTS, ids=range(len(FAULTS)))
def test_every_fault_of_a_view_is_named(empty_world: World, content: object, faults: set[str]) -> None:
    answer = expect_error(empty_world.send("POST", VIEWS, content), 422, "validation_error")
    assert answer["errors"].keys() == faults


def test_personal_views_are_for_their_user_and_shared_ones_for_everybody(empty_world: World) -> None:
    world = empty_world
    personal = save(world, "Mine", world.dora)
    shared = save(world, "Ours", world.bob, shared=True)
    assert names(world, world.dora) == ["Mine", "Ours"]
    assert names(world, world.bob) == names(world, world.alice) == ["Ours"]
    for method in ("GET", "PATCH", "DELETE"):
        expect_error(send(world, method, personal, world.alice), 404, "not_found")
    assert send(world, "PATCH", personal, world.dora, name="Still mine").json["data"]["name"] == "Still mine"
    assert send(world, "DELETE", personal, world.dora).status_code == 204
    assert send(world, "PATCH", shared, world.bob, shared=False).json["data"]["shared"] is False
    assert names(world, world.alice) == []


def test_who_may_write_shared_views(empty_world: World) -> None:
    world = empty_world
    shared = save(world, "Ours", world.bob, shared=True)
    add_member(world.database, world.clinic, "charlie@example.com", Role.AGENT)
    for user in (world.dora, world.charlie):
        for method in ("PATCH", "DELETE"):
            expect_error(send(world, method, shared, user), 403, "insufficient_scope")
    personal = save(world, "Mine", world.dora)
    expect_error(send(world, "PATCH", personal, world.dora, shared=True), 403, "insufficient_scope")
    content = {"name": "A", "shared": True}
    expect_error(world.send("POST", VIEWS, content, user=world.dora, tenant=world.clinic), 403, "insufficient_scope")
    reader = {"Authorization": f"Bearer {world.token(world.alice, ['customers:read'])}"}
    refused = expect_error(world.send("POST", VIEWS, content, headers=reader), 403, "insufficient_scope")
    assert "customers:write" in refused["message"]
    assert world.send("POST", VIEWS, {"name": "A"}, headers=reader).status_code == 201
    assert send(world, "PATCH", shared, world.alice, name="Everybody's").json["data"]["user_id"] == world.bob
    assert send(world, "DELETE", shared, world.alice).status_code == 204


def test_an_application_sees_shared_views_and_saves_none(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    save(empty_world, "Mine")
    shared = save(empty_world, "Ours", shared=True)
    member = {empty_world.clinic: Membership(Role.AGENT, "UTC")}
    robot = Identity(None, "robot", frozenset(SCOPES), member, empty_world.clinic)
    monkeypatch.setattr(Authenticator, "_identity", lambda self, request: robot)
    assert names(empty_world) == ["Ours"]
    expect_error(empty_world.send("POST", VIEWS, {"name": "A"}), 403, "insufficient_scope")
    for method in ("PATCH", "DELETE"):
        assert send(empty_world, method, shared, empty_world.alice).status_code == 403


def defaults(world: World, user: int) -> list[str]:
    found = world.send("GET", VIEWS, user=user, tenant=world.clinic).json["data"]
    return [view["name"] for view in found if view["default"]]


def test_a_user_and_a_tenant_have_one_default_view_each(empty_world: World) -> None:
    world = empty_world
    save(world, "First", world.bob, default=True)
    second = save(world, "Second", world.bob)
    for_all = save(world, "For all", default=True, shared=True)
    send(world, "PATCH", second, world.bob, default=True)
    assert defaults(world, world.bob) == ["For all", "Second"]
    assert defaults(world, world.dora) == ["For all"]
    other = save(world, "Other", world.bob, shared=True)
    expect_error(send(world, "PATCH", other, world.bob, default=True), 403, "insufficient_scope")
    assert send(world, "PATCH", other, world.alice, default=True).status_code == 200
    assert defaults(world, world.dora) == ["Other"]
    assert send(world, "PATCH", other, world.bob, name="Renamed").json["data"]["default"] is True
    send(world, "PATCH", for_all, world.alice, default=True)
    assert defaults(world, world.dora) == ["For all"]


def test_a_user_has_a_limited_number_of_views(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MAX_VIEWS", 2)
    save(empty_world, "First")
    save(empty_world, "Second", shared=True)
    expect_error(empty_world.send("POST", VIEWS, {"name": "Third"}), 409, "conflict")
    save(empty_world, "Of another user", empty_world.bob)


def test_the_personal_views_of_a_removed_member_are_deleted(empty_world: World) -> None:
    world = empty_world
    save(world, "Mine", world.dora)
    save(world, "Bob's", world.bob)
    shared = save(world, "Ours", world.bob, shared=True)
    elsewhere = world.send("POST", VIEWS, {"name": "Salon"}, user=world.dora, tenant=world.salon).json["data"]
    for email in ("bob@example.com", "dora@example.com"):
        remove_member(world.database, world.clinic, email)
        add_member(world.database, world.clinic, email, Role.VIEWER)
    assert names(world, world.bob) == names(world, world.dora) == ["Ours"]
    assert send(world, "PATCH", shared, world.alice, name="Still ours").status_code == 200
    kept = world.send("GET", VIEWS, user=world.dora, tenant=world.salon).json["data"]
    assert [view["id"] for view in kept] == [elsewhere["id"]]
