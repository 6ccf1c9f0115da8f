"""Jobs: listed, read, cancelled and retried, and started once with an Idempotency-Key."""

from typing import Any

import pytest

from regulars.job_handlers import HANDLERS
from regulars.jobs.queue import claim_next
from regulars.jobs.worker import run_job
from tests.support.imports import (
    IMPORTS,
    TURKISH,
    act,
    counts,
    csv_file,
    get,
    import_file,
    post_file,
    upload,
    values,
    work,
)
from tests.support.world import World, expect_error

JOBS = "/api/v1/jobs"
PEOPLE = csv_file(["Ad Soyad", "Telefon"], ["Ayşe Yılmaz", "0532 111 22 33"])
KEY = {"Idempotency-Key": "a-key"}


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def jobs(world: World, query: str = "", **options: Any) -> list[dict[str, Any]]:
    answer = world.send("GET", JOBS + query, **options)
    assert answer.status_code == 200, answer.text
    return list(answer.json["data"])


def post(world: World, job_id: str, action: str, **options: Any) -> Any:
    return world.send("POST", f"{JOBS}/{job_id}/{action}", **options)


def test_jobs_are_listed_newest_first(world: World) -> None:
    found = import_file(world, "liste.csv", PEOPLE)
    upload(world, "liste.csv", b"")
    export = world.send("POST", "/api/v1/exports", {}).json["data"]
    listed = jobs(world)
    assert [(job["kind"], job["state"]) for job in listed] == [
        ("export", "queued"),
        ("detect", "failed"),
        ("import", "completed"),
        ("detect", "completed"),
    ]
    assert [job["import_id"] for job in listed[2:]] == [found["id"], found["id"]]
    assert (listed[0]["id"], listed[0]["import_id"]) == (export["id"], None)
    assert [job["state"] for job in jobs(world, "?state=failed")] == ["failed"]
    assert [job["id"] for job in jobs(world, "?limit=2")] == [job["id"] for job in listed[:2]]
    assert [job["id"] for job in jobs(world, f"?before={listed[1]['id']}")] == [job["id"] for job in listed[2:]]
    assert [job["state"] for job in jobs(world, f"?state=completed&before={listed[2]['id']}")] == ["completed"]


def test_wrong_parameters_are_refused(world: World) -> None:
    answer = world.send("GET", f"{JOBS}?state=done&limit=0&kind=x", headers={"Prefer": "handling=strict"})
    assert expect_error(answer, 422, "validation_error")["errors"].keys() == {"state", "limit", "kind"}


def test_members_see_their_own_jobs_and_admins_see_all(world: World) -> None:
    mine, others = upload(world, "liste.csv", PEOPLE)["job"], upload(world, "liste.csv", PEOPLE, user=world.bob)["job"]
    assert [job["id"] for job in jobs(world)] == [others["id"], mine["id"]]
    assert [job["id"] for job in jobs(world, user=world.bob)] == [others["id"]]
    assert jobs(world, user=world.dora, tenant=world.clinic) == []
    assert jobs(world, user=world.charlie) == []
    for action in ("cancel", "retry"):
        expect_error(post(world, mine["id"], action, user=world.bob), 404, "not_found")
    expect_error(world.send("GET", f"{JOBS}/{mine['id']}", user=world.charlie), 404, "not_found")


def test_a_job_has_its_progress_and_its_result(world: World) -> None:
    found = import_file(world, "liste.csv", PEOPLE)
    job = world.send("GET", f"{JOBS}/{found['job']['id']}").json["data"]
    assert job == found["job"]
    assert (job["done"], job["total"], job["percent"], job["user_id"]) == (1, 1, 100, world.alice)
    assert job["result"]["created"] == 1
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]


def test_the_error_of_a_job_is_in_the_language_of_the_reader(world: World) -> None:
    job = upload(world, "liste.csv", b"")["job"]
    assert job["error"] == "The file is empty."
    assert jobs(world, headers=TURKISH)[0]["error"] == "Dosya boş."


