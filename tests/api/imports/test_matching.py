"""Which customer a row is about, and what happens with it."""

from typing import Any

import pytest

from tests.customers.test_write import make_unique
from tests.support.imports import act, change, counts, csv_file, import_file, issues, upload, values
from tests.support.world import LIST, World

ID_HEADINGS = ["id", "first_name", "last_name", "job"]
KEYS = {
    "email": ("E-posta", "ayse@example.com"),
    "phone_number": ("Telefon", "+905321112233"),
    "identity_number": ("TC Kimlik No", "10000000146"),
}


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def people(key: str, *rows: list[Any]) -> bytes:
    return csv_file([KEYS[key][0], "Ad", "Soyad", "Meslek", "Etiketler"], *rows)


def run(world: World, content: bytes, **settings: Any) -> dict[str, Any]:
    return import_file(world, "liste.csv", content, **settings)


@pytest.mark.parametrize("key", KEYS)
def test_a_customer_is_found_by_a_value(world: World, key: str) -> None:
    value = KEYS[key][1]
    world.create(first_name="Ayşe", **{key: value})
    rows = people(key, [value.upper(), "Ayse", "Yılmaz", "Avukat", ""], ["", "Can", "Öz", "", ""])
    assert counts(run(world, rows, match_by=key)["result"]) == {"created": 1, "updated": 1}
    assert values(world, "first_name", "last_name", "job") == [("Ayşe", "Yılmaz", "Avukat"), ("Can", "Öz", None)]


