"""The mapping of columns to fields, and the order of the dates: suggested, changed, and remembered."""

from typing import Any

import pytest

from tests.support.imports import (
    IMPORTS,
    act,
    change,
    counts,
    csv_file,
    get,
    import_file,
    issues,
    upload,
    values,
    work,
)
from tests.support.world import World, expect_error

HEADINGS = ["Ad Soyad", "Cep", "Mail", "Boy", "Kod"]
PEOPLE = csv_file(
    HEADINGS,
    ["Ayşe Yılmaz", "0532 111 22 33", "ayse@example.com", 170, "A-1"],
    ["Can Öz", "0532 111 22 34", "can@example.com", 180, "A-2"],
)


def dates_file(*dates: str) -> bytes:
    return csv_file(["Ad", "Doğum Tarihi"], *(["Ayşe", date] for date in dates))


def births(world: World) -> list[str]:
    return [date[:10] for (date,) in values(world, "date_of_birth")]


def patch(world: World, import_id: str, **settings: Any) -> dict[str, list[str]]:
    """Send settings that must be refused, and return the faults by field."""
    answer = world.send("PATCH", f"{IMPORTS}/{import_id}", settings)
    return dict(expect_error(answer, 422, "validation_error")["errors"])


def test_a_mapping_is_suggested_with_the_reason_and_some_values(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    assert found["mapping"] == ["full_name", "phone_number", "email", None, None]
    columns = found["file"]["columns"]
    assert [column["heading"] for column in columns] == HEADINGS
    assert [column["target"] for column in columns] == found["mapping"]
    assert [column["recognised_by"] for column in columns] == ["heading", "heading", "heading", None, None]
    assert columns[4]["samples"] == ["A-1", "A-2"]
    assert (found["file"]["rows"], found["match_by"], found["on_match"]) == (2, "email", "fill")


def test_a_column_without_a_known_heading_is_recognised_by_its_values(empty_world: World) -> None:
    found = upload(
        empty_world, "liste.csv", csv_file(["Ad", "Xyz"], *[["Ayşe", f"a{number}@example.com"] for number in range(5)])
    )
    assert found["mapping"] == ["full_name", "email"]
    assert found["file"]["columns"][1]["recognised_by"] == "values"


def test_a_changed_mapping_decides_what_is_imported(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    found = change(empty_world, found["id"], mapping=["reversed_name", None, "email", "job", "tags"])
    assert found["mapping"] == ["reversed_name", None, "email", "job", "tags"]
    assert [column["target"] for column in found["file"]["columns"]] == found["mapping"]
    assert counts(act(empty_world, found["id"], "start")["result"]) == {"created": 2}
    assert values(empty_world, "first_name", "last_name", "phone_number", "job", "tags") == [
        ("Yılmaz", "Ayşe", None, "170", ["A-1"]),
        ("Öz", "Can", None, "180", ["A-2"]),
    ]


FAULTS: dict[str, tuple[object, str]] = {
    "unknown": (["shoe_size", None, None, None, None], 'or null, not "shoe_size".'),
    "twice": (["email", None, "email", None, None], 'must have each target only once, but "email" is there twice.'),
    "short": (["email"], "mapping must have 5 items, one for each column, not 1."),
    "long": ([None] * 6, "mapping must have 5 items, one for each column, not 6."),
    "text": ("email", 'must be a list with a target for each column, not "email".'),
    "number": ([1, None, None, None, None], "or null, not 1."),
    "nested": ([["email"], None, None, None, None], "or null, not a list."),
    "endless": ([None] * 301, "must be a list with a target for each column"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_wrong_mapping_is_refused_with_the_fault(empty_world: World, case: str) -> None:
    mapping, sentence = FAULTS[case]
    found = upload(empty_world, "liste.csv", PEOPLE)
    faults = patch(empty_world, found["id"], mapping=mapping)
    assert faults.keys() == {"mapping"}
    assert sentence in faults["mapping"][0]
    assert get(empty_world, found["id"])["mapping"] == found["mapping"]


def test_every_wrong_setting_is_named(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    wrong = {"mapping": ["x"], "date_order": "dym", "match_by": "name", "on_match": "merge", "strict": "yes", "a": 1}
    assert patch(empty_world, found["id"], **wrong).keys() == wrong.keys()


def test_a_mapping_without_a_name_or_a_value_to_match_by_cannot_start(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    path = f"{IMPORTS}/{found['id']}"
    change(empty_world, found["id"], mapping=[None, "phone_number", "email", None, None], match_by="none")
    for action in ("preview", "start"):
        problem = expect_error(empty_world.send("POST", f"{path}/{action}"), 422, "validation_error")
        assert problem["errors"] == {
            "mapping": ["No column is imported as the name of the customer. Choose one in mapping."]
        }
    change(empty_world, found["id"], match_by="identity_number")
    problem = expect_error(empty_world.send("POST", f"{path}/start"), 422, "validation_error")
    assert problem["errors"] == {
        "match_by": ["match_by is identity_number, but no column is imported as identity_number."]
    }


def test_the_field_to_match_by_is_suggested_again_if_its_column_is_not_imported(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    assert found["match_by"] == "email"
    found = change(empty_world, found["id"], mapping=["full_name", "phone_number", None, None, None])
    assert found["match_by"] == "none"
    assert counts(act(empty_world, found["id"], "start")["result"]) == {"created": 2}


def test_null_stands_for_detection(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    mapping = ["full_name", None, "email", "job", None]
    change(empty_world, found["id"], mapping=mapping, match_by="none", on_match="skip", date_order="mdy")
    for name in ("match_by", "on_match", "date_order", "mapping"):
        changed = change(empty_world, found["id"], **{name: None})
        assert (name, changed[name]) == (name, found[name])
    assert change(empty_world, found["id"], strict=None)["strict"] is False


def test_a_mapping_cannot_be_changed_together_with_how_the_file_is_read(empty_world: World) -> None:
    """The columns may be others then, and a mapping that is ignored would surprise."""
    found = upload(empty_world, "liste.csv", PEOPLE)
    faults = patch(empty_world, found["id"], heading_row=2, mapping=[None] * 5)
    assert faults == {
        "mapping": ["mapping cannot be changed together with how the file is read. Change it when the state is ready."]
    }
    found = change(empty_world, found["id"], encoding="utf-8", mapping=None, on_match="skip", match_by="phone_number")
    assert (found["on_match"], found["match_by"]) == ("skip", "phone_number")


def test_the_columns_of_an_unreadable_file_cannot_be_mapped(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", b"")
    assert patch(empty_world, found["id"], mapping=["email"]).keys() == {"mapping"}


def test_an_import_cannot_be_changed_while_it_is_examined_or_after_it_started(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    path = f"{IMPORTS}/{found['id']}"
    assert empty_world.send("PATCH", path, {"encoding": "utf-8"}).json["data"]["state"] == "detecting"
    problem = expect_error(empty_world.send("PATCH", path, {"strict": True}), 409, "conflict")
    assert problem["message"] == f"Import {found['id']} cannot be changed: its state is detecting."
    work(empty_world)
    act(empty_world, found["id"], "start")
    problem = expect_error(empty_world.send("PATCH", path, {"strict": True}), 409, "conflict")
    assert problem["message"] == f"Import {found['id']} cannot be changed: its state is imported."


def test_a_preview_of_other_settings_is_forgotten(empty_world: World) -> None:
    found = act(empty_world, upload(empty_world, "liste.csv", PEOPLE)["id"], "preview")
    assert found["preview"] is not None
    assert change(empty_world, found["id"], on_match="skip")["preview"] is None


def test_settings_are_remembered_for_the_next_file_with_the_same_headings(empty_world: World) -> None:
    mapping = ["full_name", "phone_number", None, "job", None]
    import_file(empty_world, "liste.csv", PEOPLE, mapping=mapping, match_by="phone_number", on_match="overwrite")
    again = csv_file(HEADINGS, ["Eda Kaya", "0532 111 22 35", "eda@example.com", 165, "A-3"])
    found = upload(empty_world, "yeni.csv", again)
    assert (found["mapping"], found["match_by"], found["on_match"]) == (mapping, "phone_number", "overwrite")
    assert [column["recognised_by"] for column in found["file"]["columns"]] == [
        "heading",
        "heading",
        "earlier import",
        "earlier import",
        None,
    ]
    other = upload(empty_world, "yeni.csv", csv_file(HEADINGS[:3], ["Eda Kaya", "0532 111 22 35", "eda@example.com"]))
    assert (other["mapping"], other["match_by"]) == (["full_name", "phone_number", "email"], "email")
    elsewhere = upload(empty_world, "yeni.csv", again, user=empty_world.charlie)
    assert elsewhere["mapping"] == ["full_name", "phone_number", "email", None, None]


def test_a_mapping_that_was_never_imported_is_not_remembered(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    change(empty_world, found["id"], mapping=["full_name", None, None, None, None])
    assert upload(empty_world, "liste.csv", PEOPLE)["mapping"] == found["mapping"]


def test_dates_that_can_be_read_in_two_orders_are_reported(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", dates_file("03.04.1990", "05.06.1991"))
    assert (found["date_order"], found["file"]["dates_are_ambiguous"]) == ("dmy", True)
    found = change(empty_world, found["id"], date_order="mdy")
    assert (found["date_order"], found["file"]["dates_are_ambiguous"]) == ("mdy", False)
    act(empty_world, found["id"], "start")
    assert births(empty_world) == ["1990-03-04", "1991-05-06"]


def test_one_date_decides_the_order_of_all(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", dates_file("03/04/1990", "05/16/1991"))
    assert (found["date_order"], found["file"]["dates_are_ambiguous"]) == ("mdy", False)
    act(empty_world, found["id"], "start")
    assert births(empty_world) == ["1990-03-04", "1991-05-16"]


def test_contradicting_dates_are_shown_and_refused(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", dates_file("31.12.1990", "30.11.1990", "12.31.1991"))
    assert (found["date_order"], found["file"]["contradicting_dates"]) == ("dmy", ["31.12.1990", "12.31.1991"])
    found = act(empty_world, found["id"], "start")
    assert counts(found["result"]) == {"created": 2, "refused": 1}
    assert issues(empty_world, found["id"]) == [
        (4, 'Doğum Tarihi must be a date such as 31.12.1990, not "12.31.1991".')
    ]


def test_another_column_of_dates_has_its_own_order(empty_world: World) -> None:
    content = csv_file(["Ad", "Doğum Tarihi", "Tarih 2"], ["Ayşe", "31.12.1990", "12/31/1991"])
    found = upload(empty_world, "liste.csv", content)
    assert found["date_order"] == "dmy"
    found = change(empty_world, found["id"], mapping=["first_name", None, "date_of_birth"])
    assert found["date_order"] == "mdy"
    act(empty_world, found["id"], "start")
    assert births(empty_world) == ["1991-12-31"]
