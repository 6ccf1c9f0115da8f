"""Cost of requests in rows read and steps executed, which must not depend on the number of stored customers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from regulars.customers.counts.maintenance import count_customers
from regulars.customers.read import duplicates
from regulars.customers.tags import create_tag
from regulars.customers.write.storage import COLUMNS, TAG_COLUMNS, load_uncounted, reserve_customer_ids
from regulars.db.bulk_load import analyze_after_load, deferred_indexes
from regulars.db.database import NO_VALUES
from regulars.db.statement import Row, Statement, Values
from regulars.db.tables import customer_tags
from regulars.text import sort_key
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.world import LIST, NOON, World

pytestmark = pytest.mark.slow

LARGE, SMALL = 250_000, 10_000
MANY, SOME = 1, 2
FIRST_NAMES = ("ayse", "mehmet", "fatma", "mustafa", "zeynep", "ali", "elif", "john", "maria", "olga", "geneva")
LAST_NAMES = (
    "yilmaz",
    "kaya",
    "demir",
    "sahin",
    "celik",
    "smith",
    "garcia",
    "ivanova",
    "weiss",
    "dubois",
    "rossi",
    None,
)
GENDERS = ("female", "male", "female", "male", None)


def row(first_id: int, number: int, user_id: int) -> Row:
    """Return the stored row of a customer. Equal numbers give equal customers in tenants of different sizes."""
    mixed = number * 7919 % 1_000_003
    first, last = FIRST_NAMES[mixed % 11], LAST_NAMES[mixed % 12]
    phone = f"{532_000_0000 + mixed * 7:010}"
    email = f"{first}{mixed}@example.com"
    created = NOON - timedelta(seconds=mixed * 61)
    values: dict[str, Any] = {
        "id": first_id + number,
        "first_name": first.title(),
        "last_name": last and last.title(),
        "phone_number": f"+90{phone}",
        "email": email,
        "date_of_birth": date(1940, 1, 1) + timedelta(days=mixed % 25_000) if mixed % 9 else None,
        "gender": GENDERS[mixed % 5],
        # The oldest customers live abroad.
        "country_id": None if mixed % 5_000 == 1 else 276 if mixed > 990_000 else 792,
        "default_channel_id": 1 + mixed % 2,
        "user_id": user_id if mixed % 100 == 0 else None,
        "created_at": created,
        "updated_at": created,
        "deleted_at": NOON if mixed % 50 == 0 else None,
        "first_name_key": sort_key(first.title()),
        "last_name_key": sort_key(last and last.title()),
        "search_text": "\n".join(part for part in (first, last, email, f"0090{phone}", f"0{phone}") if part),
        "version": 1,
    }
    return tuple(values.get(name) for name in COLUMNS[1:])


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def large_world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world with 250,000 customers in the clinic and ten thousand in the salon."""
    with World.on(fresh_database(request.param)) as world:
        database = world.database
        with deferred_indexes(database):
            for tenant, size, user in ((world.clinic, LARGE, world.bob), (world.salon, SMALL, world.charlie)):
                ids = reserve_customer_ids(database, tenant, size)
                for start in range(0, size, 5_000):
                    numbers = range(start, min(start + 5_000, size))
                    load_uncounted(database, tenant, [row(ids[0], number, user) for number in numbers])
                count_customers(database, tenant)
        tag_some(world)
        analyze_after_load(database)
        for tenant in (world.clinic, world.salon):
            world.add(tenant, first_name="Жxq")
        yield world


def tag_some(world: World) -> None:
    """Give every fifth customer of the clinic the tag `MANY`, and every ten-thousandth the tag `SOME`."""
    database, clinic = world.database, world.clinic
    assert [create_tag(database, clinic, name, "#000000").id for name in ("Many", "Some")] == [MANY, SOME]
    rows = (
        (clinic, 1 + number, tag) for tag, every in ((MANY, 5), (SOME, 10_000)) for number in range(0, LARGE, every)
    )
    database.load(customer_tags, TAG_COLUMNS, rows)


@dataclass
class Meter:
    """Counts the rows that PostgreSQL reads, or the steps that SQLite executes, for a request."""

    world: World

    def cost(self, query: str, tenant: int, *, path: str = LIST, finds: bool = True) -> int:
        """Return the cost of a GET request with this query."""
        user = self.world.alice if tenant == self.world.clinic else self.world.charlie
        with pytest.MonkeyPatch.context() as patch:
            count = self._count_rows(patch) if self.world.database.dialect == "postgresql" else self._count_steps()
            answer = self.world.get(path, query_string=query, user=user, tenant=tenant)
            assert answer.status_code == 200, answer.text
            assert bool(answer.json["data"]) == finds
            return sum(count)

    def _count_steps(self) -> list[int]:
        connection = self.world.database._connection()  # type: ignore[attr-defined]
        steps: list[int] = []
        connection.set_progress_handler(lambda: steps.append(10), 10)
        return steps

    def _count_rows(self, patch: pytest.MonkeyPatch) -> list[int]:
        rows: list[int] = []
        fetch_all = self.world.database.fetch_all

        def counting(statement: Statement, values: Values = NO_VALUES) -> list[Row]:
            rows.append(rows_read(explain(self.world.url, statement, values)))
            return fetch_all(statement, values)

        patch.setattr(self.world.database, "fetch_all", counting)
        return rows


