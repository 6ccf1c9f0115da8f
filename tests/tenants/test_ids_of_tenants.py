"""Ids of customers and tags: counted for each tenant, so that they tell nothing about other tenants."""

from pathlib import Path

import pytest

from regulars.cli.main import run
from tests.support.world import LIST, World

TAGS = "/api/v1/tags"
ROUNDS = 3


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def create_in_salon(world: World, path: str, **fields: str) -> int:
    answer = world.send("POST", path, fields, user=world.charlie)
    assert answer.status_code == 201, answer.text
    return int(answer.json["data"]["id"])


def create_tag(world: World, name: str) -> int:
    return int(world.send("POST", TAGS, {"name": name, "color": "#000000"}).json["data"]["id"])


def purge(world: World, customer_id: int) -> None:
    for params in ({}, {"permanently": "true"}):
        assert world.send("DELETE", f"{LIST}/{customer_id}", params=params).status_code == 204


def test_customers_of_two_tenants_have_consecutive_ids_in_each(world: World) -> None:
    turns = [(world.create(), create_in_salon(world, LIST, first_name="Zoé")) for _ in range(ROUNDS)]
    assert turns == [(1, 1), (2, 2), (3, 3)]
    assert world.get(f"{LIST}/1").json["data"]["first_name"] == "Ayşe"
    assert world.get(f"{LIST}/1", user=world.charlie).json["data"]["first_name"] == "Zoé"


def test_tags_of_two_tenants_have_consecutive_ids_in_each(world: World) -> None:
    turns = [
        (create_tag(world, f"Tag {number}"), create_in_salon(world, TAGS, name=f"Étiquette {number}", color="#000000"))
        for number in range(ROUNDS)
    ]
    assert turns == [(1, 1), (2, 2), (3, 3)]


def test_the_id_of_a_purged_customer_is_not_used_again(world: World) -> None:
    world.create()
    last = world.create()
    purge(world, last)
    assert world.create() == last + 1


def test_the_id_of_a_deleted_tag_is_not_used_again(world: World) -> None:
    last = create_tag(world, "Old")
    assert world.send("DELETE", f"{TAGS}/{last}").status_code == 204
    assert create_tag(world, "New") == last + 1


def test_a_refused_customer_takes_no_id(world: World) -> None:
    assert world.send("PATCH", f"/api/v1/tenants/{world.clinic}", {"unique_fields": ["email"]}).status_code == 200
    world.create(email="ayse@example.com")
    assert world.send("POST", LIST, {"first_name": "B", "email": "ayse@example.com"}).status_code == 409
    assert world.create() == 2


def test_a_batch_gives_consecutive_ids_to_those_it_creates(world: World) -> None:
    world.create(email="ayse@example.com")
    create, by_email = {"first_name": "New"}, {"first_name": "Known", "email": "ayse@example.com"}
    operations = [
        {"action": "create", "customer": create},
        {"action": "upsert", "by": "email", "customer": by_email},
        {"action": "create", "customer": {"first_name": ""}},
        {"action": "create", "customer": create},
    ]
    answer = world.send("POST", f"{LIST}/batch", {"operations": operations})
    assert [outcome["status"] for outcome in answer.json["data"]] == [201, 200, 422, 201]
    assert [outcome.get("id") for outcome in answer.json["data"]] == [2, 1, None, 3]
    assert world.create() == 4


def test_ids_of_an_import_into_one_tenant_do_not_change_those_of_another(world: World) -> None:
    Path("customers.csv").write_text("id,first_name\n,New\n70,Old\n", "utf-8")
    assert run(["import", "customers.csv", "--tenant", str(world.clinic), "--database", world.url]) == 0
    assert create_in_salon(world, LIST, first_name="Zoé") == 1
    assert world.create() == 72
