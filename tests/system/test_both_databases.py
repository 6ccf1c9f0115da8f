"""Both databases return identical bytes, and the result that a simple implementation of the contract computes."""

import random
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from regulars.customers.fields import Record
from regulars.customers.read import list as listing
from regulars.customers.read.filter_sql import WITHOUT_OPTIONS
from regulars.customers.tags import create_tag
from regulars.customers.write.storage import TAG_COLUMNS, insert_customers
from regulars.db.migrate import migrate
from regulars.db.tables import customer_tags
from regulars.text import fold, phone_forms
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support import postgres
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]

REQUESTS = 400
FIRST_NAMES = (
    "Ayşe",
    "ayse",
    "AYŞE",
    "İbrahim",
    "Irmak",
    "ıtır",
    "Zoë",
    "O'Neil",
    "Ali%",
    "a_b",
    "Straße",
    "Ürün",
    "Ω",
)
LAST_NAMES = ("Yılmaz", "YILMAZ", "yilmaz", "Öz", "Çelik", "de la Cruz", "Müller", None, None)
WORDS = (
    "ay",
    "AYŞE",
    "yılmaz",
    "i",
    "İ",
    "ş",
    "0532",
    "1112233",
    "+90 532",
    "(532)",
    "example",
    "%",
    "_",
    "müller öz",
    "zzz",
    "12-3",
    "cruz la",
)
NOW = datetime(2026, 2, 28, 21, 30, 0, tzinfo=UTC)


def made_up_customers(count: int, user_ids: list[int]) -> list[Record]:
    """Return random customers with many ties, empty values and repeated words."""
    draw = random.Random(7)
    found = []
    for number in range(1, count + 1):
        created = NOW - timedelta(days=draw.randrange(9))
        found.append(
            Record(
                id=number,
                first_name=draw.choice(FIRST_NAMES),
                last_name=draw.choice(LAST_NAMES),
                phone_number=draw.choice((None, f"+90532111{draw.randrange(10000):04}", "+442079460958")),
                email=draw.choice((None, f"x{draw.randrange(30)}@example.com", f"ayse.öz{number}@example.com")),
                date_of_birth=draw.choice(
                    (None, date(2000, 2, 29), date(1990 + draw.randrange(9), 3, 1), date(1985, 12, 31))
                ),
                gender=draw.choice(("male", "female", "other", None)),
                country_id=draw.choice((None, 792, 276)),
                identity_number=draw.choice((None, "12-34-5", str(draw.randrange(10**11)))),
                default_channel_id=draw.choice((None, None, 1, 2)),
                user_id=draw.choice((None, *user_ids)),
                created_at=created,
                updated_at=created + timedelta(hours=draw.randrange(5)),
                deleted_at=draw.choice((None, None, None, NOW)),
            )
        )
    return found


def piece(draw: random.Random, customer: Record) -> str:
    """Return a random substring of a searchable field of the customer."""
    texts = [customer.first_name, customer.last_name, customer.email, customer.phone_number, customer.identity_number]
    word = draw.choice([word for text in texts if text for word in text.split()])
    start = draw.randrange(len(word))
    return word[start : start + draw.choice((1, 2, 3, 7, 30))]


def random_request(draw: random.Random, customers: list[Record], user_ids: list[int]) -> dict[str, Any]:
    """Return a random subset of the parameters, with random values."""
    every: dict[str, Any] = {
        "search": draw.choice((draw.choice(WORDS), piece(draw, draw.choice(customers)))),
        "per_page": draw.choice((1, 2, 15, 100)),
        "page": draw.choice((1, 1, 2, 3, 50)),
        "sort_by": draw.choice(("first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at")),
        "sort_order": draw.choice(("asc", "desc")),
        "gender": draw.choice(("male", "female", "other")),
        "min_age": draw.choice((0, 20, 25, 26, 30)),
        "max_age": draw.choice((30, 35, 36, 200)),
        "user_id": draw.choice((*user_ids, 99)),
        "trashed": draw.choice(("true", "false", "1")),
    }
    likely = {"search": 0.5, "per_page": 0.7, "page": 0.5, "sort_by": 0.6, "sort_order": 0.4}
    chosen = {name: value for name, value in every.items() if draw.random() < likely.get(name, 0.25)}
    return chosen | random_filters(draw, user_ids)


