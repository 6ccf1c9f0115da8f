"""Exports through the API."""

import io
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from regulars.scopes import SCOPES
from tests.support.imports import work
from tests.support.world import World, expect_error

EXPORTS = "/api/v1/exports"


def export(world: World, **content: Any) -> dict[str, Any]:
    """Export customers as Alice, let the job run, and return the export."""
    answer = world.send("POST", EXPORTS, content)
    assert answer.status_code == 201, answer.text
    work(world)
    found: dict[str, Any] = world.get(f"{EXPORTS}/{answer.json['data']['id']}").json["data"]
    assert found["state"] == "completed", found
    return found


def test_a_workbook_of_a_search_with_chosen_columns(empty_world: World) -> None:
    for name in ("İnci", "Ayşe", "inci"):
        empty_world.create(first_name=name, phone_number="0532 111 22 33")
    found = export(empty_world, format="xlsx", columns=["phone_number", "first_name"], filters={"search": "inci"})
    assert (found["customers"], found["columns"]) == (2, ["first_name", "phone_number"])
    answer = empty_world.get(found["download_url"].removeprefix("http://localhost"))
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="customers-')
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert rows[0] == ["first_name", "phone_number"]
    assert sorted(row[0] for row in rows[1:]) == ["inci", "İnci"]


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl", "vcard"])
def test_every_format_can_be_downloaded(empty_world: World, format: str) -> None:
    empty_world.create(first_name="Ayşe")
    found = export(empty_world, format=format)
    answer = empty_world.get(f"{EXPORTS}/{found['id']}/download")
    assert answer.status_code == 200
    assert len(answer.content) == found["size"] > 0
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_filters_are_those_of_the_list(empty_world: World) -> None:
    empty_world.create(first_name="Ayşe", gender="female")
    empty_world.create(first_name="Ali", gender="male", default_channel_id=1, date_of_birth="2000-02-29")
    times = {f"{name}_since": "2026-01-01T00:00:00Z" for name in ("created", "updated")}
    times |= {name.replace("since", "until"): "9999-01-01T00:00:00Z" for name in times}
    birthdays = {"birthday_from": "02-29", "birthday_to": "02-29"}
    lists: dict[str, Any] = {"ids": [1, 2, 3], "channel_id": [1, 2], "without": ["country_id", "user_id"]}
    found = export(empty_world, filters={"gender": "male", "trashed": False, **times, **birthdays, **lists})
    assert found["customers"] == 1
    assert export(empty_world, filters={"channel_id": 1})["customers"] == 1
    assert export(empty_world, filters={"without": ["gender"], "tag_id": None})["customers"] == 0


FAULTS = [
    ({"format": "pdf"}, {"format"}),
    ({"columns": ["first_name", "shoe_size"]}, {"columns"}),
    ({"columns": "first_name"}, {"columns"}),
    ({"filters": {"gender": "x", "page": 1, "min_age": -1}}, {"filters.gender", "filters.page", "filters.min_age"}),
    ({"filters": []}, {"filters"}),
    (
        {"filters": {"search": {"a": 1}, "ids": ["x"], "gender": ["male"], "user_id": "1", "trashed": "true"}},
        {"filters.search", "filters.ids", "filters.gender", "filters.user_id", "filters.trashed"},
    ),
    ({"filters": {"min_age": 40, "max_age": 30, "birthday_to": "05-01"}}, {"filters.min_age", "filters.birthday_from"}),
    ({"filters": {"tag_id": ["x"], "without": "gender"}}, {"filters.tag_id", "filters.without"}),
    ({"filters": {"tag_id": [], "without": []}}, {"filters.tag_id", "filters.without"}),
    ({"filters": {"without": ["email"], "birthday_from": "5-1"}}, {"filters.without", "filters.birthday_from"}),
]


@pytest.mark.parametrize(("content", "faults"), FAULTS, ids=range(len(FAULTS)))
def test_every_fault_of_a_request_is_named(empty_world: World, content: object, faults: set[str]) -> None:
    answer = expect_error(empty_world.send("POST", EXPORTS, content), 422, "validation_error")
    assert answer["errors"].keys() == faults


def test_an_export_without_its_file_says_so(empty_world: World) -> None:
    started = empty_world.send("POST", EXPORTS, {}).json["data"]
    assert started["download_url"] is None
    expect_error(empty_world.get(f"{EXPORTS}/{started['id']}/download"), 409, "conflict")
    expect_error(empty_world.get(f"{EXPORTS}/missing/download"), 404, "not_found")


def test_members_see_their_own_exports_and_admins_see_all(empty_world: World) -> None:
    started = empty_world.send("POST", EXPORTS, {}, user=empty_world.bob).json["data"]
    assert len(empty_world.send("GET", EXPORTS).json["data"]) == 1
    expect_error(
        empty_world.send("GET", f"{EXPORTS}/{started['id']}", user=empty_world.dora, tenant=empty_world.clinic),
        404,
        "not_found",
    )
    expect_error(empty_world.send("GET", f"{EXPORTS}/{started['id']}", user=empty_world.charlie), 404, "not_found")
    token = empty_world.token(empty_world.alice, [scope for scope in SCOPES if scope != "customers:read"])
    headers = {"Authorization": f"Bearer {token}"}
    expect_error(empty_world.client.simulate_get(EXPORTS, headers=headers), 403, "insufficient_scope")
