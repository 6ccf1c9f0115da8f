"""Imports through the API. Their jobs run in the test, unless a function says otherwise."""

from typing import Any

import httpx

from regulars.job_handlers import HANDLERS
from regulars.jobs.queue import claim_next
from regulars.jobs.worker import run_job
from tests.support.world import World

IMPORTS = "/api/v1/imports"


def send_file(world: World, name: str, content: bytes, **options: Any) -> str:
    """Upload a file as Alice, and return the id of the import."""
    form = httpx.Request("POST", "http://localhost", files={"file": (name, content)})
    headers = {"Content-Type": form.headers["Content-Type"]}
    answer = world.send("POST", IMPORTS, body=form.read(), headers=headers, **options)
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["id"])


def upload(world: World, name: str, content: bytes, **options: Any) -> dict[str, Any]:
    """Upload a file as Alice, let it be examined, and return the import."""
    import_id = send_file(world, name, content, **options)
    work(world)
    return get(world, import_id, **options)


def work(world: World) -> None:
    """Run all jobs that are due."""
    while job := claim_next(world.database):
        run_job(world.database, HANDLERS, job)


def get(world: World, import_id: str, **options: Any) -> dict[str, Any]:
    """Return an import."""
    answer = world.send("GET", f"{IMPORTS}/{import_id}", **options)
    assert answer.status_code == 200, answer.text
    return dict(answer.json["data"])


def change(world: World, import_id: str, **settings: Any) -> dict[str, Any]:
    """Change the settings of an import, let its file be examined, and return the import."""
    answer = world.send("PATCH", f"{IMPORTS}/{import_id}", settings)
    assert answer.status_code == 200, answer.text
    work(world)
    return get(world, import_id)


def act(world: World, import_id: str, action: str, content: object = None, **options: Any) -> dict[str, Any]:
    """Preview, start or undo an import, let the job run, and return the import."""
    answer = world.send("POST", f"{IMPORTS}/{import_id}/{action}", content, **options)
    assert answer.status_code == 202, answer.text
    work(world)
    return get(world, import_id, **options)


def import_file(world: World, name: str, content: bytes, **settings: Any) -> dict[str, Any]:
    """Import a file with one confirmation, and return the import."""
    found = upload(world, name, content)
    assert found["state"] == "ready", found
    if settings:
        change(world, found["id"], **settings)
    found = act(world, found["id"], "start")
    assert found["state"] == "imported", found
    return found
