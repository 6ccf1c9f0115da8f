"""Previews: what an import would do."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.customers.test_write import make_unique
from tests.support.imports import act, change, counts, csv_file, issues, upload, written
from tests.support.world import World

HEADINGS = ["E-posta", "Ad", "Soyad", "Cep", "Doğum Tarihi", "Etiketler"]
ROWS = [
    ["ayse@example.com", "Ayşe", "Yılmaz", "0532 111 22 33", "25.11.1953", "VIP, Boya"],
    ["AYSE@example.com", "Ayşe", "Öz", "0532 111 22 34", "", "VIP"],
    ["can@example.com", "Can", "", "0532 111 22 33; 0533 1112233", "03.12.1985", ""],
    ["eda", "Eda", "", "", "31.02.1990", ""],
    ["efe", "Efe", "", "", "1.1.85", ""],
]


def preview(world: World, *rows: list[Any], **chosen: Any) -> dict[str, Any]:
    """Preview a file, and return the import."""
    found = upload(world, "liste.csv", csv_file(HEADINGS, *rows))
    if chosen:
        change(world, found["id"], **chosen)
    return act(world, found["id"], "preview")


def test_a_preview_shows_rows_as_they_would_be_stored_and_writes_nothing(empty_world: World) -> None:
    empty_world.create(first_name="Canan", email="can@example.com")
    before = written(empty_world)
    found = preview(empty_world, *ROWS)
    shown = found["preview"]
    assert (found["state"], counts(shown)) == ("ready", {"created": 1, "updated": 1, "unchanged": 1, "refused": 2})
    assert found["job"]["result"] == {"created": 1, "updated": 1, "unchanged": 1, "skipped": 0, "refused": 2}
    assert [(row["row"], row["action"], row["customer_id"]) for row in shown["rows"]] == [
        (2, "created", None),
        (3, "unchanged", None),
        (4, "updated", 1),
        (5, "refused", None),
        (6, "refused", None),
    ]
    assert shown["rows"][0]["values"] == {
        "email": "ayse@example.com",
        "first_name": "Ayşe",
        "last_name": "Yılmaz",
        "phone_number": "+905321112233",
        "phone_number_as_typed": "0532 111 22 33",
        "date_of_birth": "1953-11-25",
    }
    assert shown["rows"][0]["tags"] == ["VIP", "Boya"]
    assert shown["new_tags"] == ["VIP", "Boya"]
    assert [error["heading"] for error in shown["rows"][3]["errors"]] == ["E-posta", "Doğum Tarihi"]
    assert (shown["duplicates_in_file"], shown["existing_values"]) == (
        {"email": 1, "phone_number": 1},
        {"email": 1},
    )
    assert written(empty_world) == before
    assert found["result"] is None


def test_a_preview_names_countries_and_users(empty_world: World) -> None:
    content = csv_file(["Ad", "Ülke", "Danışman"], ["Ayşe", "türkiye", "alice@example.com"], ["Can", "", ""])
    found = upload(empty_world, "liste.csv", content)
    change(empty_world, found["id"], mapping=["first_name", "country_name", "user_email"])
    found = act(empty_world, found["id"], "preview")
    first, second = (row["values"] for row in found["preview"]["rows"])
    act(empty_world, found["id"], "start")
    stored = empty_world.get(params={"sort_by": "first_name"}).json["data"][0]
    assert {name: first[name] for name in ("country_name", "related_user")} == {
        name: stored[name] for name in ("country_name", "related_user")
    }
    assert (first["country_name"], "country_name" in second, "related_user" in second) == ("Türkiye", False, False)


def test_reasons_are_counted_with_the_numbers_of_their_rows(empty_world: World) -> None:
    found = preview(empty_world, *ROWS)
    reasons = [(each["kind"], each["heading"], each["count"], each["rows"]) for each in found["preview"]["reasons"]]
    assert reasons == [
        ("warning", "Cep", 1, [4]),
        ("refused", "E-posta", 2, [5, 6]),
        ("refused", "Doğum Tarihi", 1, [5]),
    ]
    assert found["preview"]["reasons"][0]["example"] == ('Cep has several values. Only "0532 111 22 33" is imported.')
    assert [row for row, _reason in issues(empty_world, found["id"])] == [5, 6]


def test_rows_that_would_collide_name_the_earlier_row(empty_world: World) -> None:
    make_unique(empty_world, "phone_number")
    other = empty_world.create(first_name="Eda", phone_number="0532 111 22 35")
    rows = [
        ["a@example.com", "A", "", "0532 111 22 33", "", ""],
        ["b@example.com", "B", "", "0532 111 22 33", "", ""],
        ["a@example.com", "C", "", "0532 111 22 35", "", ""],
        ["d@example.com", "D", "", "0532 111 22 35", "", ""],
    ]
    found = preview(empty_world, *rows, match_by="email", on_match="overwrite")
    assert issues(empty_world, found["id"]) == [
        (3, "Cep is already used in row 2."),
        (4, f"Cep is already used by customer {other}."),
        (5, f"Cep is already used by customer {other}."),
    ]
    found = preview(empty_world, *rows, match_by="email", on_match="skip")
    assert issues(empty_world, found["id"], "skipped") == [(4, "E-posta is already used in row 2.")]


def test_only_the_first_rows_are_shown_but_all_are_counted(empty_world: World) -> None:
    rows = [[f"p{number % 1_500}@example.com", "P", "", "", "", ""] for number in range(2_000)]
    shown = preview(empty_world, *rows)["preview"]
    assert [row["row"] for row in shown["rows"]] == list(range(2, 22))
    assert counts(shown) == {"created": 1_500, "unchanged": 500}
    assert shown["duplicates_in_file"] == {"email": 500}


def test_a_preview_can_be_repeated(empty_world: World) -> None:
    found = preview(empty_world, *ROWS)
    again = act(empty_world, found["id"], "preview")
    assert again["preview"] == found["preview"]


few = st.sampled_from
row = st.tuples(
    few(["", "a@x.org", "A@x.org", "b@x.org", "c@x.org", "no"]),
    few(["", "A", "B"]),
    few(["", "Y", "Z"]),
    few(["", "0532 111 22 33", "+90 532 1112233", "0532 111 22 34", "12"]),
    few(["", "25.11.1953", "31.02.1990"]),
    few(["", "VIP", "vip, Boya"]),
)


@pytest.mark.parametrize("kind", DATABASE_KINDS)
@settings(max_examples=12)
@given(
    rows=st.lists(row, min_size=1, max_size=25),
    existing=st.lists(st.tuples(few([None, "a@x.org", "b@x.org"]), few([None, "0532 111 22 33"])), max_size=3),
    unique=few([(), ("phone_number",), ("email", "phone_number")]),
    match_by=few(["none", "email", "phone_number"]),
    on_match=few(["fill", "overwrite", "skip", "create"]),
    distance=few([0, 700]),
)
def test_a_preview_counts_what_the_import_does(
    fresh_database: FreshDatabase,
    kind: str,
    rows: list[tuple[str, ...]],
    existing: list[tuple[str | None, str | None]],
    unique: tuple[str, ...],
    match_by: str,
    on_match: str,
    distance: int,
) -> None:
    """`distance` puts rows between the first and the second half, so that they are in different batches."""
    with World.on(fresh_database(kind)) as world:
        for email, phone_number in existing:
            world.send("POST", "/api/v1/customers", {"first_name": "E", "email": email, "phone_number": phone_number})
        answer = world.send("PATCH", f"/api/v1/tenants/{world.clinic}", {"unique_fields": list(unique)})
        assert answer.status_code in (200, 409), answer.text
        half = len(rows) // 2
        between = [(f"p{number}@x.org", "P", "", "", "", "") for number in range(distance)]
        found = upload(world, "liste.csv", csv_file(HEADINGS, *rows[:half], *between, *rows[half:]))
        mapping = ["email", "first_name", "last_name", "phone_number", "date_of_birth", "tags"]
        change(world, found["id"], mapping=mapping, match_by=match_by, on_match=on_match)
        before = written(world)
        found = act(world, found["id"], "preview")
        assert written(world) == before
        previewed = [row for row, _reason in issues(world, found["id"])]
        found = act(world, found["id"], "start")
        assert counts(found["preview"]) == counts(found["result"])
        assert previewed == [row for row, _reason in issues(world, found["id"])]
        tags = {tag["name"] for tag in world.send("GET", "/api/v1/tags").json["data"]}
        assert set(found["preview"]["new_tags"]) == tags
