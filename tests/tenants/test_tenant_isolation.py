"""Every statement of the service is restricted to one tenant, so that Citus sends it to one shard.

The tests read PostgreSQL's plan of each statement: every scan of a distributed table must have a tenant condition.
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
from regulars.db.citus import DISTRIBUTED_TABLES
from regulars.db.postgres import PostgresDatabase, _configure
from regulars.db.statement import Row, Statement, Values
from tests.conftest import FreshDatabase
from tests.support.postgres import Server
from tests.support.world import World

TENANT = 424_242_424_242
OF_ALL_TENANTS = {
    "regulars.customers.counts.maintenance.FIND_TENANTS_WITH_DELTAS": "finds tenants with deltas; the index is small",
    "regulars.cleanup.DELETE_OLD_IDEMPOTENCY_KEYS": "deletes expired keys of all tenants with an index",
    "regulars.db.bulk_load.ANY_CUSTOMER": "`regulars seed` checks whether the database is empty",
}
NOT_FOR_POSTGRESQL = {
    "regulars.customers.read.duplicates.ON_SQLITE",
    "regulars.customers.read.search.SOME_TRIGRAMS",
    "regulars.db.bulk_load.SQLITE_PARTS",
    "regulars.db.bulk_load.SQLITE_SEARCH",
}
OF_CITUS = {f"regulars.db.citus.{name}" for name in ("COORDINATORS", "TABLES")}
MADE_WHEN_ASKED = {
    "page_statement",  # tested below with all query shapes
    "total_statement",
    "_run",  # db/bulk_load.py: reads the catalog
    "_call",  # db/citus.py: sets up the cluster
}
CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")


def modules() -> Iterator[Any]:
    for module in pkgutil.walk_packages(regulars.__path__, "regulars."):
        if not {"__main__", "env", "versions"} & set(module.name.split(".")):
            yield importlib.import_module(module.name)


def statements() -> Iterator[tuple[str, Statement]]:
    """Yield every PostgreSQL statement in a module variable, list or mapping, with its name."""
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, Mapping):
                found = value["postgresql"] if "postgresql" in value else list(value.values())
            else:
                found = value
            for one in found if isinstance(found, list | tuple) else [found]:
                if isinstance(one, Statement) and f"{module.__name__}.{name}" not in NOT_FOR_POSTGRESQL | OF_CITUS:
                    yield f"{module.__name__}.{name}", one


class Plans:
    """Reader of PostgreSQL's plans."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
        _configure(self.connection)

    def read(self, statement: Statement, values: Values) -> dict[str, Any]:
        """Return the plan of a statement for these values."""
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
    """Return the distributed tables that the plan reads without a tenant condition."""
    found = []
    for node in nodes(plan):
        if node.get("Relation Name") in DISTRIBUTED_TABLES and "Scan" in node["Node Type"]:
            beneath = list(nodes(node)) if node["Node Type"] == "Bitmap Heap Scan" else [node]
            conditions = " ".join(str(each.get(kind, "")) for each in beneath for kind in CONDITIONS)
            if f"tenant_id = '{tenant_id}'::bigint" not in conditions and f"tenant_id = {tenant_id})" not in conditions:
                found.append(f"{node['Relation Name']}: {conditions}")
    return found


def made_up_values(statement: Statement) -> dict[str, Any]:
    """Return a value of the right type for each parameter of a statement, and a unique value for the tenant."""
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
    from regulars.db.statement import CLIENT_SIDE_DIALECT, DIALECTS

    return CLIENT_SIDE_DIALECT if statement.custom_plan else DIALECTS["postgresql"]


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
        assert missing or name not in OF_ALL_TENANTS, f"{name} has a tenant condition; remove it from OF_ALL_TENANTS"
    assert wrong == []
    assert len(seen) > 80
    assert seen >= OF_ALL_TENANTS.keys()


def test_statements_are_made_where_the_test_above_finds_them() -> None:
    """They are created in module-level code and the functions that it calls. Exceptions are listed."""
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
    """A database that records each statement with the values of its last execution."""

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
    """Yield a world whose list is long for its page checkpoints, which have a distance of two customers."""
    for name in ("MAX_FORWARD_OFFSET", "FEW_MATCHES", "CHECKPOINT_DISTANCE"):
        monkeypatch.setattr(listing, name, 2)
    monkeypatch.setattr(listing, "MIN_CHECKPOINT_TOTAL", 20)
    monkeypatch.setattr(page_checkpoints, "MIN_CHECKPOINT_TOTAL", 20)
    monkeypatch.setattr(page_checkpoints, "CHECKPOINT_DISTANCE", 2)
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
    uncounted_filters: dict[str, Any] = {
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
    for name, value in uncounted_filters.items():
        for search in ("", "müşteri", "m"):
            first = ask(uncounted_filters={name: value}, search=search)
            ask(uncounted_filters={name: value}, search=search, page=5, sort_by="last_name")
            if first.after:
                ask(uncounted_filters={name: value}, search=search, cursor=first.after)
    plans = Plans(world.url)
    wrong = [
        missing
        for one, values in database.seen.items()
        if (missing := without_tenant(plans.read(one, values), world.clinic))
    ]
    plans.connection.close()
    assert wrong == []
    starts = {"page_checkpoints", "ORDER BY", "OFFSET"}
    assert all(any(start in one.compiled("postgresql").sql for one in database.seen) for start in starts)
    assert len(database.seen) > 150
