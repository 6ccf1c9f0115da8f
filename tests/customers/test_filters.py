"""Filters of the list that are not part of the original contract."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from regulars.api.customers.parameters import PARAMETERS
from regulars.customers.fields import FILTERED_COLUMNS
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.tags import create_tag
from regulars.customers.write.storage import TAG_COLUMNS
from regulars.db.tables import customer_tags
from tests.support.schema import connect
from tests.support.world import LIST, NOON, World, expect_error, names

TAGS = "/api/v1/tags"


@pytest.fixture
def world(empty_world: World) -> World:
    """Yield a world with four different customers and one in the trash."""
    made = empty_world
    for number, name in enumerate("ABCD"):
        fields: dict[str, Any] = {"country_id": 792 if number % 2 else 276, "default_channel_id": 1 + number % 2}
        made.add(first_name=name, updated_at=NOON + timedelta(hours=number), **fields)
    made.add(first_name="Trashed", country_id=792, deleted_at=NOON)
    return made


def found(world: World, **asked: object) -> list[str]:
    """Return the names on the page in alphabetical order. Assert that the total equals their number."""
    page = world.get(params={"sort_by": "first_name", **asked})
    assert len(names(page)) == page.json["meta"]["total"]
    return names(page)


def test_the_list_is_filtered_by_what_customers_refer_to(world: World) -> None:
    assert found(world, country_id=792) == ["B", "D"]
    assert found(world, country_id=792, trashed="true") == ["Trashed"]
    assert found(world, country_id=250) == []
    assert found(world, channel_id=1) == ["A", "C"]
    assert found(world, channel_id=1, country_id=276, search="c") == ["C"]
    assert found(world, country_id="276,792", channel_id="2,3") == ["B", "D"]
    assert found(world, channel_id="9,1", search="c") == ["C"]
    assert found(world, channel_id="1,1") == ["A", "C"]


def test_filter_by_time_of_change(world: World) -> None:
    assert found(world, updated_since="2026-05-04T14:00:00Z") == ["C", "D"]
    assert found(world, updated_since="2026-05-04T17:00:00+03:00") == ["C", "D"]
    assert found(world, updated_since="2026-05-04T15:00:01Z") == []
    assert found(world, updated_since="2026-05-04t14:00:00.000z") == ["C", "D"]
    assert found(world, updated_since="2026-05-04T14:00:00.0000001Z") == ["D"]
    # A plus that is not percent-encoded is decoded as a space.
    assert found(world, updated_since="2026-05-04T17:00:00 03:00") == ["C", "D"]


def test_filters_by_time_begin_with_since_and_end_before_until(world: World) -> None:
    assert found(world, updated_until="2026-05-04T14:00:00Z") == ["A", "B"]
    assert found(world, updated_until="2026-05-04T14:00:00.1Z") == ["A", "B", "C"]
    two_hours = {"updated_since": "2026-05-04T13:00:00Z", "updated_until": "2026-05-04T15:00:00Z"}
    assert found(world, **two_hours) == ["B", "C"]
    assert found(world, **dict.fromkeys(two_hours, "2026-05-04T13:00:00Z")) == []
    world.add(first_name="E", created_at=NOON + timedelta(days=1))
    assert found(world, created_since="2026-05-05T00:00:00+03:00") == ["E"]
    assert found(world, created_until="2026-05-05T12:00:00Z", updated_since="2026-05-04T15:00:00Z") == ["D"]
    for name in ("created", "updated"):
        reversed_range = {f"{name}_since": "2026-05-05T00:00:00Z", f"{name}_until": "2026-05-04T23:59:59Z"}
        error = expect_error(world.get(params=reversed_range), 422, "validation_error")
        assert error["errors"] == {f"{name}_since": [f"{name}_since is later than {name}_until."]}


BIRTHDAYS = ("1990-02-28", "1992-02-29", "1990-03-01", "1985-12-20", "2001-12-31", "1960-01-05", "1999-01-06")


def birthdays(world: World, first: str, last: str, **asked: object) -> list[str]:
    return found(world, birthday_from=first, birthday_to=last, **asked)


def test_birthdays_are_days_of_any_year(empty_world: World) -> None:
    for day in BIRTHDAYS:
        empty_world.add(first_name=day[5:], date_of_birth=date.fromisoformat(day))
    empty_world.add(first_name="Unknown")
    empty_world.add(first_name="Trashed", date_of_birth=date(1990, 2, 28), deleted_at=NOON)
    assert birthdays(empty_world, "12-20", "01-05") == ["01-05", "12-20", "12-31"]
    assert birthdays(empty_world, "01-05", "12-20") == ["01-05", "01-06", "02-28", "02-29", "03-01", "12-20"]
    assert birthdays(empty_world, "02-28", "03-01") == ["02-28", "02-29", "03-01"]
    assert birthdays(empty_world, "02-28", "02-28") == ["02-28"]
    assert birthdays(empty_world, "02-29", "02-29") == ["02-29"]
    assert birthdays(empty_world, "01-01", "12-31", search="0", sort_by="date_of_birth") == [
        *("01-05", "12-20", "02-28", "03-01", "02-29", "01-06")
    ]
    assert birthdays(empty_world, "06-01", "05-31", trashed="true") == ["Trashed"]


def test_a_range_of_birthdays_has_two_valid_days(world: World) -> None:
    error = expect_error(world.get(params={"birthday_from": "05-01"}), 422, "validation_error")
    assert error["errors"] == {"birthday_to": ["birthday_to is missing. Give both birthday_from and birthday_to."]}
    assert (
        "birthday_from" in expect_error(world.get(params={"birthday_to": "05-01"}), 422, "validation_error")["errors"]
    )
    for wrong in ("02-30", "04-31", "13-01", "00-10", "1-1", "05-00", "2000-05-01", "0501", "-5-01", "٠٥-٠١"):
        refused = world.get(params={"birthday_from": "05-01", "birthday_to": wrong})
        assert expect_error(refused, 422, "validation_error")["errors"] == {
            "birthday_to": [f'birthday_to must be a month and a day, such as 01-05, not "{wrong}".']
        }


def test_several_assigned_users(empty_world: World) -> None:
    bob, alice = empty_world.bob, empty_world.alice
    for name, user in (("A", bob), ("B", alice), ("C", None)):
        empty_world.add(first_name=name, user_id=user)
    assert found(empty_world, user_ids=f"{bob},{alice}") == ["A", "B"]
    assert found(empty_world, user_ids=bob) == ["A"]
    assert found(empty_world, user_ids=f"{bob},{alice}", user_id=alice) == ["B"]
    assert found(empty_world, user_ids=bob, user_id=alice) == []
    assert (
        "user_id"
        in expect_error(empty_world.get(params={"user_id": f"{bob},{alice}"}), 422, "validation_error")["errors"]
    )


def test_customers_without_a_value(world: World) -> None:
    world.add(first_name="E", country_id=276, gender="female")
    world.add(first_name="F", default_channel_id=1, user_id=world.bob, date_of_birth=date(1990, 5, 1))
    assert found(world, without="channel_id") == ["E"]
    assert found(world, without="country_id") == ["F"]
    assert found(world, without="gender,user_id") == ["A", "B", "C", "D"]
    assert found(world, without="date_of_birth", gender="female") == ["E"]
    assert found(world, without="channel_id", channel_id=1) == []
    assert found(world, without="country_id,channel_id") == []
    error = expect_error(world.get(params={"without": "gender,email"}), 422, "validation_error")
    assert error["errors"]["without"] == [
        "without must be one or more of gender, date_of_birth, user_id, country_id, channel_id, separated by commas,"
        ' not "email".'
    ]


def test_only_these_ids(world: World) -> None:
    ids = {row["first_name"]: row["id"] for row in world.get().json["data"]}
    assert found(world, ids=f"{ids['A']},{ids['C']},99999") == ["A", "C"]
    assert found(world, ids=f"{ids['A']},{ids['C']}", country_id=276, sort_order="desc") == ["C", "A"]


def test_filter_by_tag(world: World) -> None:
    tag = world.send("POST", TAGS, {"name": "VIP", "color": "#000000"}).json["data"]["id"]
    ids = {row["first_name"]: row["id"] for row in world.get().json["data"]}
    for name in "AD":
        world.send("PUT", f"{LIST}/{ids[name]}", {"tags": [tag]})
    assert found(world, tag_id=tag) == ["A", "D"]
    assert found(world, tag_id=tag, country_id=792) == ["D"]
    world.send("DELETE", f"{LIST}/{ids['A']}")
    assert found(world, tag_id=tag) == ["D"]
    assert found(world, tag_id=tag, trashed="true") == ["A"]
    other = world.send("POST", TAGS, {"name": "New", "color": "#000000"}).json["data"]["id"]
    for name in "BD":
        world.send("PUT", f"{LIST}/{ids[name]}", {"tags": [tag, other]})
    assert found(world, tag_id=f"{tag},{other},99999") == ["B", "D"]
    assert found(world, tag_id=f"{tag},{other}", search="b") == ["B"]
    assert found(world, tag_id=f"{tag},{other}", ids=ids["B"]) == ["B"]
    assert found(world, tag_id=f"{other},99999") == ["B", "D"]


def test_a_cursor_is_valid_only_with_its_filters(world: World) -> None:
    first = world.get(params={"limit": 1, "country_id": 792}).json
    assert first["meta"]["total"] == 2
    cursor = first["meta"]["cursor"]
    second = world.get(params={"limit": 1, "country_id": 792, "cursor": cursor}).json
    assert {row["first_name"] for row in first["data"] + second["data"]} == {"B", "D"}
    assert second["meta"]["has_more"] is False
    expect_error(world.get(params={"limit": 1, "country_id": 276, "cursor": cursor}), 422, "validation_error")


def test_a_cursor_takes_the_same_filter_however_it_is_written(world: World) -> None:
    ids = [row["id"] for row in world.get().json["data"]]
    asked = {"limit": 1, "ids": ",".join(map(str, ids)), "updated_since": "2026-05-04T14:00:00Z"}
    first = world.get(params=asked).json
    same = {"ids": ",".join(map(str, [*reversed(ids), ids[0]])), "updated_since": "2026-05-04T17:00:00+03:00"}
    second = world.get(params=asked | same | {"cursor": first["meta"]["cursor"]}).json
    assert {row["first_name"] for row in first["data"] + second["data"]} == {"C", "D"}
    for other in ({"ids": str(ids[0])}, {"updated_since": "2026-05-04T14:00:01Z"}, {"tag_id": 1}, {"channel_id": 1}):
        refused = world.get(params=asked | other | {"cursor": first["meta"]["cursor"]})
        assert "cursor" in expect_error(refused, 422, "validation_error")["errors"]


def test_an_empty_filter_is_as_good_as_none(world: World) -> None:
    empty = "updated_since=&tag_id=&channel_id=%20&country_id=&ids=&without=&birthday_from=&birthday_to=&user_ids="
    assert world.get(query_string=empty).json == world.get().json


def test_another_tenants_customers_are_not_found_by_any_filter(world: World) -> None:
    their_tag = create_tag(world.database, world.salon, "Theirs", "#000000").id
    theirs = world.add(world.salon, id=777777, first_name="Z", country_id=250, default_channel_id=3)
    world.database.load(customer_tags, TAG_COLUMNS, [(world.salon, theirs, their_tag)])
    for asked in (
        {"ids": theirs},
        {"tag_id": their_tag},
        {"tag_id": f"{their_tag},9"},
        {"country_id": 250},
        {"channel_id": 3},
    ):
        assert found(world, **asked) == []
        assert names(world.get(params=asked, user=world.charlie)) == ["Z"]


def test_every_filter_that_breaks_its_rule_is_named(world: World) -> None:
    asked = {
        "updated_since": "yesterday",
        "tag_id": "0",
        "channel_id": "x",
        "country_id": "-1",
        "user_ids": "1;2",
        "created_until": "2026-05-04",
        "birthday_from": "31-12",
        "birthday_to": "12-32",
        "without": "tag_id",
        "ids": "1,,2",
        "include": "everything",
    }
    error = expect_error(world.get(params=asked), 422, "validation_error")
    assert set(error["errors"]) == set(asked)
    many = ",".join(map(str, range(1, 102)))
    assert list(expect_error(world.get(params={"ids": many}), 422, "validation_error")["errors"]) == ["ids"]
    no_times = ("2026-05-04", "2026-05-04T14:00:00", "20260504T140000Z", "2026-W19-1T14:00:00Z", "2026-05-04T14:00Z")
    for local in (*no_times, "2026-02-30T14:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.5Z"):
        expect_error(world.get(params={"updated_since": local}), 422, "validation_error")


BIRTH_DATES = (date(2000, 2, 28), date(2000, 2, 29), date(2000, 3, 1), date(2001, 2, 28), date(2001, 3, 1))


@pytest.mark.parametrize(
    ("today", "age", "expected"),
    [
        (date(2028, 2, 29), 27, BIRTH_DATES[:4]),  # 2001 has no 29 February
        (date(2028, 2, 29), 28, BIRTH_DATES[:2]),
        (date(2027, 2, 28), 27, BIRTH_DATES[:1]),
        (date(2027, 3, 1), 27, BIRTH_DATES[:3]),
    ],
)
def test_ages_around_29_february(empty_world: World, today: date, age: int, expected: tuple[date, ...]) -> None:
    """People born on 29 February are a year older on 1 March of a common year."""
    ids = {day: empty_world.add(date_of_birth=day) for day in BIRTH_DATES}

    def found(min_age: int | None = None, max_age: int | None = None) -> set[int]:
        query = CustomerQuery(min_age=min_age, max_age=max_age)
        page = fetch_page(empty_world.database, empty_world.clinic, query, today)
        return {customer.id for customer in page.customers}

    assert found(min_age=age) == {ids[day] for day in expected}
    assert found(max_age=age - 1) == set(ids.values()) - found(min_age=age)


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.parametrize("column", FILTERED_COLUMNS.values())
def test_every_filter_by_a_field_has_an_index(world: World, column: str) -> None:
    with connect(world.url) as connection:
        names = {str(index["name"]): index["column_names"] for index in inspect(connection).get_indexes("customers")}
    assert names[f"ix_customers_{column}"][:4] == ["tenant_id", column, "created_at", "id"]


@pytest.mark.parametrize("parameter", [parameter.name for parameter in PARAMETERS])
def test_every_parameter_of_the_list_is_in_the_api_guide(parameter: str) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    section = guide[guide.index("## GET /api/v1/customers\n") :]
    assert f"`{parameter}`" in section[: section.index("\n## GET", 1)]
