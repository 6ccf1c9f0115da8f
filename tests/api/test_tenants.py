"""API for the settings and the channels of a tenant."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from falcon.testing import Result

from regulars.scopes import SCOPES
from tests.support.world import LIST, NOON, World, expect_error

CHANNELS = "/api/v1/channels"
TENANTS = "/api/v1/tenants"
NEW = {"kind": "website", "name": "Shop"}


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def change(world: World, **settings: Any) -> Result:
    return world.send("PUT", f"{TENANTS}/{world.clinic}", settings)


def test_the_settings_of_a_tenant(world: World) -> None:
    answer = world.send("GET", f"{TENANTS}/{world.clinic}")
    assert answer.status_code == 200, answer.text
    tenant = answer.json["data"]
    assert tenant == {
        "id": world.clinic,
        "name": "Klinik Güneş",
        "timezone": "Europe/Istanbul",
        "locale": "tr-TR",
        "country": "TR",
        "logo_url": None,
        "unique_fields": [],
        "created_at": tenant["created_at"],
    }
    known = {"If-None-Match": answer.headers["ETag"]}
    assert world.send("GET", f"{TENANTS}/{world.clinic}", headers=known).status_code == 304


@pytest.mark.parametrize(
    ("method", "kind"),
    [("PUT", "application/json"), ("PATCH", "application/json"), ("PATCH", "application/merge-patch+json")],
)
def test_only_the_named_settings_change(world: World, method: str, kind: str) -> None:
    path = f"{TENANTS}/{world.clinic}"
    before = world.send("GET", path).json["data"]
    changes: dict[str, Any] = {
        "name": " Klinik Ay ",
        "timezone": "Europe/Berlin",
        "locale": "de",
        "country": "de",
        "logo_url": "https://example.com/logo.png",
        "unique_fields": ["email", "phone_number", "email"],
    }
    answer = world.send(method, path, changes, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    read = {"name": "Klinik Ay", "country": "DE", "unique_fields": ["phone_number", "email"]}
    assert answer.json["data"] == before | changes | read
    got = world.send("GET", path)
    assert got.json["data"] == answer.json["data"]
    emptied = world.send(method, path, {"logo_url": None, "unique_fields": None}).json["data"]
    assert emptied == answer.json["data"] | {"logo_url": None, "unique_fields": []}
    assert world.send(method, path, {}).json["data"] == emptied


def test_every_fault_of_the_settings_is_named(world: World) -> None:
    broken = {
        "name": "",
        "timezone": "Mars/Base",
        "locale": "??",
        "country": "ZZ",
        "logo_url": "http://example.com/",
        "unique_fields": ["job"],
        "created_at": "2026-01-01",
    }
    assert set(expect_error(change(world, **broken), 422, "validation_error")["errors"]) == set(broken)
    wrong: tuple[dict[str, Any], ...] = (
        {"name": None},
        {"timezone": None},
        {"timezone": 3},
        {"logo_url": "https://"},
        {"logo_url": "https://[x/"},
        {"logo_url": f"https://example.com/{'x' * 2048}"},
        {"unique_fields": "email"},
        {"unique_fields": [["email"]]},
        {"country": "tü"},
    )
    for settings in wrong:
        error = expect_error(change(world, **settings), 422, "validation_error")
        assert set(error["errors"]) == set(settings)


def test_new_settings_take_effect_immediately(world: World) -> None:
    assert change(world, country="DE", unique_fields=["phone_number"]).status_code == 200
    customer = {"first_name": "Anna", "phone_number": "030 123456"}
    answer = world.send("POST", LIST, customer)
    assert answer.json["data"]["phone_number"] == "+4930123456"
    expect_error(world.send("POST", LIST, customer), 409, "conflict")
    assert change(world, unique_fields=[]).status_code == 200
    assert world.send("POST", LIST, customer).status_code == 201


def test_another_time_zone_counts_within_a_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # In Kiritimati the date is one day ahead of the other time zone; they are 25 hours apart.
    today = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()
    world.add(date_of_birth=today.replace(year=today.year - 20))

    def of_age() -> int:
        return len(world.get(params={"min_age": 20}).json["data"])

    assert change(world, timezone="Pacific/Pago_Pago").status_code == 200
    assert of_age() == 0
    assert change(world, timezone="Pacific/Kiritimati").status_code == 200
    later = time.monotonic() + 1.0
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert of_age() == 1


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("phone_number", "+905321112233", "+905321112233"),
        ("email", "ayse@example.com", "AYSE@example.com"),
        ("identity_number", "10000000146", "10000000146"),
    ],
)
def test_a_field_with_equal_values_cannot_become_unique(world: World, field: str, one: str, other: str) -> None:
    shared: dict[str, Any] = {field: one}
    first, second = world.add(**shared), world.add(**shared | {field: other})
    world.add(**shared | {field: "another"})
    error = expect_error(change(world, unique_fields=[field]), 409, "conflict")
    assert error["errors"] == {
        "unique_fields": [f"The {field} cannot be unique: customers {first} and {second} have the same."]
    }
    assert world.send("GET", f"{TENANTS}/{world.clinic}").json["data"]["unique_fields"] == []
    # Customers in the trash and customers of other tenants are ignored.
    world.send("DELETE", f"{LIST}/{second}")
    world.add(world.salon, **shared)
    world.add(**shared, deleted_at=NOON)
    assert change(world, unique_fields=[field]).json["data"]["unique_fields"] == [field]


def test_no_other_tenant_is_found(world: World) -> None:
    for number in (world.salon, 99999, "x", 0, "9" * 30):
        for method, content in (("GET", None), ("PUT", {"name": "A"}), ("PATCH", {"name": "A"})):
            expect_error(world.send(method, f"{TENANTS}/{number}", content), 404, "not_found")
    own = world.send("GET", f"{TENANTS}/{world.salon}", user=world.charlie)
    assert own.json["data"]["name"] == "Salon Belle"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_channel_is_created_renamed_and_deleted(world: World, method: str) -> None:
    made = world.send("POST", CHANNELS, NEW | {"name": " Shop "})
    assert made.status_code == 201, made.text
    assert made.json["data"] == {"id": 5, "kind": "website", "name": "Shop"}
    path = f"{CHANNELS}/5"
    assert made.headers["Location"].endswith(path)
    renamed = world.send(method, path, {"name": "Store"})
    assert renamed.json["data"] == {"id": 5, "kind": "website", "name": "Store"}
    got = world.send("GET", path)
    assert got.json["data"] == renamed.json["data"]
    assert world.send(method, path, {}).json["data"] == renamed.json["data"]
    assert world.send("DELETE", path).status_code == 204
    for again, content in (("GET", None), (method, {"name": "A"}), ("DELETE", None)):
        expect_error(world.send(again, path, content), 404, "not_found")
    assert [channel["id"] for channel in world.get(CHANNELS).json["data"]] == [1, 2, 3, 4]


def test_every_fault_of_a_channel_is_named(world: World) -> None:
    for content in (
        {"kind": "fax", "name": " ", "id": 7},
        {"kind": None, "name": 3},
        {"kind": ["website"], "name": ""},
    ):
        error = expect_error(world.send("POST", CHANNELS, content), 422, "validation_error")
        assert set(error["errors"]) == set(content)
    error = expect_error(world.send("PUT", f"{CHANNELS}/1", {"kind": "fax", "name": ""}), 422, "validation_error")
    assert set(error["errors"]) == {"kind", "name"}
    for number in ("x", "0", "9" * 30, 10**17):
        expect_error(world.send("PUT", f"{CHANNELS}/{number}", {"name": "A"}), 404, "not_found")


def test_a_channel_that_customers_have_is_not_deleted(world: World) -> None:
    customer = world.create(default_channel_id=2)
    world.send("DELETE", f"{LIST}/{customer}")
    error = expect_error(world.send("DELETE", f"{CHANNELS}/2"), 409, "conflict")
    assert "default channel" in error["message"]
    world.send("POST", f"{LIST}/{customer}/restore")
    world.send("PUT", f"{LIST}/{customer}", {"default_channel_id": 1})
    assert world.send("DELETE", f"{CHANNELS}/2").status_code == 204
    assert world.send("DELETE", f"{CHANNELS}/2", user=world.charlie).status_code == 204


def test_channels_created_in_parallel_have_different_ids(world: World) -> None:
    world.writers[world.alice] = world.token(world.alice, list(SCOPES))
    at_once = threading.Barrier(4)

    def create(number: int) -> Result:
        at_once.wait()
        return world.send("POST", CHANNELS, NEW | {"name": f"Shop {number}"})

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(create, range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert {answer.json["data"]["id"] for answer in answers} == {5, 6, 7, 8}


def test_a_channel_that_is_sent_again_is_created_once(world: World) -> None:
    key = {"Idempotency-Key": "a-1"}
    first = world.send("POST", CHANNELS, NEW, headers=key)
    again = world.send("POST", CHANNELS, NEW, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    expect_error(world.send("POST", CHANNELS, NEW | {"name": "Other"}, headers=key), 422, "validation_error")
    assert len(world.get(CHANNELS).json["data"]) == 5
