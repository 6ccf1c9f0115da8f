"""Every statement that the service can send is about one tenant, so that a Citus cluster sends it to one shard.

The plan of each is read, as PostgreSQL makes it: whoever reads a distributed table must look for the tenant there.
"""

import ast
import importlib
import json
import pkgutil
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
from sqlalchemy import ARRAY
from sqlalchemy.sql.compiler import SQLCompiler

import regulars
from regulars.customers.counts import page_checkpoints
from regulars.customers.counts.maintenance import merge_count_deltas, rebuild_counts
from regulars.customers.read import list as listing
from regulars.customers.read.list import CustomerQuery, Page, fetch_page
from regulars.customers.read.list_sql import SortBy
from regulars.db.citus import DISTRIBUTED
from regulars.db.postgres import PostgresDatabase, _configure
from regulars.db.statement import Row, Statement, Values
from tests.conftest import FreshDatabase
from tests.support.postgres import Server
from tests.support.world import World

TENANT = 424_242_424_242
OF_ALL_TENANTS = {
    "regulars.customers.counts.maintenance.WITH_DELTAS": "finds whose deltas are to be folded; an index of few rows",
    "regulars.cleanup.DELETE_OLD_IDEMPOTENCY_KEYS": "deletes the old keys of all tenants, found by an index",
    "regulars.db.bulk_load.ANY_CUSTOMER": "`regulars seed` looks whether the database is empty",
}
NOT_FOR_POSTGRESQL = {
    "regulars.customers.read.duplicates.ON_SQLITE",
    "regulars.customers.read.search.SOME_TRIGRAMS",
    "regulars.db.bulk_load.SQLITE_PARTS",
    "regulars.db.bulk_load.SQLITE_SEARCH",
}
OF_CITUS = {f"regulars.db.citus.{name}" for name in ("COORDINATORS", "TABLES")}
MADE_WHEN_ASKED = {
    "page_statement",  # each form of them is seen below
    "total_statement",
    "_run",  # db/bulk.py: what the catalog says
    "_call",  # db/citus.py: the cluster is made
}
CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")


def modules() -> Iterator[Any]:
    for module in pkgutil.walk_packages(regulars.__path__, "regulars."):
        if not {"__main__", "env", "versions"} & set(module.name.split(".")):
            yield importlib.import_module(module.name)


def statements() -> Iterator[tuple[str, Statement]]:
    """Every statement for PostgreSQL that has a name in a module, and those in its lists and mappings."""
    for module in modules():
        for name, value in vars(module).items():
            found = value.get("postgresql") if isinstance(value, Mapping) and "postgresql" in value else value
            for one in found if isinstance(found, list | tuple) else [found]:
                if isinstance(one, Statement) and f"{module.__name__}.{name}" not in NOT_FOR_POSTGRESQL | OF_CITUS:
                    yield f"{module.__name__}.{name}", one


class Plans:
    """The plans that PostgreSQL makes."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
        _configure(self.connection)

    def read(self, statement: Statement, values: Values) -> dict[str, Any]:
        """The plan of a statement for these values."""
        compiled = statement.compiled("postgresql")
        if compiled.sql.startswith("SET "):
            return {"Node Type": "none"}
        explain = f"EXPLAIN (FORMAT JSON) {compiled.sql}"
        cursor = psycopg.ClientCursor(self.connection) if statement.custom_plan else self.connection.cursor()
        ((answer,),) = cursor.execute(explain.encode(), compiled.parameters(values)).fetchall()
        plan: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0].get("Plan", {})
        return plan


@pytest.fixture(scope="module")
def plans(postgres_server: Server, fresh_database: FreshDatabase) -> Iterator[Plans]:
    made = Plans(fresh_database("postgresql"))
    yield made
    made.connection.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def without_tenant(plan: dict[str, Any], tenant_id: int) -> list[str]:
    """The distributed tables that the plan reads without looking for the tenant."""
    found = []
    for node in nodes(plan):
        if node.get("Relation Name") in DISTRIBUTED and "Scan" in node["Node Type"]:
            beneath = list(nodes(node)) if node["Node Type"] == "Bitmap Heap Scan" else [node]
            conditions = " ".join(str(each.get(kind, "")) for each in beneath for kind in CONDITIONS)
            if f"tenant_id = '{tenant_id}'::bigint" not in conditions and f"tenant_id = {tenant_id})" not in conditions:
                found.append(f"{node['Relation Name']}: {conditions}")
    return found


def made_up_values(statement: Statement) -> dict[str, Any]:
    """A value for each parameter of a statement, by its type; the tenant's is one that nothing else has."""
    clause: Any = statement.clause
    compiled = clause.compile(dialect=psycopg_dialect(statement))
    assert isinstance(compiled, SQLCompiler)
    samples = {
        int: 7,
        str: "7",
        datetime: datetime(2026, 1, 1, tzinfo=UTC),
        date: date(2026, 1, 1),
        bytes: b"7",
        list: [7],
    }
    values: dict[str, Any] = {}
    for name, parameter in compiled.binds.items():
        if "tenant_id" in name or name == "of_tenant":
            values[name] = TENANT
        elif parameter.value is None:
            values[name] = samples.get(_python_type(parameter), 7)
    return values


