"""A file that is imported twice."""

from typing import Any

import pytest

from tests.support.imports import IMPORTS, act, counts, csv_file, import_file, upload, values
from tests.support.world import World, expect_error

PEOPLE = csv_file(["Ad Soyad", "Telefon"], ["Ayşe Yılmaz", "0532 111 22 33"])


def start(world: World, import_id: str, content: object = None, **options: Any) -> Any:
    return world.send("POST", f"{IMPORTS}/{import_id}/start", content, **options)


def test_the_same_file_must_be_confirmed(empty_world: World) -> None:
    first = import_file(empty_world, "liste.csv", PEOPLE)
    again = upload(empty_world, "kopya.csv", PEOPLE)
    problem = expect_error(start(empty_world, again["id"]), 409, "conflict")
    sentence = f"The same file was imported before as liste.csv (import {first['id']}). Confirm that it is to be"
    assert problem["message"].startswith(sentence)
    assert problem["errors"].keys() == {"confirm"}
    expect_error(start(empty_world, again["id"], {"confirm": False}), 409, "conflict")
    assert len(values(empty_world, "id")) == 1
    again = act(empty_world, again["id"], "start", {"confirm": True})
    assert (again["state"], counts(again["result"])) == ("imported", {"created": 1})


def test_a_file_that_was_undone_can_be_imported_again(empty_world: World) -> None:
    first = import_file(empty_world, "liste.csv", PEOPLE)
    act(empty_world, first["id"], "undo")
    assert import_file(empty_world, "liste.csv", PEOPLE)["state"] == "imported"


def test_a_file_that_was_only_uploaded_or_has_failed_counts_as_new(empty_world: World) -> None:
    upload(empty_world, "liste.csv", PEOPLE)
    content = csv_file(["Ad", "E-posta"], ["Ayşe", "nobody"])
    failing = upload(empty_world, "liste.csv", content)
    empty_world.send("PATCH", f"{IMPORTS}/{failing['id']}", {"strict": True})
    assert act(empty_world, failing["id"], "start")["state"] == "failed"
    import_file(empty_world, "liste.csv", PEOPLE)
    import_file(empty_world, "liste.csv", content)


def test_the_same_file_of_another_tenant_does_not_count(empty_world: World) -> None:
    import_file(empty_world, "liste.csv", PEOPLE)
    found = upload(empty_world, "liste.csv", PEOPLE, user=empty_world.charlie)
    found = act(empty_world, found["id"], "start", user=empty_world.charlie)
    assert found["state"] == "imported"


@pytest.mark.parametrize("content", [{"confirm": "yes"}, {"confirmed": True}, []])
def test_a_wrong_confirmation_is_refused(empty_world: World, content: object) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    assert start(empty_world, found["id"], content).status_code in (400, 422)
    assert start(empty_world, found["id"], {}).status_code == 202
