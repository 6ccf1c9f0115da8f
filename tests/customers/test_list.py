"""GET /api/v1/customers: contract with the clients, on both databases."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.world import LIST, NOON, World, expect_error, names

FIELDS = [
    "id",
    "first_name",
    "last_name",
    "phone_number",
    "email",
    "date_of_birth",
    "gender",
    "country_name",
    "identity_number",
    "job",
    "address",
    "default_channel_id",
    "avatar_url",
    "related_user",
    "created_at",
    "updated_at",
    "deleted_at",
]


def test_a_page_has_the_reference_page_shape(world: World) -> None:
    answer = world.get()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert list(answer.json) == ["data", "links", "meta"]
    assert len(answer.json["data"]) == 15
    assert all(list(customer) == FIELDS for customer in answer.json["data"])
    assert list(answer.json["links"]) == ["first", "last", "prev", "next"]
    assert list(answer.json["meta"]) == [
        "current_page",
        "from",
        "last_page",
        "links",
        "path",
        "per_page",
        "to",
        "total",
    ]
    assert answer.json["meta"]["total"] == 37


def test_a_customer_is_shown_with_all_that_is_known(empty_world: World) -> None:
    customer_id = empty_world.add(
        first_name="Ayşe",
        last_name="Öztürk",
        phone_number="+905321112233",
        email="ayse@example.com",
        date_of_birth=date(1990, 5, 1),
        gender="female",
        country_id=792,
        identity_number="10000000146",
        job="Öğretmen",
        address="Bağdat Cad. 1\nİstanbul",
        default_channel_id=1,
        avatar_url="https://example.com/a.png",
        user_id=empty_world.bob,
    )
    expected = {
        "id": customer_id,
        "first_name": "Ayşe",
        "last_name": "Öztürk",
        "phone_number": "+905321112233",
        "email": "ayse@example.com",
        "date_of_birth": "1990-05-01T00:00:00Z",
        "gender": "female",
        "country_name": "Türkiye",
        "identity_number": "10000000146",
        "job": "Öğretmen",
        "address": "Bağdat Cad. 1\nİstanbul",
        "default_channel_id": 1,
        "avatar_url": "https://example.com/a.png",
        "related_user": {"id": empty_world.bob, "name": "Bob"},
        "created_at": "2026-05-04T12:00:00Z",
        "updated_at": "2026-05-04T12:00:00Z",
        "deleted_at": None,
    }
    listed = empty_world.get()
    assert listed.json["data"] == [expected]
    assert "Ayşe" in listed.text
    one = empty_world.get(f"{LIST}/{customer_id}")
    assert list(one.json) == ["success", "data"]
    assert one.json["data"] == expected


def test_the_newest_come_first_and_ties_are_broken_by_id(world: World) -> None:
    data = world.get(params={"per_page": 100}).json["data"]
    order = [(customer["created_at"], customer["id"]) for customer in data]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("sort_by", ["first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at"])
def test_descending_is_ascending_reversed_but_for_the_empty_values(world: World, sort_by: str) -> None:
    up = world.get(params={"sort_by": sort_by, "per_page": 100}).json["data"]
    down = world.get(params={"sort_by": sort_by, "sort_order": "desc", "per_page": 100}).json["data"]

    def split(page: list[Any]) -> tuple[list[int], list[int]]:
        filled = [customer["id"] for customer in page if customer[sort_by] is not None]
        empty = [customer["id"] for customer in page if customer[sort_by] is None]
        assert [customer["id"] for customer in page] == filled + empty
        return filled, empty

    filled, empty = split(up)
    assert split(down) == (filled[::-1], empty[::-1])


def test_names_sort_as_people_expect(empty_world: World) -> None:
    for name in ("Zoë", "şule", "Çağla", "Ece", "cem", "İpek", "ıtır", "Sena", "Ömer", "Oya", "ece"):
        empty_world.add(first_name=name)
    assert names(empty_world.get(params={"sort_by": "first_name"})) == [
        "Çağla",
        "cem",
        "Ece",
        "ece",
        "İpek",
        "ıtır",
        "Ömer",
        "Oya",
        "Sena",
        "şule",
        "Zoë",
    ]


def test_every_page_together_has_every_customer_once(world: World) -> None:
    for sort_by in ("last_name", "gender", "created_at"):
        seen = []
        for page in range(1, 9):
            seen += world.get(params={"page": page, "per_page": 5, "sort_by": sort_by}).json["data"]
        ids = [customer["id"] for customer in seen]
        assert len(ids) == len(set(ids)) == 37


@pytest.mark.parametrize(
    "search",
    [
        "istanbullu",
        "İSTANBULLU",
        "ıstanbullu",
        "ISTANBULLU",
        "gül",
        "GUL",
        "istan gül",
        "0532 999 88 77",
        "+90 532 9998877",
        "(0532) 999-88-77",
        "5329998877",
        "0090 532 999 88 77",
        "gul@EXAMPLE",
        "98765",
        "  gül  ",
        "ü",
    ],
)
def test_search_finds_however_it_is_written(empty_world: World, search: str) -> None:
    empty_world.add(
        first_name="Gül",
        last_name="İstanbullu",
        phone_number="+905329998877",
        email="gul@example.com",
        identity_number="98765432100",
    )
    empty_world.add(first_name="Mehmet", phone_number="+905321112233", email="mehmet@example.org")
    assert names(empty_world.get(params={"search": search})) == ["Gül"]


def test_search_wants_every_word_and_takes_signs_for_themselves(empty_world: World) -> None:
    empty_world.add(first_name="Ali", last_name="Veli")
    empty_world.add(first_name="Ali", last_name="100%_sure")
    empty_world.add(first_name='O"Neil', last_name="Straße")
    assert empty_world.get(params={"search": "ali veli"}).json["meta"]["total"] == 1
    assert empty_world.get(params={"search": "ali deli"}).json["meta"]["total"] == 0
    assert empty_world.get(params={"search": "%"}).json["meta"]["total"] == 1
    assert empty_world.get(params={"search": "100%_s"}).json["meta"]["total"] == 1
    assert empty_world.get(params={"search": "a_i"}).json["meta"]["total"] == 0
    assert empty_world.get(params={"search": "aliveli"}).json["meta"]["total"] == 0
    assert empty_world.get(params={"search": "STRASSE"}).json["meta"]["total"] == 1
    assert empty_world.get(params={"search": 'o"ne'}).json["meta"]["total"] == 1
    assert empty_world.get(params={"search": "o' OR 1=1 --"}).json["meta"]["total"] == 0
    assert empty_world.get(params={"search": "\\"}).json["meta"]["total"] == 0


def test_search_finds_numbers_of_other_countries_as_dialled_at_home(empty_world: World) -> None:
    empty_world.add(first_name="Emma", phone_number="+442079460958")
    for search in ("020 7946 0958", "+44 20 7946 0958", "0044 20 79460958"):
        assert names(empty_world.get(params={"search": search})) == ["Emma"]


def test_a_long_word_is_compared_whole(empty_world: World) -> None:
    long_name = "abcdefghijklmnopqrstuvwxyz" * 8
    empty_world.add(first_name=long_name)
    assert empty_world.get(params={"search": long_name}).json["meta"]["total"] == 1
    assert empty_world.get(params={"search": long_name[:100] + "x" + long_name[101:]}).json["meta"]["total"] == 0


def test_filters_and_their_totals(world: World) -> None:
    everyone = world.get(params={"per_page": 100}).json["data"]
    for gender in ("male", "female", "other"):
        expected = [customer["id"] for customer in everyone if customer["gender"] == gender]
        page = world.get(params={"gender": gender, "per_page": 100}).json
        assert [customer["id"] for customer in page["data"]] == expected
        assert page["meta"]["total"] == len(expected)
    bobs = [customer["id"] for customer in everyone if customer["related_user"]]
    page = world.get(params={"user_id": world.bob, "per_page": 100}).json
    assert [customer["id"] for customer in page["data"]] == bobs
    assert page["meta"]["total"] == len(bobs)
    assert world.get(params={"user_id": world.bob, "gender": "male"}).json["meta"]["total"] == sum(
        1 for customer in everyone if customer["related_user"] and customer["gender"] == "male"
    )
    assert world.get(params={"user_id": 10**30}).json["meta"]["total"] == 0


def test_the_trash_is_apart(world: World) -> None:
    trash = world.get(params={"trashed": "true"}).json
    assert trash["meta"]["total"] == 3
    assert all(customer["deleted_at"] == "2026-05-04T12:00:00Z" for customer in trash["data"])
    assert world.get(params={"trashed": "1"}).json["data"] == trash["data"]
    for no in ("false", "0", ""):
        assert world.get(params={"trashed": no}).json["meta"]["total"] == 37


def test_ages_are_completed_years_and_both_ends_count(empty_world: World) -> None:
    today = date.today()  # noqa: DTZ011 - an error of one day does not matter here
    empty_world.add(first_name="Thirty", date_of_birth=today.replace(day=1) - timedelta(days=30 * 366))
    empty_world.add(first_name="Baby", date_of_birth=today - timedelta(days=40))
    empty_world.add(first_name="Unknown")
    assert names(empty_world.get(params={"min_age": 30, "max_age": 30})) == ["Thirty"]
    assert names(empty_world.get(params={"max_age": 29})) == ["Baby"]
    assert names(empty_world.get(params={"min_age": 31})) == []
    assert empty_world.get(params={"min_age": 0}).json["meta"]["total"] == 2
    assert empty_world.get(params={"max_age": 10**40}).json["meta"]["total"] == 2
    assert empty_world.get(params={"min_age": 10**40}).json["meta"]["total"] == 0
    assert empty_world.get(params={"min_age": 0, "search": "baby"}).json["meta"]["total"] == 1


def test_a_page_past_the_end_is_empty_and_says_so(world: World) -> None:
    for page in (4, 1000, 99999999999999999999):
        answer = world.get(params={"page": page})
        assert answer.status_code == 200
        assert answer.json["data"] == []
        meta = answer.json["meta"]
        assert (meta["from"], meta["to"], meta["total"], meta["last_page"]) == (None, None, 37, 3)
        assert meta["current_page"] == page
        assert answer.json["links"]["next"] is None
    found = world.get(params={"page": 9, "search": "müşteri"}).json["meta"]
    assert (found["total"], found["from"]) == (37, None)


def test_links_keep_the_other_parameters_as_given(world: World) -> None:
    answer = world.client.simulate_get(
        LIST,
        query_string="search=m%C3%BC%20%C5%9F&page=1&unknown=x%26y&per_page=2&gender=&per_page=3",
        headers={"Authorization": f"Bearer {world.token(world.alice)}", "Host": "localhost:8443"},
    )
    assert answer.json["meta"]["per_page"] == 3
    last = answer.json["links"]["last"]
    assert last.startswith("http://localhost:8443/api/v1/customers?search=m%C3%BC%20%C5%9F&unknown=x%26y&")
    assert last.endswith(f"&per_page=3&page={answer.json['meta']['last_page']}")
    assert parse_qs(urlsplit(last).query)["unknown"] == ["x&y"]
    assert "gender" not in last
    assert answer.json["meta"]["path"] == "http://localhost:8443/api/v1/customers"


def test_empty_parameters_are_as_good_as_none(world: World) -> None:
    empty = "search=&per_page=&page=&sort_by=&sort_order=&gender=&min_age=&max_age=&user_id=&trashed=%20"
    assert world.get(query_string=empty).json == world.get().json


def test_every_invalid_parameter_is_named_in_one_response(world: World) -> None:
    broken = {
        "search": "x" * 256,
        "per_page": "101",
        "page": "0",
        "sort_by": "id",
        "sort_order": "up",
        "gender": "m",
        "min_age": "-1",
        "max_age": "1.5",
        "user_id": "0",
        "trashed": "yes",
    }
    body = expect_error(world.get(params=broken), 422, "validation_error")
    assert set(body["errors"]) == set(broken)
    assert all(name in body["errors"][name][0] for name in broken)
    both = world.get(params={"per_page": 0, "min_age": 9, "max_age": 3})
    assert set(expect_error(both, 422, "validation_error")["errors"]) == {"per_page", "min_age"}


@pytest.mark.parametrize(
    "query",
    [
        "per_page=0",
        "per_page=1e1",
        "per_page=%D9%A5",
        "page=-1",
        "page=one",
        "page=1.0",
        "page=%00",
        "page=" + "9" * 5000,
        "search=%00",
        "search=%ED%A0%80",
        "search=%FF",
        "sort_by=created_at;drop",
        "gender=Male",
        "min_age=5&max_age=4",
        "trashed=TRUE",
    ],
)
def test_a_value_that_breaks_its_rule_is_422_and_named(world: World, query: str) -> None:
    body = expect_error(world.get(query_string=query), 422, "validation_error")
    assert list(body["errors"]) == [query.partition("=")[0]]


def test_unknown_parameters_are_ignored_unless_the_client_would_rather_know(world: World) -> None:
    assert world.get(params={"sarch": "x"}).status_code == 200
    refused = world.get(params={"sarch": "x", "page": "0"}, headers={"Prefer": "handling=strict"})
    body = expect_error(refused, 422, "validation_error")
    assert set(body["errors"]) == {"sarch", "page"}
    assert refused.headers["Preference-Applied"] == "handling=strict"
    assert world.get(params={"page": 1}, headers={"Prefer": "handling=strict"}).status_code == 200
    assert world.get(params={"sarch": "x"}, headers={"Prefer": "handling=lenient"}).status_code == 200


def test_a_search_can_have_255_characters_of_any_size(world: World) -> None:
    assert world.get(params={"search": "ş" * 255}).status_code == 200
    expect_error(world.get(params={"search": "ş" * 256}), 422, "validation_error")


def test_an_unchanged_page_is_304(empty_world: World) -> None:
    empty_world.add()
    first = empty_world.get()
    etag = first.headers["ETag"]
    again = empty_world.get(headers={"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == etag
    empty_world.add()
    changed = empty_world.get(headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_one_customer_is_found_even_in_the_trash(empty_world: World) -> None:
    customer_id = empty_world.add(deleted_at=NOON)
    assert empty_world.get(f"{LIST}/{customer_id}").json["data"]["deleted_at"] == "2026-05-04T12:00:00Z"


@pytest.mark.parametrize("wrong", ["0", "-1", "1.0", "abc", "999999", "9" * 40, "%00", "%F0%9F%92%A9", "1'--"])
def test_an_invalid_id_is_404(world: World, wrong: str) -> None:
    expect_error(world.get(f"{LIST}/{wrong}"), 404, "not_found")


def test_a_customer_of_another_tenant_is_404_like_one_that_does_not_exist(world: World) -> None:
    theirs = 777777
    world.add(world.salon, id=theirs)
    mine = world.get(f"{LIST}/{theirs}")
    missing = world.get(f"{LIST}/888888")
    assert mine.status_code == missing.status_code == 404
    assert mine.text.replace(str(theirs), "N") == missing.text.replace("888888", "N")


def test_a_page_costs_one_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """This includes the total. On SQLite, age filters take another statement for the counts."""
    world.get()
    real, asked = world.database.fetch_all, []

    def counted(statement: Any, values: Any) -> Any:
        asked.append(statement)
        return real(statement, values)

    monkeypatch.setattr(world.database, "fetch_all", counted)
    for query in ("", "per_page=100", "search=0532 yılmaz", "sort_by=last_name&gender=male&trashed=1", "page=2"):
        asked.clear()
        assert world.get(query_string=query.replace(" ", "%20")).json["data"]
        assert len([each for each in asked if "customers" in each.compiled(world.database.dialect).sql]) == 1, query


def test_an_error_quotes_the_value_as_it_was_sent(world: World) -> None:
    sent = {"per_page": "a b/ç"}
    in_english = expect_error(world.get(params=sent), 422, "validation_error")
    assert in_english["errors"] == {"per_page": ['per_page must be an integer from 1 to 100, not "a b/ç".']}
    in_turkish = expect_error(world.get(params=sent, headers={"Accept-Language": "tr"}), 422, "validation_error")
    assert in_turkish["errors"] == {"per_page": ['per_page 1 ile 100 arasında bir tam sayı olmalıdır; "a b/ç" olamaz.']}