def explain(url: str, statement: Statement, values: Values) -> Mapping[str, Any]:
    """Return PostgreSQL's plan with its actual costs."""
    compiled = statement.compiled("postgresql")
    factory: Any = psycopg.ClientCursor if statement.custom_plan else psycopg.RawCursor
    with psycopg.connect(url, cursor_factory=factory, options="-c jit=off -c plan_cache_mode=force_generic_plan") as c:
        query = f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled.sql}"
        ((plans,),) = c.execute(query.encode(), compiled.parameters(values)).fetchall()
    return dict(plans[0]["Plan"])


def rows_read(plan: Mapping[str, Any]) -> int:
    """Return the number of rows and index entries that the plan read."""
    found = 0
    if "Relation Name" in plan or plan["Node Type"] == "Bitmap Index Scan":
        left_out = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        found = (plan["Actual Rows"] + left_out) * plan["Actual Loops"]
    return int(found) + sum(rows_read(each) for each in plan.get("Plans", ()))


def next_page(world: World, tenant: int) -> str:
    """Return the query of the link to the next page."""
    user = world.alice if tenant == world.clinic else world.charlie
    link = world.get(LIST, params={"page": 40}, user=user, tenant=tenant).json["links"]["next"]
    return str(urlsplit(link).query)


ORDERS = [
    f"sort_by={name}&sort_order={order}"
    for name in ("first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at")
    for order in ("asc", "desc")
]
SOMEBODY = dict(zip(COLUMNS[1:], row(1, 4_321, 1), strict=True))
QUERIES = [
    "",
    "per_page=100",
    "page=40",
    *ORDERS,
    "gender=female",
    "gender=female&sort_by=first_name",
    "trashed=true",
    "limit=50",
    "NEXT PAGE",
    f"search={SOMEBODY['phone_number']}".replace("+", "%2B"),
    f"search={SOMEBODY['email']}",
    "search=xq",
    "search=ж",
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_request_costs_as_much_in_a_large_tenant_as_in_a_small_one(large_world: World, query: str) -> None:
    meter = Meter(large_world)
    small, great = (
        meter.cost(next_page(large_world, tenant) if query == "NEXT PAGE" else query, tenant)
        for tenant in (large_world.salon, large_world.clinic)
    )
    assert great <= 1.5 * small + 100


@pytest.mark.parametrize("search", ["xqxq", "qx", "@@", "ж1"])
def test_a_search_without_matches_does_not_read_the_tenant(large_world: World, search: str) -> None:
    small, great = (
        Meter(large_world).cost(f"search={search}", tenant, finds=False)
        for tenant in (large_world.salon, large_world.clinic)
    )
    assert great <= 1.5 * small + 100


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("page", [7_500, 12_500, 16_250])
def test_a_page_in_the_middle_is_not_counted_off_from_an_end(large_world: World, page: int, order: str) -> None:
    cost = Meter(large_world).cost(f"sort_by=created_at&sort_order={order}&page={page}", large_world.clinic)
    assert cost <= (30_000 if large_world.database.dialect == "postgresql" else 200_000)


@pytest.mark.parametrize("query", ["min_age=30&max_age=31&gender=male", "min_age=80", "max_age=60&sort_by=first_name"])
def test_a_page_of_some_ages_does_not_read_the_tenant(large_world: World, query: str) -> None:
    cost = Meter(large_world).cost(query, large_world.clinic)
    assert cost <= (LARGE / 30 if large_world.database.dialect == "postgresql" else LARGE / 4)


def test_a_page_near_the_end_is_read_from_there(large_world: World) -> None:
    for order in ORDERS:
        last = large_world.get(query_string=order).json["meta"]["last_page"]
        cost = Meter(large_world).cost(f"{order}&page={last - 3}", large_world.clinic)
        assert cost <= (1_000 if large_world.database.dialect == "postgresql" else 10_000), order


def test_duplicates_are_found_with_indexes_only(large_world: World) -> None:
    """If few customers share values, the index is scanned. Only returned customers are read from the table."""
    is_sqlite = large_world.database.dialect == "sqlite"
    for statement in duplicates.FIND_GROUPS.values():
        values = {"tenant_id": large_world.clinic, "groups": 20}
        if is_sqlite:
            plan = explain_on_sqlite(large_world, statement, values)
            assert any("USING COVERING INDEX ix_customers_" in step for step in plan), plan
        else:
            ways = [node["Node Type"] for node in nodes(explain(large_world.url, statement, values))]
            assert "Index Only Scan" in ways, ways
            assert ways.count("Sort") + ways.count("Incremental Sort") == 1, ways


def test_the_duplicates_of_one_person_are_looked_up_in_an_index(large_world: World) -> None:
    person = {**SOMEBODY, "identity_number": "X1"}
    for reason, statement in duplicates.FIND_SAME_VALUE.items():
        keys = duplicates._key_values(reason, person)
        values = {"tenant_id": large_world.clinic, **{f"key_{number}": key for number, key in enumerate(keys)}}
        if large_world.database.dialect == "sqlite":
            (step,) = explain_on_sqlite(large_world, statement, values)
            assert step.startswith(f"SEARCH customers USING INDEX ix_customers_{reason}"), step
        else:
            assert rows_read(explain(large_world.url, statement, values)) <= duplicates.MAX_GROUP_SIZE + 1


def explain_on_sqlite(world: World, statement: Statement, values: Values) -> list[str]:
    compiled = statement.compiled("sqlite")
    connection = world.database._connection()  # type: ignore[attr-defined]
    rows = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", compiled.parameters(values))
    return [row[3] for row in rows]


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


FEW_WANTED = ",".join(map(str, range(1, LARGE, LARGE // 100)))


@pytest.mark.parametrize("beside", ["", "search=a", "search=ayse", "gender=female", "country_id=792", f"tag_id={MANY}"])
def test_customers_of_given_ids_are_found_by_them(large_world: World, beside: str) -> None:
    cost = Meter(large_world).cost(f"ids={FEW_WANTED}&{beside}", large_world.clinic)
    assert cost <= (1_000 if large_world.database.dialect == "postgresql" else 20_000)


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        (f"tag_id={SOME}", True),
        (f"tag_id={SOME}&sort_by=first_name&gender=female", True),
        (f"tag_id={MANY}&search={SOMEBODY['email']}", False),
        (f"tag_id={SOME},99&sort_by=first_name", True),
        (f"updated_since={(NOON - timedelta(hours=10)).isoformat()[:19]}Z", True),
        (f"created_since={(NOON - timedelta(hours=10)).isoformat()[:19]}Z&gender=female", True),
        ("birthday_from=12-31&birthday_to=01-01", True),
        ("birthday_from=02-29&birthday_to=02-29&gender=female&sort_by=first_name", True),
        ("without=country_id", True),
    ],
)
def test_a_filter_by_which_few_are_found_does_not_read_the_tenant(large_world: World, query: str, finds: bool) -> None:
    cost = Meter(large_world).cost(query, large_world.clinic, finds=finds)
    assert cost <= (2_000 if large_world.database.dialect == "postgresql" else 40_000)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_cursor_leads_to_its_place_in_a_range_of_times(large_world: World, order: str) -> None:
    """The page next to a cursor costs no more than the first one, at which the range begins."""
    since, until = (f"{(NOON - timedelta(days=days)).isoformat()[:19]}Z" for days in (600, 50))
    first = f"created_since={since}&created_until={until}&sort_by=created_at&sort_order={order}"
    links = large_world.get(query_string=f"{first}&page=5000").json["links"]
    for link in (links["next"], links["prev"]):
        cost = Meter(large_world).cost(urlsplit(link).query, large_world.clinic)
        assert cost <= 1.1 * Meter(large_world).cost(first, large_world.clinic)


@pytest.mark.parametrize(
    "query",
    [
        "country_id=276",  # the last ones in the default order
        "country_id=276&sort_by=created_at&sort_order=desc&page=100",
        f"updated_since={(NOON - timedelta(days=10)).isoformat()[:19]}Z&sort_by=updated_at",
        f"updated_since={(NOON - timedelta(days=10)).isoformat()[:19]}Z&sort_by=updated_at&sort_order=desc",
    ],
)
def test_a_filter_whose_index_has_the_order_leads_to_the_page(large_world: World, query: str) -> None:
    """A few thousand matches are counted; customers before them in the list are not read."""
    cost = Meter(large_world).cost(query, large_world.clinic)
    assert cost <= (LARGE / 20 if large_world.database.dialect == "postgresql" else LARGE / 4)


@pytest.mark.parametrize("group_by", ["gender", "created_month,channel,country,user,tag", "age"])
def test_statistics_do_not_read_the_customers(large_world: World, group_by: str) -> None:
    """The ages are counted from years, and from half the days of each fifth year at most."""
    cost = Meter(large_world).cost(f"group_by={group_by}", large_world.clinic, path=f"{LIST}/statistics")
    is_postgresql = large_world.database.dialect == "postgresql"
    if group_by == "age":
        assert cost <= (15_000 if is_postgresql else 400_000)
    else:
        assert cost <= (1_000 if is_postgresql else 10_000)