def psycopg_dialect(statement: Statement) -> Any:
    from regulars.db.statement import DIALECTS, WITH_VALUES_IN_TEXT

    return WITH_VALUES_IN_TEXT if statement.custom_plan else DIALECTS["postgresql"]


def _python_type(parameter: Any) -> Any:
    if isinstance(parameter.type, ARRAY):
        return list
    try:
        return parameter.type.python_type
    except NotImplementedError:
        return int


def test_every_statement_with_a_name_looks_for_its_tenant(plans: Plans) -> None:
    seen, wrong = set(), []
    for name, statement in statements():
        seen.add(name)
        missing = without_tenant(plans.read(statement, made_up_values(statement)), TENANT)
        if missing and name not in OF_ALL_TENANTS:
            wrong.append((name, missing))
        assert missing or name not in OF_ALL_TENANTS, f"{name} is no longer about all tenants"
    assert wrong == []
    assert len(seen) > 80
    assert seen >= OF_ALL_TENANTS.keys()


def test_statements_are_made_where_the_test_above_finds_them() -> None:
    """In a module's own lines, or by a function that these call; those that are made when asked are known."""
    unknown = []
    for path in Path(regulars.__file__).parent.rglob("*.py"):
        module = ast.parse(path.read_text("utf-8"))
        functions = [node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        called = {name for node in module.body if node not in functions for name in calls_in(node)}
        unknown += [
            f"{path.name}: {function.name}"
            for function in functions
            if "Statement" in set(calls_in(function)) and function.name not in called | MADE_WHEN_ASKED
        ]
    assert unknown == []


def calls_in(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            yield part.func.id


class Recorder(PostgresDatabase):
    """A database that remembers each statement that it was sent, with values that it was sent with."""

    def __init__(self, url: str) -> None:
        super().__init__(url, threads=1)
        self.seen: dict[Statement, Values] = {}

    def fetch_all(self, statement: Statement, values: Values = {}) -> list[Row]:  # noqa: B006
        self.seen[statement] = values
        return super().fetch_all(statement, values)


@pytest.fixture
def long_list(
    postgres_server: Server, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[World, Recorder]]:
    """A list that is long for such a service as finds its far pages by page_checkpoints of a few customers."""
    for name in ("NEAR", "FEW", "STEP"):
        monkeypatch.setattr(listing, name, 2)
    monkeypatch.setattr(listing, "LONG", 20)
    monkeypatch.setattr(page_checkpoints, "LONG", 20)
    monkeypatch.setattr(page_checkpoints, "STEP", 2)
    with World.on(fresh_database("postgresql")) as world:
        world.add_customers()
        merge_count_deltas(world.database)
        rebuild_counts(world.database, world.clinic)
        recorder = Recorder(world.url)
        try:
            yield world, recorder
        finally:
            recorder.close()


def test_every_form_of_the_list_looks_for_its_tenant(long_list: tuple[World, Recorder]) -> None:
    world, database = long_list
    today = date(2026, 5, 4)

    def ask(**asked: Any) -> Page:
        return fetch_page(database, world.clinic, CustomerQuery(per_page=3, **asked), today)

    filters: dict[str, tuple[Any, ...]] = {
        "search": ("", "müşteri", "m", "mü", "0532111", "05", "müşteri 1", "musteri7@example", "nobody"),
        "gender": (None, "female"),
        "user_id": (None, world.bob),
        "min_age": (None, 20),
        "trashed": (False, True),
    }
    beside: dict[str, Any] = {
        "updated_since": datetime(2026, 1, 1, tzinfo=UTC),
        "tag_id": 1,
        "channel_id": 1,
        "country_id": 792,
        "ids": (1, 2, 3),
    }
    for sort_by, sort_order in product(get_args(SortBy), ("asc", "desc")):
        for page in (1, 3, 6, 12):
            ask(sort_by=sort_by, sort_order=sort_order, page=page)
        first = ask(sort_by=sort_by, sort_order=sort_order)
        second = ask(sort_by=sort_by, sort_order=sort_order, cursor=first.after)
        ask(sort_by=sort_by, sort_order=sort_order, cursor=second.before)
        for search in filters["search"]:
            ask(sort_by=sort_by, sort_order=sort_order, search=search)
    for chosen in product(*filters.values()):
        asked = dict(zip(filters, chosen, strict=True))
        first = ask(**asked)
        ask(**asked, page=5, max_age=60)
        if first.after:
            ask(**asked, cursor=first.after)
    for name, value in beside.items():
        for search in ("", "müşteri", "m"):
            first = ask(beside={name: value}, search=search)
            ask(beside={name: value}, search=search, page=5, sort_by="last_name")
            if first.after:
                ask(beside={name: value}, search=search, cursor=first.after)
    plans = Plans(world.url)
    wrong = [
        missing
        for one, values in database.seen.items()
        if (missing := without_tenant(plans.read(one, values), world.clinic))
    ]
    plans.connection.close()
    assert wrong == []
    starts = {"counted_checkpoints", "ORDER BY", "OFFSET"}
    assert all(any(start in one.compiled("postgresql").sql for one in database.seen) for start in starts)
    assert len(database.seen) > 150
