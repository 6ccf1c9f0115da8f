"""Undoing an import."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from regulars.clock import utc_now
from regulars.customers.counts.maintenance import check_counts
from regulars.db.statement import Statement
from regulars.db.tables import imports
from regulars.job_handlers import HANDLERS
from regulars.jobs.queue import cancel_job, claim_next
from regulars.jobs.worker import run_job
from tests.customers.test_write import make_unique
from tests.support.imports import (
    IMPORTS,
    TURKISH,
    act,
    counts,
    csv_file,
    customers,
    get,
    import_file,
    issues,
    upload,
    values,
    work,
)
from tests.support.world import LIST, World, expect_error

HEADINGS = ["E-posta", "Ad", "Soyad", "Meslek", "Etiketler"]
FIELDS = ("first_name", "last_name", "job", "tags")
CHANGED = "The customer has been changed since the import."
EXPIRE = Statement(update(imports).values(undo_until=utc_now() - timedelta(minutes=1)))


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def run(world: World, *rows: list[Any], **settings: Any) -> dict[str, Any]:
    return import_file(world, "liste.csv", csv_file(HEADINGS, *rows), match_by="email", **settings)


def undo(world: World, import_id: str, **options: Any) -> dict[str, int]:
    """Undo an import and return the counts that are not zero."""
    found = act(world, import_id, "undo", **options)
    assert found["state"] == "undone", found
    assert check_counts(world.database, world.clinic) == []
    return {name: count for name, count in found["undo"].items() if count}


def tag(world: World, name: str) -> int:
    return int(world.send("POST", "/api/v1/tags", {"name": name, "color": "#000000"}).json["data"]["id"])


def put(world: World, customer_id: int, **fields: Any) -> None:
    answer = world.send("PUT", f"{LIST}/{customer_id}", fields)
    assert answer.status_code == 200, answer.text


def test_created_customers_are_removed_and_changed_ones_are_restored(world: World) -> None:
    old = world.create(first_name="Ayşe", job="Doktor", email="ayse@example.com", tags=[tag(world, "Eski")])
    before = {**customers(world)[0], "updated_at": None}
    found = run(
        world,
        ["ayse@example.com", "Ayse", "Yılmaz", "Avukat", "VIP"],
        ["can@example.com", "Can", "Öz", "", "VIP"],
        on_match="overwrite",
    )
    assert counts(found["result"]) == {"created": 1, "updated": 1}
    assert undo(world, found["id"]) == {"removed": 1, "restored": 1}
    assert [{**each, "updated_at": None} for each in customers(world)] == [before]
    assert issues(world, found["id"], "kept") == []
    assert world.get(f"{LIST}/{old}").json["data"]["job"] == "Doktor"


def test_the_history_and_the_change_feed_name_the_import(world: World) -> None:
    old = world.create(first_name="Ayşe", email="ayse@example.com")
    found = run(world, ["ayse@example.com", "", "Yılmaz", "", ""], ["can@example.com", "Can", "", "", ""])
    undo(world, found["id"])
    source = {"id": found["id"], "file_name": "liste.csv"}
    history = world.get(f"{LIST}/{old}/history").json["data"]
    assert [(change["action"], change["import"]) for change in history] == [
        ("created", None),
        ("updated", source),
        ("updated", source),
    ]
    feed = world.get(f"{LIST}/changes").json["data"]
    assert sorted((change["action"], change["import"] is not None) for change in feed) == [
        ("created", False),
        ("created", True),
        ("purged", True),
        ("updated", True),
        ("updated", True),
    ]


def test_customers_that_were_changed_since_are_kept_and_listed(world: World) -> None:
    world.create(first_name="Ayşe", email="ayse@example.com")
    rows = [[f"{name}@example.com", name, "Öz", "", ""] for name in ("ayse", "can", "eda", "efe")]
    found = run(world, *rows)
    ayse, can, eda, _efe = [customer["id"] for customer in customers(world)]
    put(world, ayse, job="Doktor")
    put(world, can, job="Avukat")
    assert world.send("DELETE", f"{LIST}/{eda}").status_code == 204
    assert undo(world, found["id"]) == {"removed": 1, "kept": 3}
    assert issues(world, found["id"], "kept") == [(number, CHANGED) for number in (ayse, can, eda)]
    translated = issues(world, found["id"], "kept", headers=TURKISH)
    assert translated[0] == (ayse, "Müşteri, içe aktarmadan sonra değiştirildi.")
    assert issues(world, found["id"], "kept", params={"after": ayse, "limit": 1}) == [(can, CHANGED)]
    assert values(world, "first_name", "last_name", "job") == [("Ayşe", "Öz", "Doktor"), ("can", "Öz", "Avukat")]


def test_a_customer_that_was_purged_since_is_nothing_to_undo(world: World) -> None:
    found = run(world, ["can@example.com", "Can", "Öz", "", ""])
    path = f"{LIST}/{customers(world)[0]['id']}"
    assert world.send("DELETE", path).status_code == 204
    assert world.send("DELETE", path, params={"permanently": "true"}).status_code == 204
    assert undo(world, found["id"]) == {}


def test_a_value_that_another_customer_took_meanwhile(world: World) -> None:
    make_unique(world, "phone_number")
    first = world.create(first_name="Ayşe", email="ayse@example.com", phone_number="0532 111 22 33")
    content = csv_file(["E-posta", "Telefon"], ["ayse@example.com", "0532 111 22 34"])
    found = import_file(world, "liste.csv", content, match_by="email", on_match="overwrite")
    other = world.create(first_name="Can", phone_number="0532 111 22 33")
    assert undo(world, found["id"]) == {"kept": 1}
    assert issues(world, found["id"], "kept") == [(first, f"phone_number is already used by customer {other}.")]
    assert values(world, "phone_number") == [("+905321112234",), ("+905321112233",)]


def test_a_channel_that_was_deleted_meanwhile(world: World) -> None:
    channel = world.send("POST", "/api/v1/channels", {"name": "Web", "kind": "website"}).json["data"]["id"]
    other = world.send("POST", "/api/v1/channels", {"name": "Web 2", "kind": "website"}).json["data"]["id"]
    first = world.create(first_name="Ayşe", email="ayse@example.com", default_channel_id=channel)
    content = csv_file(["email", "first_name", "default_channel_id"], ["ayse@example.com", "Ayşe", other])
    found = import_file(world, "liste.csv", content, match_by="email", on_match="overwrite")
    assert counts(found["result"]) == {"updated": 1}
    assert world.send("DELETE", f"/api/v1/channels/{channel}").status_code == 204
    assert undo(world, found["id"]) == {"kept": 1}
    ((number, reason),) = issues(world, found["id"], "kept")
    assert (number, "default_channel_id" in reason) == (first, True)


def test_a_member_who_left_meanwhile(world: World) -> None:
    first = world.create(first_name="Ayşe", email="ayse@example.com", user_id=world.bob)
    content = csv_file(["email", "first_name", "user_email"], ["ayse@example.com", "Ayşe", "dora@example.com"])
    found = import_file(world, "liste.csv", content, match_by="email", on_match="overwrite")
    assert counts(found["result"]) == {"updated": 1}
    assert world.send("DELETE", f"/api/v1/users/{world.bob}").status_code == 204
    assert undo(world, found["id"]) == {"kept": 1}
    ((number, reason),) = issues(world, found["id"], "kept")
    assert (number, "user_id" in reason) == (first, True)


def test_a_tag_that_was_deleted_meanwhile(world: World) -> None:
    old = tag(world, "Eski")
    world.create(first_name="Ayşe", email="ayse@example.com", tags=[old, tag(world, "Daha Eski")])
    found = run(world, ["ayse@example.com", "Ayse", "", "", "VIP"], on_match="overwrite")
    assert world.send("DELETE", f"/api/v1/tags/{old}").status_code == 204
    assert undo(world, found["id"]) == {"restored": 1}
    assert values(world, "first_name", "tags") == [("Ayşe", ["Daha Eski"])]


def test_tags_of_the_import_that_nobody_needs_are_removed(world: World) -> None:
    tag(world, "Eski")
    found = run(world, *([f"{name}@example.com", name, "", "", name] for name in ("Renamed", "Kept", "Used", "Gone")))
    ids = {each["name"]: each["id"] for each in world.send("GET", "/api/v1/tags").json["data"]}
    assert world.send("PATCH", f"/api/v1/tags/{ids['Renamed']}", {"name": "Yeni"}).status_code == 200
    world.create(first_name="Eda", tags=[ids["Used"]])
    kept = next(each["id"] for each in customers(world) if each["first_name"] == "Kept")
    assert world.send("PATCH", f"{LIST}/{kept}", {"job": "Doktor"}).status_code == 200
    assert undo(world, found["id"]) == {"removed": 3, "kept": 1}
    assert tag_names(world) == ["Eski", "Kept", "Used", "Yeni"]


def tag_names(world: World) -> list[str]:
    return [each["name"] for each in world.send("GET", "/api/v1/tags").json["data"]]


def test_customers_of_several_rows_count_once(world: World) -> None:
    world.create(first_name="Ayşe", job="Doktor", email="ayse@example.com")
    changes = [("A", "x"), ("B", "y"), ("C", "x")]
    rows = [[f"{name}@example.com", name, last, "", tags] for name in ("ayse", "can") for last, tags in changes]
    found = run(world, *rows, on_match="overwrite")
    assert counts(found["result"]) == {"created": 1, "updated": 5}
    assert undo(world, found["id"]) == {"removed": 1, "restored": 1}
    assert values(world, *FIELDS) == [("Ayşe", None, "Doktor", [])]


def test_a_customer_of_several_rows_is_kept_as_a_whole(world: World) -> None:
    """It must not get a mixture of the values before and after the import."""
    make_unique(world, "phone_number")
    first = world.create(first_name="Ayşe", job="Doktor", email="ayse@example.com", phone_number="0532 111 22 33")
    content = csv_file(
        ["E-posta", "Telefon", "Meslek"],
        ["ayse@example.com", "", "Avukat"],
        ["ayse@example.com", "0532 111 22 34", ""],
    )
    found = import_file(world, "liste.csv", content, match_by="email", on_match="overwrite")
    world.create(first_name="Can", phone_number="0532 111 22 33")
    assert undo(world, found["id"]) == {"kept": 1}
    assert [number for number, _reason in issues(world, found["id"], "kept")] == [first]
    assert values(world, "phone_number", "job")[0] == ("+905321112234", "Avukat")


def test_an_import_is_undone_only_once(world: World) -> None:
    found = run(world, ["can@example.com", "Can", "Öz", "", ""])
    undo(world, found["id"])
    path = f"{IMPORTS}/{found['id']}"
    problem = expect_error(world.send("POST", f"{path}/undo"), 409, "conflict")
    assert problem["message"] == f"Import {found['id']} cannot be undone: its state is undone."
    turkish = world.send("POST", f"{path}/undo", headers=TURKISH).json["message"]
    assert turkish == f"{found['id']} numaralı içe aktarma geri alınamaz: durumu undone."
    expect_error(world.send("POST", f"{path}/start", {"confirm": True}), 409, "conflict")


def test_an_import_that_was_not_started_cannot_be_undone(world: World) -> None:
    found = upload(world, "liste.csv", csv_file(HEADINGS, ["can@example.com", "Can", "Öz", "", ""]))
    problem = expect_error(world.send("POST", f"{IMPORTS}/{found['id']}/undo"), 409, "conflict")
    assert problem["message"].endswith("cannot be undone: its state is ready.")


def test_an_undo_that_runs_is_not_started_again(world: World) -> None:
    found = run(world, ["can@example.com", "Can", "Öz", "", ""])
    assert world.send("POST", f"{IMPORTS}/{found['id']}/undo").status_code == 202
    problem = expect_error(world.send("POST", f"{IMPORTS}/{found['id']}/undo"), 409, "conflict")
    assert problem["message"].endswith("cannot be undone: its state is undoing.")
    work(world)
    assert get(world, found["id"])["undo"]["removed"] == 1


def test_an_import_can_be_undone_for_thirty_days(world: World) -> None:
    found = run(world, ["can@example.com", "Can", "Öz", "", ""])
    days = timedelta(days=30)
    assert found["undo_until"][:10] == (utc_now() + days).date().isoformat()
    world.database.execute(EXPIRE)
    problem = expect_error(world.send("POST", f"{IMPORTS}/{found['id']}/undo"), 409, "conflict")
    assert problem["message"] == f"Import {found['id']} can no longer be undone: 30 days have passed."
    assert len(customers(world)) == 1


def test_a_later_import_is_a_change_as_well(world: World) -> None:
    first = run(world, ["can@example.com", "Can", "", "", ""], ["eda@example.com", "Eda", "", "", ""])
    second = run(world, ["can@example.com", "Can", "Öz", "", ""])
    can = customers(world)[0]["id"]
    assert undo(world, first["id"]) == {"removed": 1, "kept": 1}
    assert issues(world, first["id"], "kept") == [(can, CHANGED)]
    assert undo(world, second["id"]) == {"restored": 1}
    assert values(world, "first_name", "last_name") == [("Can", None)]


def test_an_undo_that_was_cancelled_can_be_started_again(world: World) -> None:
    found = run(world, ["can@example.com", "Can", "Öz", "", ""])
    started = world.send("POST", f"{IMPORTS}/{found['id']}/undo").json["data"]
    assert world.send("POST", f"/api/v1/jobs/{started['job']['id']}/cancel").status_code == 200
    assert get(world, found["id"])["state"] == "imported"
    assert undo(world, found["id"]) == {"removed": 1}


def test_an_undo_after_a_cancelled_one_counts_what_both_did(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.customers.undo.revert.CHANGES_PER_STEP", 1)
    # Each step gets a transaction of its own.
    monkeypatch.setattr("regulars.jobs.transactions.MAX_SECONDS", 0)
    world.create(first_name="Ayşe", email="ayse@example.com")
    world.create(first_name="Eda", email="eda@example.com")
    found = run(world, *([f"{name}@example.com", name, "Öz", "", ""] for name in ("ayse", "can", "efe", "eda")))
    put(world, customers(world)[-1]["id"], job="Doktor")
    assert world.send("POST", f"{IMPORTS}/{found['id']}/undo").status_code == 202
    run_until_cancelled(world, 3)
    assert get(world, found["id"])["state"] == "imported"
    assert len(customers(world)) == 3
    assert undo(world, found["id"]) == {"removed": 1, "restored": 2, "kept": 1}


def run_until_cancelled(world: World, steps: int) -> None:
    """Run the next job, and cancel it after some steps."""
    job = claim_next(world.database)
    assert job is not None

    def cancel(done: int, total: int | None) -> None:
        if done == steps:
            cancel_job(world.database, job.tenant_id, job.id)

    run_job(world.database, HANDLERS, job, progress=cancel)


def test_exactly_the_customers_that_were_changed_since_are_kept(world: World) -> None:
    """Of 2,000 rows, 400 change customers, 10 of which are changed again before the undo."""
    emails = [f"p{number}@example.com" for number in range(2_000)]
    old = [world.add(first_name="P", job="Doktor", email=email) for email in emails[:400]]
    found = run(world, *([email, "P", "Öz", "Avukat", ""] for email in emails), on_match="overwrite")
    assert counts(found["result"]) == {"created": 1_600, "updated": 400}
    changed = old[::40]
    for number in changed:
        put(world, number, address="Bağdat Cad. 5")
    assert undo(world, found["id"]) == {"removed": 1_600, "restored": 390, "kept": 10}
    assert issues(world, found["id"], "kept") == [(number, CHANGED) for number in changed]
    answer = world.send("GET", LIST, params={"per_page": 1})
    assert answer.json["meta"]["total"] == 400
    assert claim_next(world.database) is None
