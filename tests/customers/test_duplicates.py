"""Proposed duplicates: pairs of customers that may be one person, most likely first."""

from datetime import date
from typing import Any

import pytest

from tests.support.world import LIST, NOON, World, expect_error

DUPLICATES = f"{LIST}/duplicates"
DISMISSALS = f"{DUPLICATES}/dismissals"


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def dismiss(world: World, *pair: int, **options: Any) -> Any:
    return world.send("POST", DISMISSALS, {"customer_ids": list(pair)}, **options)


def check(world: World, **values: Any) -> list[tuple[int, list[str]]]:
    """Return the customers that somebody with these values may be, with the reasons."""
    answer = world.send("POST", f"{DUPLICATES}/check", values)
    assert answer.status_code == 200, answer.text
    return [(each["customer"]["id"], each["reasons"]) for each in answer.json["data"]]


def proposed(world: World, **options: Any) -> dict[tuple[int, ...], list[str]]:
    """Return the reasons of each pair, in the order of the response."""
    answer = world.get(DUPLICATES, **options)
    assert answer.status_code == 200, answer.text
    pairs = answer.json["data"]
    assert answer.json["meta"]["total"] >= len(pairs)
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
    assert world.get(DUPLICATES, params={"limit": 2}).json["meta"] == {"total": 7}
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


def test_the_possible_duplicates_of_one_customer(world: World) -> None:
    phone: dict[str, Any] = {"phone_number": "+905321112233"}
    born: dict[str, Any] = {"last_name": "Yılmaz", "date_of_birth": date(1990, 5, 1)}
    other = world.add(first_name="Other", **phone)
    one = world.add(first_name="Ayşe", email="a@example.com", **phone, **born)
    same = world.add(first_name="Ayse", email="A@example.com", **born)
    world.add(first_name="Third", email="third@example.com")
    for _number in range(2):
        world.add(first_name="Fourth", identity_number="X1")
    params = {"customer_id": one}
    expected = {(one, same): ["email", "name_and_date_of_birth"], (other, one): ["phone_number"]}
    assert proposed(world, params=params) == expected
    dismiss(world, one, same)
    assert proposed(world, params=params) == {(other, one): ["phone_number"]}
    assert proposed(world, params={"customer_id": 999}) == {}
    world.send("DELETE", f"{LIST}/{one}")
    assert proposed(world, params=params) == {}
    answer = world.get(DUPLICATES, params={"customer_id": "x"})
    assert list(expect_error(answer, 422, "validation_error")["errors"]) == ["customer_id"]


def test_a_form_for_a_new_customer_warns_while_somebody_types(world: World) -> None:
    born = date(1990, 5, 1)
    one = world.add(first_name="Ayşe", last_name="Yılmaz", phone_number="+905321112233", date_of_birth=born)
    two = world.add(first_name="Yılmaz", last_name="Ayşe", email="ayse@example.com", identity_number="X1")
    world.add(first_name="Ayşe", last_name="Yılmazoğulları")
    world.add(first_name="Ayşe", last_name="Yılmaz", phone_number="+905321112244", deleted_at=NOON)
    assert check(world) == []
    assert check(world, first_name="ayse") == []
    assert check(world, first_name="ayse", last_name="yilmaz") == [(one, ["name"]), (two, ["name"])]
    assert check(world, phone_number="0532 111") == []
    assert check(world, phone_number="(0532) 111 22 33", first_name=None) == [(one, ["phone_number"])]
    assert check(
        world, first_name="ayse", last_name="yilmaz", date_of_birth="1990-05-01", email="AYSE@example.com"
    ) == [
        (two, ["email"]),
        (one, ["name_and_date_of_birth"]),
    ]
    assert check(world, identity_number="X1", email="ayse@") == [(two, ["identity_number"])]


def test_at_most_five_similar_customers_and_only_text(world: World) -> None:
    for number in range(7):
        world.add(first_name=f"A {number}", phone_number="+905321112233")
    assert len(check(world, phone_number="0532 111 22 33")) == 5
    answer = world.send("POST", f"{DUPLICATES}/check", {"email": 5, "phone_number": "05", "job": "x"})
    assert expect_error(answer, 422, "validation_error")["errors"].keys() == {"email", "job"}


