"""Imports through the API. Their jobs run in the test, unless a function says otherwise."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import xlsxwriter
from falcon.testing import Result
from sqlalchemy import bindparam, update

from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import jobs
from regulars.job_handlers import HANDLERS
from regulars.jobs.queue import claim_next
from regulars.jobs.worker import run_job
from tests.support.world import LIST, World

IMPORTS = "/api/v1/imports"
TURKISH = {"Accept-Language": "tr"}
END_CLAIMS = Statement(update(jobs).where(jobs.c.state == "running").values(due_at=bindparam("earlier")))

Rows = Sequence[Sequence[Any]]


def csv_file(*rows: Sequence[Any], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """Return a CSV file with these rows."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_file(sheets: Mapping[str, Rows]) -> bytes:
    """Return a workbook with these sheets."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "dd.mm.yyyy"}) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return file.getvalue()


def post_file(
    world: World, name: str, content: bytes, *, headers: Mapping[str, str] | None = None, **options: Any
) -> Result:
    """Send a file as Alice, and return the response."""
    form = httpx.Request("POST", "http://localhost", files={"file": (name, content)})
    types = {"Content-Type": form.headers["Content-Type"]}
    return world.send("POST", IMPORTS, body=form.read(), headers=types | dict(headers or {}), **options)


def send_file(world: World, name: str, content: bytes, **options: Any) -> str:
    """Upload a file as Alice, and return the id of the import."""
    answer = post_file(world, name, content, **options)
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


def end_claims(world: World) -> None:
    """Let the claims of running jobs end, as if their processes had not renewed them."""
    world.database.execute(END_CLAIMS, {"earlier": utc_now() - timedelta(minutes=1)})


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


def customers(world: World, **params: Any) -> list[dict[str, Any]]:
    """Return up to 100 customers of the clinic with their tags, by id."""
    answer = world.send("GET", LIST, params={"limit": 100, "include": "tags", **params})
    assert answer.status_code == 200, answer.text
    return sorted(answer.json["data"], key=lambda customer: int(customer["id"]))


def values(world: World, *fields: str) -> list[tuple[Any, ...]]:
    """Return fields of the customers of the clinic, by id. `tags` are their names."""
    return [
        tuple(sorted(tag["name"] for tag in each["tags"]) if name == "tags" else each[name] for name in fields)
        for each in customers(world)
    ]


def counts(found: Mapping[str, Any]) -> dict[str, int]:
    """Return those counts of rows, in a preview or a result, that are not zero."""
    names = ("created", "updated", "unchanged", "skipped", "refused")
    return {name: found[name] for name in names if found[name]}


def issues(world: World, import_id: str, kind: str = "refused", **options: Any) -> list[tuple[int, str]]:
    """Return the number of the row, or the id of the customer, and the reasons of each issue."""
    params = {"kind": kind, **options.pop("params", {})}
    answer = world.send("GET", f"{IMPORTS}/{import_id}/issues", params=params, **options)
    assert answer.status_code == 200, answer.text
    return [
        (issue["row"] or issue["customer_id"], " ".join(reason["message"] for reason in issue["reasons"]))
        for issue in answer.json["data"]
    ]


def written(world: World) -> tuple[int, int, int]:
    """Return the numbers of customers, of tags and of changes of the clinic."""
    tags = world.send("GET", "/api/v1/tags").json["data"]
    changes = world.send("GET", f"{LIST}/changes", params={"limit": 1000}).json["data"]
    return len(customers(world)), len(tags), len(changes)