ON_MATCH = {
    "fill": ({"updated": 1}, [("Ayşe", "Yılmaz", "Doktor")]),
    "overwrite": ({"updated": 1}, [("Ayse", "Yılmaz", "Avukat")]),
    "skip": ({"skipped": 1}, [("Ayşe", None, "Doktor")]),
    "create": ({"created": 1}, [("Ayşe", None, "Doktor"), ("Ayse", "Yılmaz", "Avukat")]),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("on_match", ON_MATCH)
def test_what_happens_with_a_customer_that_was_found(world: World, key: str, on_match: str) -> None:
    value = KEYS[key][1]
    found_id = world.create(first_name="Ayşe", job="Doktor", **{key: value})
    result, expected = ON_MATCH[on_match]
    found = run(world, people(key, [value, "Ayse", "Yılmaz", "Avukat", ""]), match_by=key, on_match=on_match)
    assert counts(found["result"]) == result
    assert values(world, "first_name", "last_name", "job") == expected
    if on_match == "skip":
        reason = f"{KEYS[key][0]} is that of customer {found_id}."
        assert issues(world, found["id"], "skipped") == [(2, reason)]


def test_empty_cells_never_clear_a_field(world: World) -> None:
    world.create(first_name="Ayşe", job="Doktor", email="ayse@example.com")
    rows = people("email", ["ayse@example.com", "Ayşe", "", "", ""])
    assert counts(run(world, rows, match_by="email", on_match="overwrite")["result"]) == {"unchanged": 1}
    assert values(world, "job") == [("Doktor",)]


def test_nothing_is_matched_by_none(world: World) -> None:
    world.create(first_name="Ayşe", email="ayse@example.com")
    rows = people("email", ["ayse@example.com", "Ayşe", "", "", ""])
    assert counts(run(world, rows, match_by="none")["result"]) == {"created": 1}


def test_a_customer_is_found_by_its_id_whatever_else_differs(world: World) -> None:
    found_id = world.create(first_name="Ayşe")
    content = csv_file(ID_HEADINGS, [found_id, "Ayse", "Yılmaz", ""], [found_id + 7, "Can", "Öz", ""])
    found = run(world, content, on_match="overwrite")
    assert (found["match_by"], counts(found["result"])) == ("id", {"created": 1, "updated": 1})
    assert values(world, "id", "first_name") == [(found_id, "Ayse"), (found_id + 7, "Can")]


def test_an_id_of_another_tenant_finds_nothing(world: World) -> None:
    elsewhere = world.add(world.salon, first_name="Geneviève", id=9)
    content = csv_file(ID_HEADINGS, [elsewhere, "Can", "Öz", ""])
    assert counts(run(world, content, on_match="overwrite")["result"]) == {"created": 1}
    assert world.send("GET", f"{LIST}/9", user=world.charlie).json["data"]["first_name"] == "Geneviève"


def test_a_value_of_several_customers_refuses_the_row(world: World) -> None:
    first, second = (world.create(first_name=name, email="aile@example.com") for name in ("Ayşe", "Can"))
    rows = people("email", ["AILE@example.com", "Ayşe", "Yılmaz", "", ""])
    found = run(world, rows, match_by="email")
    assert counts(found["result"]) == {"refused": 1}
    assert issues(world, found["id"]) == [(2, f"E-posta is used by several customers: {first}, {second}.")]
    assert values(world, "last_name") == [(None,), (None,)]


def test_a_customer_in_the_trash_is_not_found_by_its_values(world: World) -> None:
    trashed = world.create(first_name="Ayşe", email="ayse@example.com")
    assert world.send("DELETE", f"{LIST}/{trashed}").status_code == 204
    rows = people("email", ["ayse@example.com", "Ayşe", "", "", ""])
    assert counts(run(world, rows, match_by="email")["result"]) == {"created": 1}


def test_an_id_of_a_customer_in_the_trash_refuses_the_row(world: World) -> None:
    trashed = world.create(first_name="Ayşe")
    assert world.send("DELETE", f"{LIST}/{trashed}").status_code == 204
    found = run(world, csv_file(ID_HEADINGS, [trashed, "Ayşe", "Öz", ""]))
    assert issues(world, found["id"]) == [(2, f"Customer {trashed} is in the trash. Restore it first.")]


def test_an_id_of_a_merged_customer_refuses_the_row(world: World) -> None:
    survivor, other = world.create(first_name="Ayşe"), world.create(first_name="Ayse")
    assert world.send("POST", f"{LIST}/{survivor}/merge", {"customer_id": other}).status_code == 200
    found = run(world, csv_file(ID_HEADINGS, [other, "Ayşe", "Öz", ""]))
    assert counts(found["result"]) == {"refused": 1}
    ((row, reason),) = issues(world, found["id"])
    assert (row, str(survivor) in reason) == (2, True)


def test_unique_values_that_others_have_refuse_the_row(world: World) -> None:
    make_unique(world, "email", "phone_number")
    other = world.create(first_name="Ayşe", email="ayse@example.com", phone_number="0532 111 22 33")
    headings = ["TC Kimlik No", "Ad", "E-posta", "Cep"]
    content = csv_file(headings, ["10000000146", "Can", "AYSE@example.com", "0532 111 22 33"])
    found = run(world, content, match_by="identity_number")
    assert counts(found["result"]) == {"refused": 1}
    assert issues(world, found["id"]) == [
        (2, f"E-posta is already used by customer {other}. Cep is already used by customer {other}.")
    ]


def test_a_tenant_with_unique_phone_numbers_matches_by_them(world: World) -> None:
    make_unique(world, "phone_number")
    world.create(first_name="Ayşe", phone_number="0532 111 22 33")
    found = upload(world, "liste.csv", csv_file(["Ad", "Soyad", "Cep"], ["Ayşe", "Öz", "532 111 2233"]))
    assert found["match_by"] == "phone_number"
    assert counts(act(world, found["id"], "start")["result"]) == {"updated": 1}


DUPLICATES = {
    "fill": ({"created": 1, "updated": 1, "unchanged": 1}, [("Ayşe", "Yılmaz", "Doktor", ["A", "B"])]),
    "overwrite": ({"created": 1, "updated": 2}, [("Eda", "Yılmaz", "Avukat", ["B"])]),
    "skip": ({"created": 1, "skipped": 2}, [("Ayşe", None, "Doktor", ["A"])]),
    "create": (
        {"created": 3},
        [
            ("Ayşe", None, "Doktor", ["A"]),
            ("Ayse", "Yılmaz", None, ["B"]),
            ("Eda", None, "Avukat", []),
        ],
    ),
}


@pytest.mark.parametrize("on_match", DUPLICATES)
def test_rows_of_one_file_with_the_same_value(world: World, on_match: str) -> None:
    content = people(
        "email",
        ["ayse@example.com", "Ayşe", "", "Doktor", "A"],
        ["AYSE@example.com", "Ayse", "Yılmaz", "", "B"],
        ["ayse@example.com", "Eda", "", "Avukat", ""],
    )
    result, expected = DUPLICATES[on_match]
    found = upload(world, "liste.csv", content)
    change(world, found["id"], match_by="email", on_match=on_match)
    found = act(world, found["id"], "preview")
    assert counts(found["preview"]) == result
    found = act(world, found["id"], "start")
    assert counts(found["result"]) == result
    assert values(world, "first_name", "last_name", "job", "tags") == expected


def test_rows_of_one_file_with_the_same_unique_value(world: World) -> None:
    make_unique(world, "phone_number")
    content = csv_file(["E-posta", "Ad", "Cep"], ["a@example.com", "A", "532 1112233"], ["", "B", "0532 111 22 33"])
    found = upload(world, "liste.csv", content)
    change(world, found["id"], match_by="email")
    assert counts(act(world, found["id"], "preview")["preview"]) == {"created": 1, "refused": 1}
    assert issues(world, found["id"]) == [(3, "Cep is already used in row 2.")]
    found = act(world, found["id"], "start")
    assert counts(found["result"]) == {"created": 1, "refused": 1}
    ((number, reason),) = issues(world, found["id"])
    assert number == 3
    assert reason.startswith("Cep is already used by customer ")


TAGS = {"fill": ["Boya", "Eski", "VIP"], "overwrite": ["Boya", "VIP"], "skip": ["Eski"]}


@pytest.mark.parametrize("on_match", TAGS)
def test_tags_are_added_or_replaced(world: World, on_match: str) -> None:
    old = world.send("POST", "/api/v1/tags", {"name": "Eski", "color": "#000000"}).json["data"]["id"]
    world.create(first_name="Ayşe", email="ayse@example.com", tags=[old])
    rows = people("email", ["ayse@example.com", "", "", "", "vip; Boya; VIP"], ["", "Can", "", "", "boya;eski"])
    world.send("POST", "/api/v1/tags", {"name": "VIP", "color": "#000000"})
    run(world, rows, match_by="email", on_match=on_match)
    assert values(world, "tags") == [(TAGS[on_match],), (sorted(["Boya" if on_match != "skip" else "boya", "Eski"]),)]
    tags = world.send("GET", "/api/v1/tags").json["data"]
    assert len(tags) == 3


def test_a_refused_row_creates_no_tags(world: World) -> None:
    make_unique(world, "phone_number")
    world.create(first_name="Ayşe", phone_number="0532 111 22 33")
    content = csv_file(
        ["Ad", "Telefon", "Etiketler"],
        ["Can", "0532 111 22 34", "VIP"],
        ["Eda", "0532 111 22 33", "VIP, Boya, Yeni"],
        ["Efe", "0532 111 22 35", "Yeni"],
    )
    found = change(world, upload(world, "liste.csv", content)["id"], match_by="none")
    assert act(world, found["id"], "preview")["preview"]["new_tags"] == ["VIP", "Yeni"]
    assert counts(act(world, found["id"], "start")["result"]) == {"created": 2, "refused": 1}
    assert [each["name"] for each in world.send("GET", "/api/v1/tags").json["data"]] == ["VIP", "Yeni"]


def test_an_empty_cell_keeps_the_tags(world: World) -> None:
    old = world.send("POST", "/api/v1/tags", {"name": "Eski", "color": "#000000"}).json["data"]["id"]
    world.create(first_name="Ayşe", email="ayse@example.com", tags=[old])
    run(world, people("email", ["ayse@example.com", "Ayse", "", "", ""]), match_by="email", on_match="overwrite")
    assert values(world, "first_name", "tags") == [("Ayse", ["Eski"])]


def test_a_strict_import_imports_all_rows_or_none(world: World) -> None:
    good, bad = ["a@example.com", "A", "", "", "T"], ["nothing", "B", "", "", "T"]
    found = change(world, upload(world, "liste.csv", people("email", good, bad))["id"], strict=True)
    found = act(world, found["id"], "start")
    assert (found["state"], found["job"]["error"]) == ("failed", "Nothing was imported. Refused rows: 1.")
    assert (values(world, "id"), world.send("GET", "/api/v1/tags").json["data"]) == ([], [])
    assert [number for number, _reason in issues(world, found["id"])] == [3]
    found = run(world, people("email", good), strict=True)
    assert counts(found["result"]) == {"created": 1}
