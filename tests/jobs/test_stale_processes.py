"""A process that was paused until another one took over its job changes nothing when it goes on."""

import pytest

from regulars.customers.imports.store import get_import, start_undo
from regulars.customers.retry import retry
from regulars.errors import Conflict
from regulars.job_handlers import HANDLERS
from regulars.jobs.queue import Job, cancel_job, claim_next
from regulars.jobs.worker import run_job
from regulars.permissions import COMMAND_LINE
from tests.support.imports import IMPORTS, end_claims, get, post_file, work
from tests.support.world import World

EXPORTS = "/api/v1/exports"
FILE = b"Ad,E-posta\nAyse,ayse@example.com\n"


def claimed(world: World) -> Job:
    job = claim_next(world.database)
    assert job is not None
    return job


def test_the_settings_of_an_import_stay_as_the_user_has_changed_them(empty_world: World) -> None:
    rows = b"".join(b"Ayse %d,\n" % number for number in range(1_500))
    import_id = post_file(empty_world, "a.csv", FILE + rows).json["data"]["id"]
    others: list[int] = []

    def overtake(done: int, total: int | None) -> None:
        """Let another process finish the job, and the user change the settings, while this process reads rows."""
        if not others:
            others.append(done)
            end_claims(empty_world)
            work(empty_world)
            empty_world.send("PATCH", f"{IMPORTS}/{import_id}", {"match_by": "none", "on_match": "create"})

    run_job(empty_world.database, HANDLERS, claimed(empty_world), progress=overtake)
    assert others
    found = get(empty_world, import_id)
    assert (found["match_by"], found["on_match"], found["state"]) == ("none", "create", "ready")


def test_the_file_of_an_export_stays_that_of_the_process_that_took_over(empty_world: World) -> None:
    empty_world.create(first_name="Ayşe")
    export_id = empty_world.send("POST", EXPORTS, {}).json["data"]["id"]
    paused = claimed(empty_world)
    end_claims(empty_world)
    work(empty_world)
    empty_world.create(first_name="Zeynep")
    run_job(empty_world.database, HANDLERS, paused)
    answer = empty_world.get(f"{EXPORTS}/{export_id}/download")
    assert "Ayşe" in answer.text
    assert "Zeynep" not in answer.text


def test_an_import_is_not_undone_while_it_is_retried(empty_world: World) -> None:
    import_id = post_file(empty_world, "a.csv", FILE).json["data"]["id"]
    work(empty_world)
    job_id = empty_world.send("POST", f"{IMPORTS}/{import_id}/start").json["data"]["job"]["id"]
    cancel_job(empty_world.database, empty_world.clinic, job_id)
    cancelled = get_import(empty_world.database, empty_world.clinic, import_id)
    retry(empty_world.database, empty_world.clinic, job_id)
    with pytest.raises(Conflict, match="changed by another request"):
        start_undo(empty_world.database, cancelled, COMMAND_LINE)
    work(empty_world)
    assert get(empty_world, import_id)["state"] == "imported"


def test_settings_are_not_changed_while_an_import_runs(empty_world: World) -> None:
    import_id = post_file(empty_world, "a.csv", FILE).json["data"]["id"]
    work(empty_world)
    assert empty_world.send("POST", f"{IMPORTS}/{import_id}/start").status_code == 202
    answer = empty_world.send("PATCH", f"{IMPORTS}/{import_id}", {"on_match": "overwrite"})
    assert answer.status_code == 409
