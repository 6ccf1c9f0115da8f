"""API to create, change, trash, restore and purge customers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from regulars.customers.counts.maintenance import check_counts
from regulars.db.statement import Statement
from regulars.db.tables import tenants
from tests.support.world import LIST, World, expect_error, names

TAGS = "/api/v1/tags"
CHANGES = f"{LIST}/changes"
EVERYTHING = {
    "first_name": "Ayşe",
    "last_name": "Yılmaz",
    "phone_number": "0532 111 22 33",
    "email": "ayse.yilmaz@Example.COM",
    "date_of_birth": "1990-05-01",
    "gender": "female",
    "country_id": 792,
    "identity_number": "10000000146",
    "job": "Öğretmen",
    "address": "Bağdat Caddesi 1\nİstanbul",
    "default_channel_id": 1,
    "avatar_url": "https://example.com/a.png",
}
MAKE_UNIQUE = Statement(
    update(tenants).where(tenants.c.id == bindparam("of_tenant")).values(unique_fields=bindparam("names"))
)


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def make_unique(world: World, *fields: str) -> None:
    world.database.execute(MAKE_UNIQUE, {"of_tenant": world.clinic, "names": ",".join(fields)})


def total(world: World, **parameters: Any) -> int:
    return int(world.get(params=parameters).json["meta"]["total"])


def test_a_customer_is_created_with_all_that_is_known(world: World) -> None:
    answer = world.send("POST", LIST, EVERYTHING | {"user_id": world.bob})
    assert answer.status_code == 201, answer.text
    customer = answer.json["data"]
    assert answer.json["success"]
    assert "warnings" not in answer.json
    assert answer.headers["Location"].endswith(f"{LIST}/{customer['id']}")
    shown = {
        "phone_number": "+905321112233",
        "email": "ayse.yilmaz@example.com",
        "date_of_birth": "1990-05-01T00:00:00Z",
        "country_name": "Türkiye",
        "related_user": {"id": world.bob, "name": "Bob"},
        "deleted_at": None,
    }
    hidden = {"country_id"}
    assert customer.items() >= ({k: v for k, v in EVERYTHING.items() if k not in hidden} | shown).items()
    assert customer["created_at"] == customer["updated_at"]
    got = world.get(f"{LIST}/{customer['id']}")
    assert got.json["data"] == customer
    assert got.headers["ETag"] == answer.headers["ETag"]
    assert names(world.get(params={"search": "yilmaz 0532111"})) == ["Ayşe"]
    assert total(world) == 1


def test_every_fault_of_a_body_is_named(world: World) -> None:
    content = {
        "last_name": "x" * 256,
        "phone_number": "12",
        "email": "nobody",
        "date_of_birth": "2990-01-01",
        "gender": "none",
        "country_id": 999,
        "identity_number": "x" * 65,
        "job": 7,
        "default_channel_id": 99,
        "user_id": world.charlie,
        "avatar_url": "http://example.com/",
        "tags": [1],
        "id": 7,
        "tenant_id": 2,
    }
    error = expect_error(world.send("POST", LIST, content), 422, "validation_error")
    assert set(error["errors"]) == {"first_name", *content}
    assert total(world) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"first_name": "A", "first_name": "B"}', 400),
        (b'{"first_name": ' + b"[" * 100 + b"]" * 100 + b"}", 400),
        (b"[" * 100_000, 400),
        (b'{"first_name": NaN}', 400),
        (b'{"first_name": "\xff"}', 400),
        (b'["Ay\xc5\x9fe"]', 400),
        (b'{"first_name": "A", "x": ' + b"9" * 5000 + b"}", 400),
        (b'{"first_name": "\\ud800"}', 422),
        (b'{"first_name": " "}', 422),
        (b'{"first_name": null}', 422),
        (b'{"first_name": "A", "user_id": 1.5}', 422),
        (b'{"first_name": "A", "user_id": true}', 422),
        (b'{"first_name": "A", "user_id": 99999999999999999999}', 422),
        (b'{"first_name": "' + b"x" * 300_000 + b'"}', 413),
    ],
)
def test_a_body_that_is_no_customer_is_refused(world: World, body: bytes, status: int) -> None:
    answer = world.send("POST", headers={"Content-Type": "application/json"}, body=body)
    expect_error(answer, status, "validation_error")
    assert total(world) == 0


def test_a_body_must_say_that_it_is_json(world: World) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json"):
        answer = world.send("POST", headers={"Content-Type": kind}, body=b'{"first_name": "A"}')
        expect_error(answer, 415, "validation_error")


def test_permissions_of_each_role(world: World) -> None:
    customer = world.create()
    path = f"{LIST}/{customer}"
    for user, tenant in ((world.dora, world.clinic), (world.dora, world.salon)):
        for method, where in (("POST", LIST), ("PUT", path), ("PATCH", path), ("DELETE", path)):
            answer = world.send(method, where, {"first_name": "A"}, user=user, tenant=tenant)
            expect_error(answer, 403, "insufficient_scope")
    expect_error(world.send("PUT", path, {"first_name": "A"}, user=world.charlie), 404, "not_found")
    assert world.send("PUT", path, {"first_name": "B"}, user=world.bob).status_code == 200
    assert world.send("DELETE", path, user=world.bob).status_code == 204
    purge: dict[str, Any] = {"params": {"permanently": "true"}}
    expect_error(world.send("DELETE", path, user=world.bob, **purge), 403, "insufficient_scope")
    expect_error(world.send("POST", f"{path}/erase", user=world.bob), 403, "insufficient_scope")
    assert world.send("DELETE", path, **purge).status_code == 204
    reader = {"Authorization": f"Bearer {world.token(world.alice)}"}
    expect_error(world.send("POST", LIST, {"first_name": "A"}, headers=reader), 403, "insufficient_scope")


@pytest.mark.parametrize(
    ("method", "kind"),
    [("PUT", "application/json"), ("PATCH", "application/json"), ("PATCH", "application/merge-patch+json")],
)
def test_only_the_named_fields_change_and_null_empties_one(world: World, method: str, kind: str) -> None:
    customer = world.create(**{**EVERYTHING, "user_id": world.bob})
    path = f"{LIST}/{customer}"
    before = world.get(path).json["data"]
    content = {"email": None, "job": "Doktor", "gender": "other", "user_id": None, "phone_number": "+49 30 123456"}
    answer = world.send(method, path, content, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    expected = {
        "email": None,
        "job": "Doktor",
        "gender": "other",
        "related_user": None,
        "phone_number": "+4930123456",
        "updated_at": answer.json["data"]["updated_at"],
    }
    assert answer.json["data"] == before | expected
    assert world.get(path).json["data"] == answer.json["data"]
    assert [total(world, gender=each) for each in ("female", "other")] == [0, 1]
    assert names(world.get(params={"search": "0532111"})) == []
    assert check_counts(world.database, world.clinic) == []


def test_what_changes_nothing_leaves_no_trace(world: World) -> None:
    customer = world.add(first_name="Ayşe", job="Doktor")
    path = f"{LIST}/{customer}"
    before = world.get(path)
    for content in ({}, {"job": "Doktor"}, {"job": " Doktor ", "first_name": "Ayşe", "email": None}):
        answer = world.send("PUT", path, content)
        assert answer.json["data"] == before.json["data"]
        assert answer.headers["ETag"] == before.headers["ETag"]
    history = world.get(f"{path}/history").json["data"]
    assert [change["action"] for change in history] == ["created"]


def test_a_turkish_identity_number_that_does_not_fit_is_a_warning(world: World) -> None:
    fine = world.send("POST", LIST, {"first_name": "A", "identity_number": "10000000146"})
    assert "warnings" not in fine.json
    mistyped = world.send("POST", LIST, {"first_name": "A", "identity_number": "10000000147"})
    assert mistyped.status_code == 201
    assert list(mistyped.json["warnings"]) == ["identity_number"]
    french = {"first_name": "A", "identity_number": "10000000147", "country_id": 250}
    assert "warnings" not in world.send("POST", LIST, french).json


def test_into_the_trash_and_back(world: World) -> None:
    customer = world.create(gender="female")
    path = f"{LIST}/{customer}"
    assert world.send("DELETE", path).status_code == 204
    assert world.send("DELETE", path).status_code == 204
    assert world.get(path).json["data"]["deleted_at"]
    assert (total(world), total(world, trashed="true")) == (0, 1)
    expect_error(world.send("PUT", path, {"job": "x"}), 409, "conflict")
    restored = world.send("POST", f"{path}/restore")
    assert restored.json["data"]["deleted_at"] is None
    assert world.send("POST", f"{path}/restore").status_code == 200
    assert (total(world), total(world, trashed="true")) == (1, 0)
    actions = [change["action"] for change in world.get(f"{path}/history").json["data"]]
    assert actions == ["created", "trashed", "restored"]
    assert check_counts(world.database, world.clinic) == []


def test_purging_leaves_an_entry_without_data(world: World) -> None:
    customer = world.create(**EVERYTHING)
    path = f"{LIST}/{customer}"
    purge: dict[str, Any] = {"params": {"permanently": "true"}}
    expect_error(world.send("DELETE", path, **purge), 409, "conflict")
    world.send("DELETE", path)
    assert world.send("DELETE", path, **purge).status_code == 204
    expect_error(world.get(path), 404, "not_found")
    expect_error(world.send("DELETE", path, **purge), 404, "not_found")
    assert (total(world), total(world, trashed="true"), total(world, search="yilmaz")) == (0, 0, 0)
    history = world.get(f"{path}/history").json["data"]
    assert [change["action"] for change in history] == ["created", "trashed", "purged"]
    assert "Yılmaz" not in str(history)
    assert check_counts(world.database, world.clinic) == []


def test_an_etag_keeps_two_editors_from_undoing_each_other(world: World) -> None:
    customer = world.create()
    path = f"{LIST}/{customer}"
    seen = world.get(path).headers["ETag"]
    first = world.send("PUT", path, {"job": "Doktor"}, headers={"If-Match": seen})
    assert first.status_code == 200
    for method, where in (("PUT", path), ("DELETE", path), ("POST", f"{path}/restore")):
        content = {"job": "Avukat"} if method == "PUT" else None
        answer = world.send(method, where, content, headers={"If-Match": seen})
        expect_error(answer, 412, "precondition_failed")
    weak = world.send("PUT", path, {"job": "Avukat"}, headers={"If-Match": f"W/{first.headers['ETag']}"})
    expect_error(weak, 412, "precondition_failed")
    newer = {"If-Match": f'"other", {first.headers["ETag"]}'}
    assert world.send("PUT", path, {"job": "Avukat"}, headers=newer).status_code == 200
    assert world.send("PUT", path, {"job": "Hakim"}, headers={"If-Match": "*"}).status_code == 200
    known = {"If-None-Match": world.get(path).headers["ETag"]}
    assert world.get(path, headers=known).status_code == 304


def test_a_taken_unique_value_is_refused_with_the_id_of_its_holder(world: World) -> None:
    make_unique(world, "phone_number", "email", "identity_number")
    first = world.create(phone_number="0532 111 22 33", email="Ayse@example.com", identity_number="X1")
    content = {
        "first_name": "B",
        "phone_number": "+90 532 1112233",
        "email": "ayse@example.com",
        "identity_number": "X1",
    }
    error = expect_error(world.send("POST", LIST, content), 409, "conflict")
    assert set(error["errors"]) == {"phone_number", "email", "identity_number"}
    assert all(f"customer {first}." in sentence for (sentence,) in error["errors"].values())
    second = world.create(email="other@example.com")
    expect_error(world.send("PUT", f"{LIST}/{second}", {"email": "AYSE@example.com"}), 409, "conflict")
    assert world.send("PUT", f"{LIST}/{first}", {"email": "AYSE@example.com"}).status_code == 200
    # A customer in the trash does not reserve its unique values, so it may be impossible to restore.
    world.send("DELETE", f"{LIST}/{first}")
    assert world.send("PUT", f"{LIST}/{second}", {"email": "ayse@example.com"}).status_code == 200
    error = expect_error(world.send("POST", f"{LIST}/{first}/restore"), 409, "conflict")
    assert list(error["errors"]) == ["email"]
    assert f"customer {second}." in error["message"]


def test_two_may_share_what_need_not_be_unique(world: World) -> None:
    make_unique(world, "email")
    for _ in range(2):
        world.create(phone_number="0532 111 22 33", email=None)
    assert total(world) == 2


def test_a_request_that_is_sent_again_is_done_once(world: World) -> None:
    key = {"Idempotency-Key": "a-1"}
    first = world.send("POST", LIST, EVERYTHING, headers=key)
    again = world.send("POST", LIST, EVERYTHING, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    for header in ("Location", "ETag"):
        assert again.headers[header] == first.headers[header]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert total(world) == 1
    expect_error(world.send("POST", LIST, {"first_name": "Other"}, headers=key), 422, "validation_error")
    # Keys are separate for each user and tenant.
    assert world.send("POST", LIST, EVERYTHING, headers=key, user=world.bob).status_code == 201
    assert world.send("POST", LIST, EVERYTHING, headers=key, user=world.charlie).status_code == 422
    assert total(world) == 2


def test_a_request_that_failed_may_be_mended_under_its_key(world: World) -> None:
    key = {"Idempotency-Key": "a-1"}
    expect_error(world.send("POST", LIST, {"first_name": ""}, headers=key), 422, "validation_error")
    assert world.send("POST", LIST, {"first_name": "A"}, headers=key).status_code == 201
    expect_error(
        world.send("POST", LIST, {"first_name": "A"}, headers={"Idempotency-Key": "a b"}), 400, "validation_error"
    )


def test_the_history_has_the_author_and_the_values_of_changes(world: World) -> None:
    customer = world.create(job="Doktor")
    path = f"{LIST}/{customer}"
    world.send("PUT", path, {"job": "Avukat", "email": "a@example.com"}, user=world.bob)
    created, updated = world.get(f"{path}/history").json["data"]
    assert created["fields"]["first_name"] == {"from": None, "to": "Ayşe"}
    assert updated["action"] == "updated"
    assert updated["fields"] == {
        "job": {"from": "Doktor", "to": "Avukat"},
        "email": {"from": None, "to": "a@example.com"},
    }
    assert updated["user"] == {"id": world.bob, "name": "Bob"}
    assert updated["client_id"]
    assert datetime.fromisoformat(updated["created_at"]).tzinfo == UTC
    expect_error(world.get(f"{LIST}/99999/history"), 404, "not_found")
    expect_error(world.get(f"{path}/history", user=world.charlie), 404, "not_found")


def test_the_feed_continues_at_a_position(world: World) -> None:
    for number in range(5):
        world.create(first_name=f"Person {number}")
    seen: list[int] = []
    cursor, has_more = 0, True
    while has_more:
        answer = world.get(CHANGES, params={"since": cursor, "limit": 2}).json
        seen += [change["position"] for change in answer["data"]]
        cursor, has_more = answer["meta"]["cursor"], answer["meta"]["has_more"]
    assert seen == [1, 2, 3, 4, 5]
    assert world.get(CHANGES, params={"since": cursor}).json == {"data": [], "meta": {"cursor": 5, "has_more": False}}
    assert world.get(CHANGES, params={"since": "now"}).json == {"data": [], "meta": {"cursor": 5, "has_more": False}}
    for since in ("later", "-1", "1.5"):
        expect_error(world.get(CHANGES, params={"since": since}), 422, "validation_error")
    error = expect_error(world.get(CHANGES, params={"since": 6}), 409, "conflict")
    assert "since" in error["errors"]
    assert world.get(CHANGES, user=world.charlie).json["data"] == []


def test_erasing_removes_personal_data_everywhere(world: World) -> None:
    key = {"Idempotency-Key": "erase-1"}
    made = world.send("POST", LIST, EVERYTHING, headers=key).json["data"]["id"]
    path = f"{LIST}/{made}"
    world.send("PUT", path, {"job": "Doktor"})
    answer = world.send("POST", f"{path}/erase")
    assert answer.status_code == 200, answer.text
    assert set(answer.json["data"]["kinds"]) == {*EVERYTHING, "phone_number_as_typed"}
    expect_error(world.get(path), 404, "not_found")
    assert (total(world), total(world, search="yilmaz")) == (0, 0)
    history = world.get(f"{path}/history").json["data"]
    assert [change["action"] for change in history] == ["created", "updated", "erased"]
    assert "Yılmaz" not in str(history)
    assert set(history[-1]["fields"]) == {*EVERYTHING, "phone_number_as_typed"}
    expect_error(world.send("POST", LIST, EVERYTHING, headers=key), 409, "conflict")
    assert total(world) == 0
    assert check_counts(world.database, world.clinic) == []


def test_tag_names_are_unique_regardless_of_letter_case(world: World) -> None:
    made = world.send("POST", TAGS, {"name": "İyi Müşteri", "color": "#e4572e"})
    assert made.status_code == 201, made.text
    tag = made.json["data"]
    assert tag == {"id": tag["id"], "name": "İyi Müşteri", "color": "#E4572E"}
    assert made.headers["Location"].endswith(f"{TAGS}/{tag['id']}")
    for name in ("iyi müşteri", "İYİ MÜŞTERİ", "  IYI  müşteri"):
        error = expect_error(world.send("POST", TAGS, {"name": name, "color": "#000000"}), 409, "conflict")
        assert f"tag {tag['id']}." in error["message"]
    faults = expect_error(world.send("POST", TAGS, {"name": "", "color": "red", "x": 1}), 422, "validation_error")
    assert set(faults["errors"]) == {"name", "color", "x"}
    assert world.send("PUT", f"{TAGS}/{tag['id']}", {"name": "iyi müşteri"}).json["data"]["name"] == "iyi müşteri"
    other = world.send("POST", TAGS, {"name": "VIP", "color": "#000000"}).json["data"]["id"]
    expect_error(world.send("PATCH", f"{TAGS}/{other}", {"name": "Iyi Müşteri"}), 409, "conflict")
    assert [each["name"] for each in world.get(TAGS).json["data"]] == ["iyi müşteri", "VIP"]
    assert world.get(TAGS, user=world.charlie).json["data"] == []
    expect_error(world.send("DELETE", f"{TAGS}/{other}", user=world.charlie), 404, "not_found")
    expect_error(
        world.send("POST", TAGS, {"name": "B", "color": "#000000"}, user=world.dora, tenant=world.clinic),
        403,
        "insufficient_scope",
    )


def test_tags_of_customers_are_included_on_request(world: World) -> None:
    vip, late = (world.send("POST", TAGS, {"name": name, "color": "#000000"}).json["data"] for name in ("VIP", "Late"))
    customer = world.create(tags=[vip["id"], late["id"], vip["id"]])
    path = f"{LIST}/{customer}"
    assert "tags" not in world.get(path).json["data"]
    assert "tags" not in world.get().json["data"][0]
    shown: dict[str, Any] = {"params": {"include": "tags"}}
    assert world.get(path, **shown).json["data"]["tags"] == [late, vip]
    assert world.get(LIST, **shown).json["data"][0]["tags"] == [late, vip]
    seen = world.get(path).headers["ETag"]
    world.send("PUT", path, {"tags": [late["id"]]}, headers={"If-Match": seen})
    expect_error(world.send("PUT", path, {"tags": None}, headers={"If-Match": seen}), 412, "precondition_failed")
    assert world.get(path, **shown).json["data"]["tags"] == [late]
    assert world.send("DELETE", f"{TAGS}/{late['id']}").status_code == 204
    assert world.get(path, **shown).json["data"]["tags"] == []
    changes = [change["fields"]["tags"] for change in world.get(f"{path}/history").json["data"]]
    assert changes == [
        {"from": [], "to": [vip["id"], late["id"]]},
        {"from": [vip["id"], late["id"]], "to": [late["id"]]},
        {"from": [late["id"]], "to": []},
    ]
