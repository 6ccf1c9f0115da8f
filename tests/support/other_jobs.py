"""Imports through the API whose jobs run in other processes, and the jobs in the database."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

from regulars.clock import utc_now
from regulars.customers.imports.store import get_import
from regulars.db.statement import Statement
from regulars.db.tables import jobs
from regulars.jobs.queue import Job
from tests.support.import_plan import ImportPlan
from tests.support.imports import IMPORTS, get, send_file
from tests.support.world import World

takes_long = pytest.mark.skipif("JOB_KILLS" not in os.environ, reason="takes half a minute or more; set JOB_KILLS")
"""Marks tests that wait for claims to end, and that other tests cover more quickly."""

TIMEOUT_SECONDS = 120
LOOK_SECONDS = 0.03

LIST_RUNNING = Statement(
    select(jobs.c.id, jobs.c.kind, jobs.c.claim, jobs.c.done)
    .where(jobs.c.state == "running", jobs.c.due_at > bindparam("now", type_=jobs.c.due_at.type))
    .order_by(jobs.c.id)
)
END_CLAIMS = Statement(
    update(jobs)
    .where(jobs.c.state == "running", jobs.c.due_at <= bindparam("renewed", type_=jobs.c.due_at.type))
    .values(due_at=bindparam("now"))
)


def wait_until(is_so: Callable[[], object], seconds: float = TIMEOUT_SECONDS) -> None:
    """Wait until a function returns something true. Fail if it takes too long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"It took more than {seconds} seconds."
        time.sleep(LOOK_SECONDS)


def end_claims(world: World) -> None:
    """Let the claims of all running jobs end now, as the passing of time does. Nobody must work on them."""
    now = utc_now()
    world.database.execute(END_CLAIMS, {"now": now - timedelta(seconds=1), "renewed": now + timedelta(hours=1)})


def running_jobs(world: World) -> list[tuple[Any, ...]]:
    """Return the jobs that are claimed: id, kind, claim and number of done steps of each."""
    return world.database.fetch_all(LIST_RUNNING, {"now": utc_now()})


def job_of(world: World, import_id: str, tenant_id: int | None = None) -> Job:
    """Return the last job of an import."""
    return get_import(world.database, tenant_id or world.clinic, import_id).job


def wait_for_import(
    world: World, import_id: str, tenant_id: int | None = None, *, seconds: float = TIMEOUT_SECONDS, **options: Any
) -> dict[str, Any]:
    """Wait until the last job of an import has ended, and return the import. Fail if it takes more than `seconds`."""
    wait_until(lambda: not job_of(world, import_id, tenant_id).is_active, seconds)
    return get(world, import_id, **options)


def prepare(world: World, plan: ImportPlan, tenant_id: int | None = None, **options: Any) -> str:
    """Upload the file of a plan, wait until it has been examined, choose the settings, and return the import's id."""
    import_id = send_file(world, f"{plan.name}.csv", plan.content, **options)
    found = wait_for_import(world, import_id, tenant_id, **options)
    assert found["state"] == "ready", found
    settings = {"match_by": "email", "on_match": plan.on_match}
    answer = world.send("PATCH", f"{IMPORTS}/{import_id}", settings, **options)
    assert answer.status_code == 200, answer.text
    return import_id


def begin(world: World, import_id: str, action: str, **options: Any) -> str:
    """Start or undo an import, and return the id of the job."""
    answer = world.send("POST", f"{IMPORTS}/{import_id}/{action}", **options)
    assert answer.status_code == 202, answer.text
    return str(answer.json["data"]["job"]["id"])


def wait_for_step(world: World, import_id: str, at_least: int = 1) -> None:
    """Wait until the running job of an import has done some steps."""
    wait_until(lambda: job_of(world, import_id).done >= at_least)
