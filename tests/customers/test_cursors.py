"""Cursors: following the links returns every customer once, during concurrent inserts and deletes."""

import random
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from falcon.testing import Result
from sqlalchemy import bindparam, delete

from regulars.customers.read import cursors
from regulars.db.statement import Statement
from regulars.db.tables import customers
from tests.support.world import LIST, NOON, World, expect_error

DELETE = Statement(
    delete(customers).where(customers.c.tenant_id == bindparam("of_tenant"), customers.c.id == bindparam("customer"))
)
SORTS = ("first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at")
ORDERS = [{"sort_by": sort, "sort_order": order} for sort in SORTS for order in ("asc", "desc")]
SEARCHES: list[dict[str, Any]] = [
    {},
    {"search": "müşteri", "sort_by": "last_name"},
    {"search": "0"},
    {"gender": "female", "sort_by": "date_of_birth"},
    {"min_age": 30, "sort_by": "last_name", "sort_order": "desc"},
    {"trashed": "true"},
    {"country_id": 792, "sort_by": "last_name"},
    {"updated_since": "2026-05-04T12:00:00Z", "search": "müşteri"},
    {"birthday_from": "06-01", "birthday_to": "03-31"},
    {"created_since": "2026-04-20T12:00:00Z", "created_until": "2026-05-03T12:00:01Z"},
    {"created_since": "2026-04-20T12:00:00Z", "created_until": "2026-05-03T12:00:01Z", "sort_order": "asc"},
    {"without": "user_id"},
    {"ids": ",".join(map(str, range(1, 60))), "sort_by": "date_of_birth"},
]


def ids(result: Result) -> list[int]:
    assert result.status_code == 200, result.text
    return [customer["id"] for customer in result.json["data"]]


def follow(world: World, link: str | None, **options: Any) -> Result:
    """Send a GET request to a link of a response."""
    assert link is not None
    parts = urlsplit(link)
    return world.get(parts.path, params=dict(parse_qsl(parts.query)), **options)


def crawl(world: World, way: str, first: Result) -> list[Result]:
    """Yield the responses from `first` to the end of the links."""
    found = [first]
    while found[-1].json["links"][way]:
        found.append(follow(world, found[-1].json["links"][way]))
    return found


@pytest.mark.parametrize("asked", [*ORDERS, *SEARCHES], ids=str)
def test_the_links_lead_through_the_whole_list_and_back(world: World, asked: dict[str, Any]) -> None:
    everyone = ids(world.get(params=asked | {"per_page": 100}))
    forth = crawl(world, "next", world.get(params=asked | {"per_page": 7}))
    assert [each for page in forth for each in ids(page)] == everyone
    back = crawl(world, "prev", forth[-1])
    assert [ids(page) for page in reversed(back)] == [ids(page) for page in forth]
    for number, page in enumerate(forth, start=1):
        by_number = world.get(params=asked | {"per_page": 7, "page": number}).json
        assert page.json["data"] == by_number["data"]
        assert {**page.json["meta"], "links": 0} == {**by_number["meta"], "links": 0}