def random_filters(draw: random.Random, user_ids: list[int]) -> dict[str, Any]:
    """Return a few of the filters that are not counted, with random values."""

    def hours_ago(first: int, last: int) -> str:
        return (NOW - timedelta(hours=draw.randrange(first, last), seconds=draw.choice((0, 0.5)))).isoformat()

    first, last = draw.choice((("03-01", "03-01"), ("02-28", "02-29"), ("12-31", "02-29"), ("03-01", "02-28")))
    every: tuple[dict[str, str], ...] = (
        {"birthday_from": first, "birthday_to": last},
        {"updated_since": hours_ago(70, 200)},
        {"updated_until": hours_ago(0, 70)},
        {"created_since": hours_ago(70, 200)},
        {"created_until": hours_ago(0, 70)},
        {"tag_id": draw.choice(("1", "2", "9", "1,2", "9,2"))},
        {"channel_id": draw.choice(("1", "2", "9", "1,2"))},
        {"country_id": draw.choice(("792", "276", "250", "250,276"))},
        {"user_ids": ",".join(map(str, draw.choice((user_ids, user_ids[:1], (*user_ids[1:], 99)))))},
        {"without": ",".join(draw.sample(sorted(WITHOUT_OPTIONS), draw.choice((1, 1, 2))))},
        {"ids": ",".join(str(draw.randrange(1, 400)) for _ in range(draw.choice((1, 20, 100))))},
    )
    return {name: value for each in every if draw.random() < 0.1 for name, value in each.items()}


def tags_of(customer: Record) -> list[int]:
    """Return the tags of a customer: every third has the first tag, every seventh the second."""
    return [tag for tag, every in ((1, 3), (2, 7)) if customer.id % every == 0]


@pytest.fixture(scope="module")
def turkish_database() -> Iterator[str]:
    """Run a PostgreSQL server with a Turkish locale, where `lower('I')` is `ı`; yield a database URL."""
    turkish = ("--locale-provider=icu", "--icu-locale=tr-TR", "--locale=C.UTF-8")
    with postgres.running_server(*turkish) as server:
        server.execute("CREATE DATABASE turkish")
        migrate(f"{server.url}/turkish")
        yield f"{server.url}/turkish"


@pytest.fixture(scope="module")
def same_worlds(fresh_database: FreshDatabase, turkish_database: str, pooled_database: str) -> Iterator[list[World]]:
    """Yield identical worlds on SQLite and on PostgreSQL (locale C, Turkish locale, behind PgBouncer)."""
    with ExitStack() as stack:
        urls = [*map(fresh_database, DATABASE_KINDS), turkish_database, pooled_database]
        worlds = [stack.enter_context(World.on(url)) for url in urls]
        for world in worlds:
            customers = made_up_customers(300, [world.alice, world.bob])
            insert_customers(world.database, world.clinic, customers)
            for name in ("First", "Second"):
                create_tag(world.database, world.clinic, name, "#000000")
            rows = [(world.clinic, customer.id, tag) for customer in customers for tag in tags_of(customer)]
            world.database.load(customer_tags, TAG_COLUMNS, rows)
        yield worlds


def expected(world: World, customers: list[Record], asked: dict[str, Any]) -> tuple[list[int], int]:
    """Return the ids on the page and the total, computed by a simple implementation in Python."""
    wanted_trash = asked.get("trashed") in {"true", "1"}
    today = datetime.now(ZoneInfo("Europe/Istanbul")).date()
    found = [
        customer
        for customer in customers
        if (customer.deleted_at is not None) == wanted_trash
        and asked.get("gender") in {None, customer.gender}
        and asked.get("user_id") in {None, customer.user_id}
        and has_one_of(customer, asked)
        and all(
            getattr(customer, WITHOUT_OPTIONS[name]) is None for name in asked.get("without", "").split(",") if name
        )
        and is_in_time(customer, asked)
        and is_birthday(customer, asked)
        and is_of_age(customer, asked, today)
        and all(is_in(customer, word) for word in fold(asked.get("search", "")).split())
    ]
    ordered = in_order(found, asked.get("sort_by"), asked.get("sort_order"))
    per_page = asked.get("per_page", 15)
    start = (asked.get("page", 1) - 1) * per_page
    return [customer.id for customer in ordered[start : start + per_page]], len(found)


