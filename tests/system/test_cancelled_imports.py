"""Imports that are cancelled through the API while a process runs them."""

from collections.abc import Iterator

import pytest

from tests.support.import_checks import (
    check_imported,
    check_known_changed,
    known_customers_of,
    logged_changes,
    new_customers,
)
from tests.support.import_plan import ImportPlan, known_customers
from tests.support.imports import import_file
from tests.support.other_jobs import begin, job_of, prepare, wait_for_import, wait_for_step
from tests.support.server import working
from tests.support.world import World, expect_error

pytestmark = pytest.mark.slow

KNOWN = 200
JOBS = "/api/v1/jobs"


@pytest.fixture
def working_world(empty_world: World) -> Iterator[World]:
    """Yield a world with customers, whose jobs are run by another process."""
    import_file(empty_world, "known.csv", known_customers(KNOWN), match_by="none")
    with working(empty_world):
        yield empty_world


def cancelled_import(world: World, plan: ImportPlan) -> tuple[str, str]:
    """Cancel an import while it runs, and return its id and that of its job."""
    import_id = prepare(world, plan)
    job_id = begin(world, import_id, "start")
    wait_for_step(world, import_id)
    assert world.send("POST", f"{JOBS}/{job_id}/cancel").status_code == 200
    found = wait_for_import(world, import_id)
    assert found["state"] == "cancelled", found
    assert 0 < found["job"]["done"] < found["job"]["total"] == found["file"]["rows"]
    created = len(new_customers(world, plan))
    assert 0 < created < plan.new
    assert logged_changes(world, import_id)["created"] == (created, created)
    return import_id, job_id


def test_a_cancelled_import_that_is_retried_imports_the_rest_once(working_world: World) -> None:
    plan = ImportPlan("retried", "fill", known=KNOWN, new=8_000)
    before = known_customers_of(working_world)
    import_id, job_id = cancelled_import(working_world, plan)
    assert working_world.send("POST", f"{JOBS}/{job_id}/retry").status_code == 200
    check_imported(working_world, plan, wait_for_import(working_world, import_id))
    check_known_changed(plan, before, known_customers_of(working_world))
    assert job_of(working_world, import_id).id == job_id


def test_a_cancelled_import_can_be_undone(working_world: World) -> None:
    plan = ImportPlan("undone", "overwrite", known=KNOWN, new=8_000)
    before = known_customers_of(working_world)
    import_id, job_id = cancelled_import(working_world, plan)
    changes = logged_changes(working_world, import_id)
    begin(working_world, import_id, "undo")
    found = wait_for_import(working_world, import_id)
    assert found["state"] == "undone"
    updated = changes.get("updated", (0, 0))[0]
    assert found["undo"] == {"removed": changes["created"][0], "restored": updated, "kept": 0}
    assert new_customers(working_world, plan) == {}
    assert known_customers_of(working_world) == before
    expect_error(working_world.send("POST", f"{JOBS}/{job_id}/retry"), 409, "conflict")


def test_a_cancelled_undo_that_is_retried_removes_the_rest(working_world: World) -> None:
    plan = ImportPlan("kept", "fill", known=KNOWN, new=8_000)
    before = known_customers_of(working_world)
    import_id = prepare(working_world, plan)
    begin(working_world, import_id, "start")
    check_imported(working_world, plan, wait_for_import(working_world, import_id))
    job_id = begin(working_world, import_id, "undo")
    wait_for_step(working_world, import_id)
    assert working_world.send("POST", f"{JOBS}/{job_id}/cancel").status_code == 200
    assert wait_for_import(working_world, import_id)["state"] == "imported"
    assert 0 < len(new_customers(working_world, plan)) < plan.new
    assert working_world.send("POST", f"{JOBS}/{job_id}/retry").status_code == 200
    found = wait_for_import(working_world, import_id)
    assert found["undo"] == {"removed": plan.new, "restored": KNOWN, "kept": 0}
    assert new_customers(working_world, plan) == {}
    assert known_customers_of(working_world) == before
