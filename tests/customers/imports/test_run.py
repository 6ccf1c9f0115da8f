"""The job of an import: what ends it, what lets it wait, and what others change meanwhile."""

import resource
from typing import Any

import pytest
from sqlalchemy import text

from regulars.customers.imports.apply import Applier, ReadRow
from regulars.customers.imports.rows import Row
from regulars.customers.imports.settings import ImportSettings
from regulars.customers.write.change_set import open_change_set
from regulars.db.statement import Statement
from regulars.job_handlers import HANDLERS
from regulars.jobs.queue import cancel_job, claim_next, get_job
from regulars.jobs.worker import run_job
from regulars.permissions import COMMAND_LINE
from tests.customers.test_write import TAGS, total
from tests.support.imports import act, change, get, import_file, upload, work
from tests.support.other_jobs import begin
from tests.support.world import LIST, World

MATCHED = "Ad;E-posta\nAyşe;ayse@example.com\nMehmet;mehmet@example.com\n".encode()


def test_a_strict_import_may_skip_rows(empty_world: World) -> None:
    empty_world.create(email="ayse@example.com")
    found = import_file(empty_world, "matched.csv", MATCHED, match_by="email", on_match="skip", strict=True)
    assert (found["result"]["created"], found["result"]["skipped"]) == (1, 1)


def started(world: World, content: bytes, **settings: Any) -> tuple[str, str]:
    """Return the ids of an import and of its job, which has not run yet."""
    found = upload(world, "file.csv", content)
    if settings:
        change(world, found["id"], **settings)
    return str(found["id"]), begin(world, found["id"], "start")


def run_next(world: World) -> None:
    """Run the next job once."""
    job = claim_next(world.database)
    assert job is not None
    run_job(world.database, HANDLERS, job)


def test_an_import_waits_while_the_folder_for_temporary_files_is_full(empty_world: World) -> None:
    import_id, job_id = started(empty_world, b"Ad\n" + b"Ay\n" * 3_000)
    if empty_world.database.dialect == "sqlite":
        pytest.skip("the limit would also concern the database")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        run_next(empty_world)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    job = get_job(empty_world.database, empty_world.clinic, job_id)
    assert (job.state, job.error) == ("queued", "The disk for temporary files failed: File too large.")
    make_due(empty_world)
    work(empty_world)
    assert get(empty_world, import_id)["result"]["created"] == 3_000


MAKE_DUE = Statement(text("UPDATE jobs SET due_at = created_at WHERE state = 'queued'"))


def make_due(world: World) -> None:
    """Let the delay of all jobs end now."""
    world.database.execute(MAKE_DUE)


def test_a_strict_import_waits_while_the_database_fails(empty_world: World) -> None:
    tagged = "".join(f"Ayşe;{number:0>50}\n" for number in range(3_000))
    import_id, job_id = started(empty_world, f"Ad;Etiketler\n{tagged}".encode(), strict=True)
    execute(empty_world, *FAILURE_OF_TAGS[empty_world.database.dialect])
    run_next(empty_world)
    execute(empty_world, *END_OF_FAILURE[empty_world.database.dialect])
    job = get_job(empty_world.database, empty_world.clinic, job_id)
    assert job.state == "queued"
    assert job.error is not None
    assert job.error.startswith("The database ")
    make_due(empty_world)
    work(empty_world)
    assert get(empty_world, import_id)["result"]["created"] == 3_000


FAILURE_OF_TAGS = {
    # The database cannot grow.
    "sqlite": ("PRAGMA max_page_count = 1",),
    "postgresql": (
        "CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NEW; END $$",
        "CREATE TRIGGER ends_session BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION end_session()",
    ),
}
END_OF_FAILURE = {"sqlite": ("PRAGMA max_page_count = 1000000",), "postgresql": ("DROP TRIGGER ends_session ON tags",)}


def execute(world: World, *commands: str) -> None:
    """Execute statements in the database of a world."""
    for command in commands:
        world.database.execute(Statement(text(command)))


def test_an_import_that_is_cancelled_after_its_last_row_ends(empty_world: World) -> None:
    import_id, job_id = started(empty_world, MATCHED)
    job = claim_next(empty_world.database)
    assert job is not None

    def cancel(done: int, total: int | None) -> None:
        if done == 2:
            cancel_job(empty_world.database, empty_world.clinic, job_id)

    run_job(empty_world.database, HANDLERS, job, progress=cancel)
    assert get_job(empty_world.database, empty_world.clinic, job_id).cancelled_at is not None
    found = get(empty_world, import_id)
    assert (found["state"], found["result"]["created"]) == ("imported", 2)


def test_tags_that_others_create_or_delete_during_an_import(empty_world: World) -> None:
    applier = Applier(empty_world.database, empty_world.clinic, ImportSettings(), {})
    apply(empty_world, applier, "Ayşe", ["VIP"])
    empty_world.send("DELETE", f"{TAGS}/1")
    empty_world.send("POST", TAGS, {"name": "Boya", "color": "#000000"})
    apply(empty_world, applier, "Mehmet", ["vip", "boya"])
    everyone = empty_world.get(params={"include": "tags"}).json["data"]
    assert [[tag["name"] for tag in customer["tags"]] for customer in everyone] == [["Boya", "vip"], []]


def apply(world: World, applier: Applier, name: str, tags: list[str]) -> None:
    """Create a customer in a transaction of its own, as an import does."""
    rows = [ReadRow(1, [], Row({"first_name": name}, tags))]
    with open_change_set(world.database, world.clinic, COMMAND_LINE) as changes:
        applier.preload(changes, rows)
        assert applier.apply(changes, rows[0]).action == "created"


def test_an_import_that_failed_and_is_retried_can_be_undone(empty_world: World) -> None:
    known = empty_world.create(first_name="Mehmet", email="mehmet@example.com")
    rows = [f"Ayşe {number};;" for number in range(500)]
    content = "\n".join(["Ad;E-posta;Meslek", "Mehmet;mehmet@example.com;Doktor", *rows, ""]).encode()
    import_id, job_id = started(empty_world, content, match_by="email", on_match="fill")
    execute(empty_world, *REFUSAL_OF_A_CUSTOMER[empty_world.database.dialect])
    work(empty_world)
    assert (get(empty_world, import_id)["state"], total(empty_world)) == ("failed", 1)
    execute(empty_world, *END_OF_REFUSAL[empty_world.database.dialect])
    empty_world.send("PATCH", f"{LIST}/{known}", {"address": "Bağdat Caddesi 1"})
    assert empty_world.send("POST", f"/api/v1/jobs/{job_id}/retry").status_code == 200
    work(empty_world)
    assert (get(empty_world, import_id)["state"], total(empty_world)) == ("imported", 501)
    assert act(empty_world, import_id, "undo")["undo"] == {"removed": 500, "restored": 1, "kept": 0}


REFUSAL_OF_A_CUSTOMER = {
    "sqlite": (
        "CREATE TRIGGER refuses BEFORE INSERT ON customers WHEN NEW.first_name = 'Ayşe' AND NEW.last_name = '400'"
        " BEGIN SELECT RAISE(ABORT, 'refused'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
        "CREATE TRIGGER refuses BEFORE INSERT ON customers FOR EACH ROW WHEN (NEW.last_name = '400')"
        " EXECUTE FUNCTION refuse()",
    ),
}
END_OF_REFUSAL = {"sqlite": ("DROP TRIGGER refuses",), "postgresql": ("DROP TRIGGER refuses ON customers",)}
