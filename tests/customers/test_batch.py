"""Batch requests: many operations on customers in one request."""

from typing import Any

import pytest

from regulars.customers.counts.maintenance import check_counts
from tests.customers.test_write import make_unique, total
from tests.support.world import LIST, World, expect_error

BATCH = f"{LIST}/batch"


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def run(world: World, *operations: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    answer = world.send("POST", BATCH, {"operations": operations} | options)
    assert answer.status_code == 200, answer.text
    outcomes: list[dict[str, Any]] = answer.json["data"]
    failed = sum("error" in outcome for outcome in outcomes)
    assert answer.json["meta"] == {"succeeded": len(operations) - failed, "failed": failed}
    return outcomes


def create(**fields: Any) -> dict[str, Any]:
    return {"action": "create", "customer": {"first_name": "Ayşe"} | fields}


def upsert(by: str, **fields: Any) -> dict[str, Any]:
    return {"action": "upsert", "by": by, "customer": fields}


def test_an_operation_with_several_faults_names_them_in_the_clients_language(world: World) -> None:
    operation = create(email="nobody", gender="x")
    (outcome,) = run(world, operation)
    assert outcome["status"] == 422
    assert set(outcome["errors"]) == {"email", "gender"}
    assert outcome["message"].endswith(" (and 1 more error)")
    headers = {"Accept-Language": "tr"}
    (outcome,) = world.send("POST", BATCH, {"operations": [operation]}, headers=headers).json["data"]
    assert outcome["message"].endswith(" (ve 1 hata daha)")


def test_each_operation_has_its_own_outcome(world: World) -> None:
    first, second = (world.create(first_name=name) for name in ("A", "B"))
    world.send("DELETE", f"{LIST}/{second}")
    outcomes = run(
        world,
        create(email="new@example.com"),
        create(email="nobody"),
        {"action": "update", "id": first, "customer": {"job": "Doktor"}},
        {"action": "update", "id": 99999, "customer": {"job": "Doktor"}},
        {"action": "update", "id": second, "customer": {"job": "Doktor"}},
        {"action": "restore", "id": second},
        {"action": "update", "id": second, "customer": {"job": "Doktor"}},
        {"action": "trash", "id": first},
        {"action": "trash", "id": first},
    )
    assert [outcome["status"] for outcome in outcomes] == [201, 422, 200, 404, 409, 200, 200, 200, 200]
    assert list(outcomes[1]["errors"]) == ["email"]
    assert world.get(f"{LIST}/{outcomes[0]['id']}").json["data"]["email"] == "new@example.com"
    assert world.get(f"{LIST}/{second}").json["data"]["job"] == "Doktor"
    assert world.get(f"{LIST}/{first}").json["data"]["deleted_at"]
    assert total(world) == 2
    assert check_counts(world.database, world.clinic) == []
    history = world.get(f"{LIST}/{first}/history").json["data"]
    assert [change["action"] for change in history] == ["created", "updated", "trashed"]


def test_an_atomic_batch_is_done_whole_or_not_at_all(world: World) -> None:
    operations = [create(email="a@example.com"), create(email="nobody"), {"action": "trash", "id": 99999}]
    answer = world.send("POST", BATCH, {"operations": operations, "atomic": True})
    error = expect_error(answer, 422, "validation_error")
    assert list(error["errors"]) == ["operations.1.email", "operations.2"]
    missing = {"operations": [operations[0], operations[2]], "atomic": True}
    error = expect_error(world.send("POST", BATCH, missing), 409, "conflict")
    assert list(error["errors"]) == ["operations.1"]
    assert total(world) == 0
    assert world.get(f"{LIST}/changes").json["data"] == []
    run(world, operations[0], create(), atomic=True)
    assert total(world) == 2


@pytest.mark.parametrize("by", ["email", "phone_number", "identity_number"])
def test_an_upsert_finds_its_customer_by_a_unique_value(world: World, by: str) -> None:
    values = {"email": "Ayse@example.com", "phone_number": "0532 111 22 33", "identity_number": "X1"}
    others = {"email": "ayse@example.com", "phone_number": "+905321112233", "identity_number": "X1"}
    outcomes = run(
        world,
        upsert(by, first_name="Ayşe", **{by: values[by]}),
        upsert(by, job="Doktor", **{by: others[by]}),
        upsert(by, job="Doktor", **{by: None}),
        upsert(by, job="Doktor", **({by: "other@example.com"} if by == "email" else {by: "0532 111 22 99"})),
    )
    assert [outcome["status"] for outcome in outcomes] == [201, 200, 422, 422]
    assert outcomes[0]["id"] == outcomes[1]["id"]
    assert list(outcomes[3]["errors"]) == ["first_name"]
    customer = world.get(f"{LIST}/{outcomes[0]['id']}").json["data"]
    assert (customer["first_name"], customer["job"]) == ("Ayşe", "Doktor")
    # An upsert ignores customers in the trash, and fails if several customers match.
    world.send("DELETE", f"{LIST}/{customer['id']}")
    same = {by: values[by]}
    again = run(world, upsert(by, first_name="B", **same), create(**same), upsert(by, job="Avukat", **same))
    assert [outcome["status"] for outcome in again] == [201, 201, 409]
    assert all(str(outcome["id"]) in again[2]["message"] for outcome in again[:2])


def test_unique_fields_are_checked_within_a_batch(world: World) -> None:
    make_unique(world, "email")
    first = world.create(email="a@example.com")
    outcomes = run(
        world,
        create(email="A@example.com"),
        {"action": "update", "id": first, "customer": {"email": "b@example.com"}},
        create(email="a@example.com"),
        create(email="a@example.com"),
        {"action": "trash", "id": first},
        create(email="b@example.com"),
        {"action": "restore", "id": first},
    )
    assert [outcome["status"] for outcome in outcomes] == [409, 200, 201, 409, 200, 201, 409]


def test_a_batch_that_is_sent_again_is_done_once(world: World) -> None:
    key = {"Idempotency-Key": "batch-1"}
    content = {"operations": [create(), create(first_name="")]}
    first, again = (world.send("POST", BATCH, content, headers=key) for _ in range(2))
    assert first.json == again.json
    assert total(world) == 1
    world.send("POST", f"{LIST}/{first.json['data'][0]['id']}/erase")
    expect_error(world.send("POST", BATCH, content, headers=key), 409, "conflict")


def test_an_invalid_operation_is_an_error_of_the_whole_batch(world: World) -> None:
    operations = [create(), {"action": "fly"}, "x", {"action": "update", "customer": []}, {"action": "trash", "x": 1}]
    error = expect_error(world.send("POST", BATCH, {"operations": operations, "y": 1}), 422, "validation_error")
    assert list(error["errors"]) == ["y"]
    error = expect_error(world.send("POST", BATCH, {"operations": operations}), 422, "validation_error")
    assert list(error["errors"]) == [
        "operations.1",
        "operations.2",
        "operations.3.id",
        "operations.3.customer",
        "operations.4.id",
        "operations.4.x",
    ]
    for many in ([], [create()] * 1001):
        error = expect_error(world.send("POST", BATCH, {"operations": many}), 422, "validation_error")
        assert list(error["errors"]) == ["operations"]
    assert total(world) == 0


def test_a_full_batch(world: World) -> None:
    outcomes = run(world, *(create(first_name=f"Person {number}") for number in range(1000)))
    assert len({outcome["id"] for outcome in outcomes}) == 1000
    assert total(world) == 1000
