"""Schemathesis tests of the running server, generated from its OpenAPI document.

Responses to valid and invalid requests must match the document, and none may have the status 500.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regulars.app import routes
from regulars.scopes import SCOPES
from tests.api.test_exports import export
from tests.support import ROOT
from tests.support.bulk import change
from tests.support.imports import csv_file, import_file, upload
from tests.support.server import running
from tests.support.world import LIST, World

pytestmark = pytest.mark.slow


def prepared_ids(world: World) -> dict[str, Any]:
    """Return, by path, the id of an object whose state the operation needs; and ids for fields that refer to others."""
    kept, duplicate, merged, deleted, trashed = (world.create(first_name="Ayşe") for _number in range(5))
    world.send("POST", f"{LIST}/{kept}/merge", {"customer_id": merged})
    for number in (deleted, trashed):
        world.send("DELETE", f"{LIST}/{number}")
    dismissed = world.send("POST", f"{LIST}/duplicates/dismissals", {"customer_ids": [kept, duplicate]}).json
    ready, started, undone = (csv_file(["Ad"], [name]) for name in ("Ayşe", "Ali", "Can"))
    return {
        "/api/v1/customers/{id}/merge": kept,
        "customer_id": duplicate,
        "customer_ids": [duplicate, kept],
        "/api/v1/customers/duplicates/dismissals/{id}": dismissed["data"]["id"],
        "/api/v1/bulk-changes/{id}/undo": change(world, {"ids": [trashed]}, "restore")["id"],
        "/api/v1/customers/{id}/unmerge": kept,
        "/api/v1/customers/{id}/restore": deleted,
        "/api/v1/exports/{id}/download": export(world)["id"],
        "/api/v1/imports/{id}/preview": upload(world, "ready.csv", ready)["id"],
        "/api/v1/imports/{id}/start": upload(world, "started.csv", started)["id"],
        "/api/v1/imports/{id}/undo": import_file(world, "undone.csv", undone)["id"],
    }


def test_every_answer_is_as_the_document_says(world: World) -> None:
    ids = prepared_ids(world)
    with running(world) as server:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("st"),
                f"--config-file={ROOT}/tests/support/schemathesis.toml",
                "run",
                f"{server.url}/api/openapi.json",
                f"--header=Authorization: Bearer {world.token(world.alice, list(SCOPES))}",
                "--checks=all",
                "--phases=examples,coverage,fuzzing,stateful",
                "--max-examples=25",
                "--seed=1",
                "--no-color",
            ],
            env=os.environ | {"PYTHONPATH": str(ROOT), "FUZZING_IDS": json.dumps(ids)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        answered = {line["route"] for line in server.log_lines if line.get("status") in {200, 201, 202, 204}}
    assert done.returncode == 0, done.stdout
    api = {path: one for path, one in routes(world.settings, world.database) if path.startswith("/api/v")}
    operations = sum(len(getattr(one, "operations")) for one in api.values())  # noqa: B009
    assert f"{operations} selected / {operations} total" in done.stdout
    # An invitation can be resent only after a minute.
    assert api.keys() - answered <= {"/api/v1/invitations/{id}/resend"}
