"""Proposed duplicates: pairs of customers that may be one person, most likely first."""

from datetime import date
from typing import Any

import pytest

from tests.support.world import LIST, NOON, World, expect_error

DUPLICATES = f"{LIST}/duplicates"


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def proposed(world: World, **options: Any) -> dict[tuple[int, ...], list[str]]:
    """Return the reasons of each pair, in the order of the response."""
    answer = world.get(DUPLICATES, **options)
    assert answer.status_code == 200, answer.text
    pairs = answer.json["data"]
    scores = [pair["score"] for pair in pairs]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)
    return {tuple(customer["id"] for customer in pair["customers"]): pair["reasons"] for pair in pairs}


def test_customers_with_equal_unique_values_are_duplicates(world: World) -> None:
    phone: dict[str, Any] = {"phone_number": "+905321112233"}
    email: dict[str, Any] = {"email": "A@example.com"}
    number: dict[str, Any] = {"identity_number": "X1"}
    first = world.add(first_name="A", **phone, **email)
    second = world.add(first_name="B", **phone)
    third = world.add(first_name="C", email="a@example.com", **number)
    fourth = world.add(first_name="D", **number)
    world.add(first_name="Trashed", **phone, deleted_at=NOON)
    world.add(world.salon, first_name="Elsewhere", **phone)
    assert proposed(world) == {
        (third, fourth): ["identity_number"],
        (first, third): ["email"],
        (first, second): ["phone_number"],
    }
    both = world.add(first_name="E", **phone, **number)
    found = proposed(world)
    assert found[third, both] == ["identity_number"]
    assert len(found) == 7
    assert len(proposed(world, params={"limit": 2})) == 2
    world.send("POST", f"{LIST}/{third}/merge", {"customer_id": fourth})
    assert (third, fourth) not in proposed(world)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (("Ayşe", "Yılmaz"), ("AYSE", "Yilmaz"), True),
        (("Ayşe", "Yılmaz"), ("Yılmaz", "Ayşe"), True),
        (("Mehmet", "Karahan"), ("Mehmet", "Karahanlı"), True),
        (("Mehmet", "Karahan"), ("Mehmed", "Karahan"), True),
        (("Mehmet", None), ("Mehmet", None), True),
        (("Mehmet", "Karahan"), ("Mehmet", "Karataş"), False),
        (("Mehmet", "Kaya"), ("Ali", "Kaya"), False),
    ],
)
def test_nearly_the_same_name_and_the_same_day_of_birth(
    world: World, one: tuple[str, str | None], other: tuple[str, str | None], alike: bool
) -> None:
    born = date(1990, 5, 1)
    ids = [world.add(first_name=first, last_name=last, date_of_birth=born) for first, last in (one, other)]
    world.add(first_name=one[0], last_name=one[1], date_of_birth=date(1991, 5, 1))
    world.add(first_name=one[0], last_name=one[1])
    assert proposed(world) == ({tuple(ids): ["name_and_date_of_birth"]} if alike else {})


def test_what_very_many_share_says_nothing(world: World) -> None:
    for number in range(11):
        world.add(first_name=f"Person {number}", phone_number="+902121112233")
    assert proposed(world) == {}


def test_a_widely_shared_value_hides_no_duplicates(world: World) -> None:
    for number in range(11):
        world.add(first_name=f"Person {number}", phone_number="+902121112233")
    pair = tuple(world.add(first_name=name, phone_number="+905321112233") for name in "AB")
    assert proposed(world, params={"limit": 1}) == {pair: ["phone_number"]}


def test_names_with_the_same_start_hide_no_duplicates(world: World) -> None:
    for day in range(1, 6):
        for last_name in ("Karahan", "Karataş"):
            world.add(first_name="Mehmet", last_name=last_name, date_of_birth=date(1950, 1, day))
    born = date(1990, 5, 1)
    pair = tuple(world.add(first_name="Mehmet", last_name="Karahan", date_of_birth=born) for _ in range(2))
    assert proposed(world, params={"limit": 1}) == {pair: ["name_and_date_of_birth"]}


def test_a_pair_has_all_its_reasons_by_whichever_it_was_found(world: World) -> None:
    born = date(1990, 5, 1)
    for number in range(3):
        world.add(first_name="A", email=f"a{number}@example.com", phone_number=f"+90532111220{number}")
        world.add(first_name="B", email=f"A{number}@example.com")
        world.add(first_name="C", phone_number=f"+90532111220{number}")
    everything: dict[str, Any] = {"last_name": "Yılmaz", "phone_number": "+905321112233", "email": "z@example.com"}
    number_and_birth: dict[str, Any] = {"identity_number": "X1", "date_of_birth": born}
    pair = tuple(world.add(first_name=name, **everything, **number_and_birth) for name in ("Ayşe", "AYSE"))
    found = proposed(world, params={"limit": 1})
    assert found == {pair: ["identity_number", "email", "phone_number", "name_and_date_of_birth"]}


def test_a_bad_limit_is_refused(world: World) -> None:
    for limit in ("0", "51", "x"):
        error = expect_error(world.get(DUPLICATES, params={"limit": limit}), 422, "validation_error")
        assert list(error["errors"]) == ["limit"]
