"""Statistics: exact at any time, and equal to the totals of the list with the same filters."""

from datetime import UTC, date, datetime, timedelta
from runpy import run_path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import bindparam, func, select, text, update

from regulars.cli.main import run
from regulars.customers.counts.maintenance import check_counts, merge_count_deltas, rebuild_counts
from regulars.customers.read.list import CustomerQuery, count_customers
from regulars.customers.read.statistics import fetch_statistics
from regulars.customers.read.statistics_sql import GROUPS
from regulars.db.schema_version import MIGRATIONS
from regulars.db.statement import Statement
from regulars.db.tables import customer_group_counts, group_count_deltas
from tests.support.schema import connect
from tests.support.shop import Shop
from tests.support.world import LIST, World, expect_error

STATISTICS = f"{LIST}/statistics"
TAGS = "/api/v1/tags"
DELTAS = Statement(select(func.count()).select_from(group_count_deltas))
SPOIL = Statement(
    update(customer_group_counts)
    .where(customer_group_counts.c.tenant_id == bindparam("of_tenant"), customer_group_counts.c.kind == "channel")
    .where(customer_group_counts.c.value == 1)
    .values(count=customer_group_counts.c.count + 1)
)


def statistics(world: World, **parameters: Any) -> Any:
    answer = world.get(STATISTICS, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def total(world: World, **filters: Any) -> int:
    given = {name: value for name, value in filters.items() if value is not None}
    return int(world.get(params=given | {"per_page": 1}).json["meta"]["total"])


def wrong_figures(world: World) -> list[Any]:
    """Return the figures that are not the total of the list with the filter that they name."""
    data = statistics(world)
    filters: list[tuple[dict[str, Any], int]] = [({}, data["total"])]
    filters += [({"gender": one["gender"]}, one["count"]) for one in data["gender"] if one["gender"]]
    for one in data["age"]:
        if one["gender"] and one["min_age"] is not None:
            filters.append(({name: one[name] for name in ("gender", "min_age", "max_age")}, one["count"]))
    for group in ("channel", "country", "user", "tag"):
        filters += [({f"{group}_id": one["id"]}, one["count"]) for one in data[group] if one["id"]]
    return [(asked, count) for asked, count in filters if total(world, **asked) != count]


@pytest.fixture
def world(empty_world: World) -> World:
    """Yield a world with customers that have values in all groups, some in the trash, and two tags."""
    world = empty_world
    world.add_customers()
    for name in ("VIP", "Yeni"):
        assert world.send("POST", TAGS, {"name": name, "color": "#000000"}).status_code == 201
    for number in range(1, 13):
        tags = [1 + number % 2] if number % 3 else [1, 2]
        answer = world.send("PUT", f"{LIST}/{number}", {"tags": tags, "default_channel_id": 1 + number % 3})
        assert answer.status_code == (409 if number == 6 else 200)  # customer 6 is in the trash
    return world


def test_figures_are_totals_of_the_list_before_and_after_the_deltas_are_merged(world: World) -> None:
    assert wrong_figures(world) == []
    before = statistics(world)
    merge_count_deltas(world.database)
    assert statistics(world) == before
    # Most customers first, then those without a value.
    assert before["country"] == [{"id": 792, "name": "Türkiye", "count": 37}]
    assert [one["name"] for one in before["user"]] == ["Bob", None]
    assert [one["count"] for one in before["tag"]] == sorted((one["count"] for one in before["tag"]), reverse=True)
    # After the merge, every kind of write leaves deltas.
    for method, path, content in (
        ("POST", LIST, {"first_name": "Can", "country_id": 276, "tags": [2]}),
        ("PUT", f"{LIST}/1", {"country_id": None, "default_channel_id": 4, "tags": None, "user_id": world.alice}),
        ("DELETE", f"{LIST}/2", None),
        ("POST", f"{LIST}/6/restore", None),
        ("POST", f"{LIST}/3/merge", {"customer_id": 4}),
        ("POST", f"{LIST}/3/unmerge", {"customer_id": 4}),
        ("POST", f"{LIST}/7/merge", {"customer_id": 8}),
        ("POST", f"{LIST}/9/erase", None),
        ("DELETE", f"{LIST}/2?permanently=true", None),
        ("DELETE", f"{TAGS}/1", None),
    ):
        answer = world.send(method, path, content)
        assert answer.status_code < 300, answer.text
        assert wrong_figures(world) == [], path
        assert check_counts(world.database, world.clinic) == [], path
    assert {one["name"] for one in statistics(world)["tag"]} == {"Yeni"}


@pytest.mark.parametrize(
    "today",
    [date(2026, 1, 1), date(2026, 3, 5), date(2024, 2, 29), date(2026, 7, 31), date(2024, 12, 31), date(2026, 12, 31)],
    ids=str,
)
def test_a_band_of_ages_ends_on_the_birthday(empty_world: World, today: date) -> None:
    world = empty_world
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    for age in (0, 1, 5, 30, 33, 100, 105):
        for days in (-1, 0, 1):
            birthday = date(today.year - age, today.month, min(today.day, 28)) + timedelta(days=days)
            world.add(date_of_birth=birthday, gender=("female", None)[age % 2])
    world.add(gender="female")

    def counted(**asked: Any) -> int:
        return count_customers(world.database, world.clinic, CustomerQuery(**asked), today)

    for _merged in range(2):
        ages = fetch_statistics(world.database, world.clinic, {"age"}, now).age
        assert isinstance(ages, list)
        known = [one for one in ages if one.min_age is not None]
        for one in known:
            asked = {"min_age": one.min_age, "max_age": one.max_age}
            if one.gender:
                assert one.count == counted(gender=one.gender, **asked)
            assert sum(each.count for each in known if each.min_age == one.min_age) == counted(**asked)
        assert [one.count for one in ages if one.min_age is None] == [0, 1, 0, 0]
        assert (known[0].min_age, known[0].max_age, known[-1].min_age, known[-1].max_age) == (0, 4, 100, None)
        merge_count_deltas(world.database)


def test_months_without_customers_are_zero(empty_world: World) -> None:
    world = empty_world
    assert statistics(world)["created_month"] == []
    last_second = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    world.add(created_at=last_second)
    world.add(created_at=last_second + timedelta(days=60))
    now = datetime(2026, 4, 1, 0, 30, tzinfo=UTC)
    months = fetch_statistics(world.database, world.clinic, {"created_month"}, now).created_month
    assert isinstance(months, list)
    assert [(one.month, one.count) for one in months] == [
        ("2025-12", 1),
        ("2026-01", 0),
        ("2026-02", 0),
        ("2026-03", 1),
        ("2026-04", 0),
    ]


def test_only_requested_groups_are_returned(world: World) -> None:
    assert set(statistics(world)) == {"total", *GROUPS}
    assert set(statistics(world, group_by="tag,gender")) == {"total", "gender", "tag"}
    assert statistics(world, group_by="channel")["total"] == total(world)
    error = expect_error(world.get(STATISTICS, params={"group_by": "tag,job"}), 422, "validation_error")
    assert 'not "job"' in error["errors"]["group_by"][0]
    etag = world.get(STATISTICS).headers["ETag"]
    assert world.get(STATISTICS, headers={"If-None-Match": etag}).status_code == 304
    world.add()
    assert world.get(STATISTICS, headers={"If-None-Match": etag}).status_code == 200


def test_a_former_member_keeps_the_customers(world: World) -> None:
    assert world.send("DELETE", f"/api/v1/users/{world.bob}").status_code == 204
    (bob, _nobody) = statistics(world, group_by="user")["user"]
    assert bob == {"id": world.bob, "name": "Bob", "count": total(world, user_id=world.bob)}


def test_a_change_of_tags_alone_is_merged(world: World) -> None:
    merge_count_deltas(world.database)
    assert world.send("PUT", f"{LIST}/20", {"tags": [2]}).status_code == 200
    assert world.database.fetch_all(DELTAS) == [(1,)]
    merge_count_deltas(world.database)
    assert world.database.fetch_all(DELTAS) == [(0,)]
    assert wrong_figures(world) == []


def test_an_import_and_its_undo_are_counted(empty_world: World) -> None:
    shop = Shop.opened(empty_world)
    rows = "".join(f"Ad {number},{('DE', 'TR')[number % 2]},VIP|Yeni\n" for number in range(300))
    done = shop.load(f"first_name,country_code,tags\n{rows}")
    assert (done.status, done.stderr) == (0, "")
    data = empty_world.get(STATISTICS, tenant=shop.tenant).json["data"]
    assert [one["count"] for group in ("country", "tag") for one in data[group]] == [150, 150, 300, 300]
    assert check_counts(empty_world.database, shop.tenant) == []
    assert shop.run(*done.undo[:3]).status == 0
    assert check_counts(empty_world.database, shop.tenant) == []
    data = empty_world.get(STATISTICS, tenant=shop.tenant).json["data"]
    assert [data[group] for group in ("country", "tag", "created_month")] == [[], [], []]


def test_wrong_counts_are_found_and_rebuilt(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    merge_count_deltas(world.database)
    world.database.execute(SPOIL, {"of_tenant": world.clinic})
    assert run(["counts", "--check", "--database", world.url]) == 1
    assert "customers with channel 1: too high by 1." in capsys.readouterr().out
    rebuild_counts(world.database, world.clinic)
    assert check_counts(world.database, world.clinic) == []


def test_the_migration_counts_the_customers(world: World) -> None:
    before = statistics(world)
    with connect(world.url) as connection:
        for table in ("group_count_deltas", "customer_group_counts"):
            connection.execute(text(f"DROP TABLE {table}"))
        operations = Operations(MigrationContext.configure(connection))
        with operations.context(operations.migration_context):
            run_path(str(MIGRATIONS / "0006_group_counts.py"))["upgrade"]()
        connection.commit()
    assert check_counts(world.database, world.clinic) == check_counts(world.database, world.salon) == []
    assert statistics(world) == before