def test_a_queued_job_is_cancelled_at_once_and_can_be_retried(world: World) -> None:
    found = upload(world, "liste.csv", PEOPLE)
    job = world.send("POST", f"{IMPORTS}/{found['id']}/start").json["data"]["job"]
    cancelled = post(world, job["id"], "cancel")
    assert (cancelled.status_code, cancelled.json["data"]["state"]) == (200, "cancelled")
    work(world)
    assert (get(world, found["id"])["state"], values(world, "id")) == ("cancelled", [])
    retried = post(world, job["id"], "retry")
    assert (retried.status_code, retried.json["data"]["state"]) == (200, "queued")
    work(world)
    assert counts(get(world, found["id"])["result"]) == {"created": 1}


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a step of an import have one block of rows, so that 400 rows take several."""
    monkeypatch.setattr("regulars.customers.imports.run.MAX_BLOCKS", 1)


@pytest.mark.usefixtures("small_steps")
def test_a_running_job_stops_after_its_step_and_continues_there(world: World) -> None:
    rows = [[f"P {number}", f"0532 {number:07}"] for number in range(400)]
    found = upload(world, "liste.csv", csv_file(["Ad Soyad", "Telefon"], *rows))
    world.send("POST", f"{IMPORTS}/{found['id']}/start")
    job = claim_next(world.database)
    assert job is not None
    cancelled: list[str] = []

    def cancel(done: int, total: int | None) -> None:
        if done and not cancelled:
            cancelled.append(post(world, job.id, "cancel").json["data"]["state"])

    run_job(world.database, HANDLERS, job, progress=cancel)
    assert cancelled == ["running"]
    found = get(world, found["id"])
    assert found["state"] == found["job"]["state"] == "cancelled"
    assert 0 < found["job"]["done"] < 400
    assert found["job"]["percent"] == found["job"]["done"] * 100 // 400
    assert post(world, job.id, "retry").status_code == 200
    work(world)
    found = get(world, found["id"])
    assert (found["state"], counts(found["result"])) == ("imported", {"created": 400})
    assert act(world, found["id"], "undo")["undo"] == {"removed": 400, "restored": 0, "kept": 0}


@pytest.mark.usefixtures("small_steps")
def test_a_cancelled_import_can_be_undone(world: World) -> None:
    rows = [[f"P {number}", f"0532 {number:07}"] for number in range(400)]
    found = upload(world, "liste.csv", csv_file(["Ad Soyad", "Telefon"], *rows))
    world.send("POST", f"{IMPORTS}/{found['id']}/start")
    job = claim_next(world.database)
    assert job is not None
    run_job(world.database, HANDLERS, job, progress=lambda done, total: done and post(world, job.id, "cancel"))
    done = get(world, found["id"])["job"]["done"]
    assert 0 < done < 400
    found = act(world, found["id"], "undo")
    assert (found["state"], found["undo"]["removed"], values(world, "id")) == ("undone", done, [])
    problem = expect_error(post(world, job.id, "retry"), 409, "conflict")
    assert problem["message"] == "Another job of this import has been started since. Retry that one."


def test_a_job_that_has_ended_cannot_be_cancelled_or_retried(world: World) -> None:
    job = import_file(world, "liste.csv", PEOPLE)["job"]
    problem = expect_error(post(world, job["id"], "cancel"), 409, "conflict")
    assert problem["message"] == f"Job {job['id']} has ended (completed), so it cannot be cancelled."
    problem = expect_error(post(world, job["id"], "retry"), 409, "conflict")
    assert problem["message"].endswith("is completed. Only a failed or cancelled job can be retried.")


@pytest.mark.parametrize("number", ["01a2224d-fa67-7525-9538-984cbe27ed5f", "1", "%00", "%FF"])
def test_a_job_that_does_not_exist(world: World, number: str) -> None:
    for action in ("cancel", "retry"):
        expect_error(post(world, number, action), 404, "not_found")
    expect_error(world.send("GET", f"{JOBS}/{number}"), 404, "not_found")
    expect_error(world.send("GET", f"/api/v1/exports/{number}"), 404, "not_found")


def test_a_token_that_only_reads_cannot_cancel_an_import(world: World) -> None:
    job = post_file(world, "liste.csv", PEOPLE).json["data"]["job"]
    headers = {"Authorization": f"Bearer {world.token(world.alice, ['customers:read'])}"}
    assert world.send("GET", f"{JOBS}/{job['id']}", headers=headers).status_code == 200
    for action in ("cancel", "retry"):
        expect_error(post(world, job["id"], action, headers=headers), 403, "insufficient_scope")
    export = world.send("POST", "/api/v1/exports", {}, headers=headers).json["data"]
    assert post(world, export["id"], "cancel", headers=headers).status_code == 200


def test_an_upload_with_a_key_is_stored_once(world: World) -> None:
    first = post_file(world, "liste.csv", PEOPLE, headers=KEY)
    again = post_file(world, "liste.csv", PEOPLE, headers=KEY)
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert len(world.send("GET", IMPORTS).json["data"]) == 1
    other = post_file(world, "liste.csv", PEOPLE + b"\n", headers=KEY)
    assert expect_error(other, 422, "validation_error")["errors"].keys() == {"Idempotency-Key"}


@pytest.mark.parametrize("action", ["preview", "start", "undo"])
def test_an_action_with_a_key_is_started_once(world: World, action: str) -> None:
    found = import_file(world, "liste.csv", PEOPLE) if action == "undo" else upload(world, "liste.csv", PEOPLE)
    before = len(jobs(world))
    path = f"{IMPORTS}/{found['id']}/{action}"
    first = world.send("POST", path, headers=KEY)
    work(world)
    again = world.send("POST", path, headers=KEY)
    assert (first.status_code, again.status_code, again.json) == (202, 202, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(jobs(world)) == before + 1


def test_a_start_with_another_confirmation_is_another_request(world: World) -> None:
    import_file(world, "liste.csv", PEOPLE)
    path = f"{IMPORTS}/{upload(world, 'liste.csv', PEOPLE)['id']}/start"
    expect_error(world.send("POST", path, {}, headers=KEY), 409, "conflict")
    assert world.send("POST", path, {"confirm": True}, headers=KEY).status_code == 202
    answer = world.send("POST", path, {"confirm": False}, headers=KEY)
    assert expect_error(answer, 422, "validation_error")["errors"].keys() == {"Idempotency-Key"}
