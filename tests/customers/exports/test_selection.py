"""The customers of an export."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.customers.exports.exporter import count_exported, export_customers
from regulars.customers.exports.request import EXPORT_FORMATS, ExportFormat, ExportRequest, read_columns
from regulars.customers.fields import CSV_COLUMNS
from regulars.customers.read.filter_sql import EMPTY_FILTERS, TIME_FILTERS, UNCOUNTED_FILTERS
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.customers.read.list_sql import SortBy, SortOrder
from regulars.customers.tags import create_tag
from regulars.errors import NotFound
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.world import LIST, NOON, World

IDS = [(1, 2), (2, 9)]
TIMES = [datetime(2026, 5, 4, 12, 30, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
UNCOUNTED: dict[str, list[Any]] = {
    "tag_id": [1, 2, 9],
    "tag_ids": IDS,
    "user_ids": IDS,
    "country_id": [792, 276, 1],
    "country_ids": [(276, 792)],
    "channel_id": [1, 2],
    "channel_ids": IDS,
    "birthday": [("01-01", "12-31"), ("11-01", "02-28"), ("02-29", "02-29")],
    "ids": [(1, 2, 3, 40, 999)],
    **dict.fromkeys(TIME_FILTERS, TIMES),
    **{name: [True] for name in EMPTY_FILTERS},
}
assert UNCOUNTED.keys() == UNCOUNTED_FILTERS
QUERIES = st.builds(
    CustomerQuery,
    search=st.sampled_from(["", "", "müş", "yılmaz 1", "MÜŞTERİ 0", "1", "z", "ş 2", "example.com"]),
    sort_by=st.sampled_from(get_args(SortBy)),
    sort_order=st.sampled_from(get_args(SortOrder)),
    gender=st.sampled_from([None, None, "female", "other"]),
    min_age=st.sampled_from([None, None, 0, 30]),
    max_age=st.sampled_from([None, None, 0, 50]),
    user_id=st.sampled_from([None, None, 2, 2**63]),
    trashed=st.booleans(),
    uncounted_filters=st.lists(
        st.sampled_from([(name, value) for name, values in UNCOUNTED.items() for value in values]), max_size=3
    ).map(lambda filters: dict(filters) or None),
)


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database(request.param)) as made:
        made.add_customers()
        for name in ("VIP", "Toptan"):
            create_tag(made.database, made.clinic, name, "#000000")
        for number, row in enumerate(made.get(params={"per_page": 100}).json["data"]):
            made.send("PUT", f"{LIST}/{row['id']}", {"tags": [1, 2][: number % 3]})
        yield made


def exported_ids(world: World, query: CustomerQuery | None) -> list[int]:
    content = io.BytesIO()
    request = ExportRequest("jsonl", ("id",), query)
    count = export_customers(world.database, world.clinic, request, content)
    ids = [json.loads(line)["id"] for line in content.getvalue().splitlines()]
    assert len(ids) == count == count_exported(world.database, world.clinic, request)
    return ids


def listed_ids(world: World, query: CustomerQuery) -> list[int]:
    found: list[int] = []
    today = datetime.now(UTC).date()
    for page in range(1, 10):
        page_query = replace(query, page=page, per_page=7)
        found += [customer.id for customer in fetch_page(world.database, world.clinic, page_query, today).customers]
    return found


@settings(max_examples=150)
@given(query=QUERIES)
def test_an_export_has_the_customers_of_all_pages_in_their_order(world: World, query: CustomerQuery) -> None:
    assert exported_ids(world, query) == listed_ids(world, query)


def test_without_filters_all_customers_are_exported_in_the_order_of_their_ids(world: World) -> None:
    ids = exported_ids(world, None)
    assert ids == sorted(listed_ids(world, CustomerQuery()) + listed_ids(world, CustomerQuery(trashed=True)))
    assert len(ids) == 40


def test_ages_are_those_of_today(empty_world: World) -> None:
    empty_world.add(date_of_birth=date(1900, 1, 1))
    assert len(exported_ids(empty_world, CustomerQuery(min_age=126))) == 1
    assert exported_ids(empty_world, CustomerQuery(max_age=125)) == []


@pytest.mark.parametrize("file_format", EXPORT_FORMATS)
def test_a_missing_tenant_is_reported_before_anything_is_written(world: World, file_format: ExportFormat) -> None:
    content = io.BytesIO()
    with pytest.raises(NotFound):
        export_customers(world.database, 999, ExportRequest(file_format), content)
    with pytest.raises(NotFound):
        count_exported(world.database, 999, ExportRequest(file_format))
    assert content.getvalue() == b""


class _Stop(Exception):
    pass


@pytest.mark.parametrize("file_format", EXPORT_FORMATS)
def test_progress_is_reported_and_stops_an_export(
    world: World, file_format: ExportFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.customers.exports.exporter.ROWS_PER_PROGRESS", 10)
    request = ExportRequest(file_format, query=CustomerQuery())
    counts: list[int] = []
    assert export_customers(world.database, world.clinic, request, io.BytesIO(), progress=counts.append) == 37
    assert counts == [10, 20, 30, 37]

    def stop(count: int) -> None:
        raise _Stop

    with pytest.raises(_Stop):
        export_customers(world.database, world.clinic, request, io.BytesIO(), progress=stop)
    # The connection of this thread is free again, and sees the changes after the export.
    world.add(world.salon, created_at=NOON)


def test_columns_are_in_the_order_of_a_file() -> None:
    assert read_columns("tags, id ,id") == ("id", "tags")
    with pytest.raises(ValueError, match=f'must be some of {", ".join(CSV_COLUMNS)}, separated by commas, not "x", ""'):
        read_columns("x,id,")