def test_a_dismissed_pair_is_not_proposed_until_that_is_undone(world: World) -> None:
    one, other, third = (world.add(first_name=name, email="a@example.com") for name in "ABC")
    before = proposed(world)
    made = dismiss(world, other, one)
    again = dismiss(world, one, other, user=world.bob)
    assert (made.status_code, again.status_code, again.json) == (201, 201, made.json)
    assert proposed(world).keys() == {(one, third), (other, third)}
    world.send("PATCH", f"{LIST}/{one}", {"phone_number": "0532 111 22 33"})
    world.send("PATCH", f"{LIST}/{other}", {"phone_number": "0532 111 22 33"})
    assert (one, other) not in proposed(world)
    latest = dismiss(world, one, third).json["data"]
    listed = world.get(DISMISSALS).json["data"]
    assert listed == [latest, made.json["data"]]
    assert listed[1]["customers"] == [
        {"id": one, "first_name": "A", "last_name": None},
        {"id": other, "first_name": "B", "last_name": None},
    ]
    assert listed[1]["user"] == {"id": world.alice, "name": "Alice"}
    assert world.get(DISMISSALS, params={"limit": 1}).json["data"] == [latest]
    assert world.get(DISMISSALS, params={"before": latest["id"]}).json["data"] == listed[1:]
    for each in listed:
        assert world.send("DELETE", f"{DISMISSALS}/{each['id']}").status_code == 204
    assert proposed(world).keys() == before.keys()
    expect_error(world.send("DELETE", f"{DISMISSALS}/{latest['id']}"), 404, "not_found")
    expect_error(world.send("DELETE", f"{DISMISSALS}/x"), 404, "not_found")


def test_dismissed_pairs_hide_no_others(world: World) -> None:
    for number in range(60):
        pair = [world.add(first_name=name, email=f"a{number:02}@example.com") for name in "AB"]
        assert dismiss(world, *pair).status_code == 201
    last = tuple(world.add(first_name=name, email="b@example.com") for name in "AB")
    assert proposed(world, params={"limit": 1}) == {last: ["email"]}


@pytest.mark.parametrize("removal", ["merge", "purge", "erase"])
def test_a_dismissal_goes_with_one_of_its_customers(world: World, removal: str) -> None:
    one, other, third = (world.add(first_name=name, email="a@example.com") for name in "ABC")
    for pair in ((one, other), (other, third), (one, third)):
        dismiss(world, *pair)
    if removal == "merge":
        world.send("POST", f"{LIST}/{one}/merge", {"customer_id": other})
    elif removal == "purge":
        world.send("DELETE", f"{LIST}/{other}")
        assert world.send("DELETE", f"{LIST}/{other}", params={"permanently": "true"}).status_code == 204
    else:
        assert world.send("POST", f"{LIST}/{other}/erase").status_code == 200
    (rest,) = world.get(DISMISSALS).json["data"]
    assert [each["id"] for each in rest["customers"]] == [one, third]


def test_only_two_existing_customers_can_be_dismissed_by_somebody_who_may_write(world: World) -> None:
    one, other = (world.add(first_name=name) for name in "AB")
    for pair in ([one], [one, one], [one, other, 3], "x", [one, "x"], None):
        answer = world.send("POST", DISMISSALS, {"customer_ids": pair})
        assert expect_error(answer, 422, "validation_error")["errors"].keys() == {"customer_ids"}
    problem = expect_error(dismiss(world, one, 999), 409, "conflict")
    assert problem["errors"] == {"customer_ids": ["There is no customer 999."]}
    viewer: dict[str, Any] = {"user": world.dora, "tenant": world.clinic}
    expect_error(dismiss(world, one, other, **viewer), 403, "insufficient_scope")
    expect_error(world.send("DELETE", f"{DISMISSALS}/x", **viewer), 403, "insufficient_scope")
    assert world.send("GET", DISMISSALS, **viewer).status_code == 200
    assert world.send("POST", f"{DUPLICATES}/check", {}, **viewer).status_code == 200