def has_one_of(customer: Record, asked: dict[str, Any]) -> bool:
    """Tell whether the customer has one of the values of each filter by ids."""
    values: dict[str, list[int | None]] = {
        "ids": [customer.id],
        "tag_id": [*tags_of(customer)],
        "user_ids": [customer.user_id],
        "channel_id": [customer.default_channel_id],
        "country_id": [customer.country_id],
    }
    return all(set(map(str, each)) & set(asked[name].split(",")) for name, each in values.items() if name in asked)


def is_in_time(customer: Record, asked: dict[str, Any]) -> bool:
    return all(
        datetime.fromisoformat(asked.get(f"{name}_since", "2000-01-01T00:00:00Z"))
        <= getattr(customer, f"{name}_at")
        < datetime.fromisoformat(asked.get(f"{name}_until", "3000-01-01T00:00:00Z"))
        for name in ("created", "updated")
    )


def is_birthday(customer: Record, asked: dict[str, Any]) -> bool:
    if "birthday_from" not in asked:
        return True
    first, last, born = asked["birthday_from"], asked["birthday_to"], f"{customer.date_of_birth or ''}"[5:]
    return bool(born) and (first <= born <= last if first <= last else born >= first or born <= last)


def is_of_age(customer: Record, asked: dict[str, Any], today: date) -> bool:
    if "min_age" not in asked and "max_age" not in asked:
        return True
    born = customer.date_of_birth
    if born is None:
        return False
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return bool(asked.get("min_age", 0) <= age <= asked.get("max_age", 10**6))


def is_in(customer: Record, word: str) -> bool:
    texts = [customer.first_name, customer.last_name, customer.email, customer.identity_number]
    folded = [fold(text) for text in texts if text]
    forms = phone_forms(customer.phone_number) if customer.phone_number else []
    digits = re.sub(r"[-+()./]", "", word)
    return any(word in text for text in folded + forms) or (
        digits.isdigit() and any(digits in text for text in folded + forms)
    )


def in_order(customers: list[Record], sort_by: str | None, sort_order: str | None) -> list[Record]:
    descending = (sort_order or ("asc" if sort_by else "desc")) == "desc"
    name = sort_by or "created_at"

    def key(customer: Record) -> tuple[Any, ...]:
        value = getattr(customer, name)
        return (fold(value), value, customer.id) if name.endswith("_name") else (value, customer.id)

    filled = [customer for customer in customers if getattr(customer, name) is not None]
    empty = [customer for customer in customers if getattr(customer, name) is None]
    return sorted(filled, key=key, reverse=descending) + sorted(
        empty, key=lambda customer: customer.id, reverse=descending
    )


@pytest.mark.parametrize("few", [1_000, 5])
def test_hundreds_of_random_requests_get_the_same_bytes_and_the_right_ones(
    same_worlds: list[World], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FEW_MATCHES", few)
    monkeypatch.setattr(listing, "MAX_FORWARD_OFFSET", few)
    sqlite = same_worlds[0]
    draw = random.Random(few)
    user_ids = [sqlite.alice, sqlite.bob]
    customers = made_up_customers(300, user_ids)
    assert all(user_ids == [world.alice, world.bob] for world in same_worlds)
    for _ in range(REQUESTS):
        asked = random_request(draw, customers, user_ids)
        if asked.get("min_age", 0) > asked.get("max_age", 10**6):
            continue
        answers = [world.get(params=asked) for world in same_worlds]
        assert answers[0].status_code == 200, (asked, answers[0].text)
        for other in answers[1:]:
            assert answers[0].content == other.content, asked
            assert answers[0].headers["ETag"] == other.headers["ETag"]
        page = answers[0].json
        shown = ([customer["id"] for customer in page["data"]], page["meta"]["total"])
        assert shown == expected(sqlite, customers, asked), asked