@pytest.mark.parametrize("asked", [*ORDERS, *SEARCHES], ids=str)
def test_a_page_is_the_same_from_whichever_end_it_is_read(
    world: World, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = ids(world.get(params=asked | {"per_page": 100}))
    monkeypatch.setattr("regulars.customers.read.list.MAX_FORWARD_OFFSET", -1)
    for per_page in (1, 7, 10):
        for page in range(1, len(everyone) // per_page + 3):
            found = ids(world.get(params=asked | {"per_page": per_page, "page": page}))
            assert found == everyone[(page - 1) * per_page : page * per_page], (per_page, page)


@pytest.mark.parametrize("asked", ORDERS, ids=str)
def test_unchanged_customers_are_read_once_while_others_change(empty_world: World, asked: dict[str, Any]) -> None:
    world = empty_world
    world.add_customers()
    draw = random.Random(str(asked))
    still = set(ids(world.get(params={"per_page": 100})))
    read: list[int] = []
    page = world.get(params=asked | {"per_page": 5})
    while True:
        read += ids(page)
        for _ in range(2):
            world.add(
                first_name=draw.choice(("Aa", "Müşteri 20", "Zz")),
                last_name=draw.choice((None, "Yılmaz 3")),
                created_at=NOON - timedelta(days=draw.randrange(20)),
            )
        gone = draw.choice(sorted(still - set(read)) or [0])
        still.discard(gone)
        world.database.execute(DELETE, {"of_tenant": world.clinic, "customer": gone})
        # Delete the row of the cursor too.
        world.database.execute(DELETE, {"of_tenant": world.clinic, "customer": read[-1]})
        if page.json["links"]["next"] is None:
            break
        page = follow(world, page.json["links"]["next"])
        if not ids(page):
            break
    assert len(read) == len(set(read))
    assert still <= set(read)


def test_a_stretch_of_the_list_without_pages(world: World) -> None:
    everyone = ids(world.get(params={"per_page": 100, "sort_by": "last_name"}))
    answer = world.get(query_string="sort_by=last_name&limit=15&cursor=")
    assert answer.json.keys() == {"data", "meta"}
    assert answer.json["meta"] == {"cursor": answer.json["meta"]["cursor"], "has_more": True, "total": len(everyone)}
    read = ids(answer)
    while cursor := answer.json["meta"]["cursor"]:
        answer = world.get(params={"sort_by": "last_name", "limit": 15, "cursor": cursor})
        read += ids(answer)
    assert read == everyone
    assert answer.json["meta"] == {"cursor": None, "has_more": False, "total": len(everyone)}
    assert len(ids(world.get(query_string="cursor="))) == 20
    assert len(ids(world.get(query_string="limit=3"))) == 3
    assert world.get(query_string="limit=3&page=1").json["meta"]["per_page"] == 15


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_a_limit_out_of_bounds_is_422(world: World, limit: str) -> None:
    assert "limit" in expect_error(world.get(params={"limit": limit}), 422, "validation_error")["errors"]


@pytest.mark.parametrize("pages", ["page=1", "per_page=15"])
def test_limit_is_ignored_with_page_numbers(world: World, pages: str) -> None:
    for headers in ({}, {"Prefer": "handling=strict"}):
        answer = world.get(query_string=f"{pages}&limit=500", headers=headers)
        assert answer.json["meta"]["per_page"] == 15


def test_a_cursor_is_valid_only_for_its_list(world: World) -> None:
    cursor = world.get(query_string="limit=5&sort_by=last_name").json["meta"]["cursor"]

    def expect_oauth_error(user: int = world.dora, tenant: int = world.clinic, **parameters: Any) -> None:
        asked = {"cursor": cursor, "sort_by": "last_name"} | parameters
        answer = world.get(params=asked, user=user, tenant=tenant)
        assert "cursor" in expect_error(answer, 422, "validation_error")["errors"]

    assert world.get(params={"cursor": cursor, "sort_by": "last_name"}, user=world.dora, tenant=world.clinic).json[
        "data"
    ]
    expect_oauth_error(tenant=world.salon)
    expect_oauth_error(sort_by="first_name")
    expect_oauth_error(sort_order="desc")
    expect_oauth_error(gender="female")
    expect_oauth_error(search="a")
    expect_oauth_error(trashed="true")
    expect_oauth_error(user_id=world.bob)
    expect_oauth_error(min_age=1)
    for forged in (cursor[:-1], cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB"), "x", "é", "A" * 100, "!" * 40):
        expect_oauth_error(cursor=forged)


def test_a_cursor_that_is_too_old_is_422(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = world.get(query_string="limit=5").json["meta"]["cursor"]
    today = cursors._today()
    monkeypatch.setattr(cursors, "_today", lambda: today + 30)
    assert world.get(params={"cursor": cursor}).status_code == 200
    monkeypatch.setattr(cursors, "_today", lambda: today + 31)
    assert "cursor" in expect_error(world.get(params={"cursor": cursor}), 422, "validation_error")["errors"]


def test_a_cursor_reveals_no_name_and_does_not_change_the_etag(world: World) -> None:
    answer = world.get(query_string="limit=5&sort_by=first_name")
    assert "teri" not in answer.json["meta"]["cursor"]
    again = world.get(query_string="limit=5&sort_by=first_name", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert world.get(LIST).headers["ETag"] == world.get(LIST).headers["ETag"]
