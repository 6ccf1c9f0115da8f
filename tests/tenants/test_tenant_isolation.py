"""Every statement of the service is restricted to one tenant, so that Citus sends it to one shard.

The tests read the plan of each statement on both databases: every access to a table that belongs to tenants must have a
tenant condition. On SQLite, the plan names the columns of the index that it searches. On PostgreSQL, it shows the
conditions with their values.
"""

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from io import BytesIO
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
from regulars.customers.exports.exporter import export_customers
from regulars.customers.exports.request import ExportRequest
from regulars.customers.fields import FILTERED_COLUMNS
from regulars.customers.read import list as listing
from regulars.customers.read.filter_sql import EMPTY_FILTERS, LIST_FILTERS, TIME_FILTERS, UNCOUNTED_FILTERS
from regulars.customers.read.list import CustomerQuery, Page, fetch_page
from regulars.customers.read.list_sql import SortBy
from regulars.customers.read.statistics import fetch_statistics
from regulars.customers.read.statistics_sql import GROUPS
from regulars.db.database import NO_VALUES
from regulars.db.postgres_session import SessionSettings, configure_session
from regulars.db.sqlite import SQLiteDatabase
from regulars.db.statement import CLIENT_SIDE_DIALECT, DIALECTS, Row, Statement, Values
from regulars.db.tables import metadata
from tests.support.world import NOON, World

TENANT = 424_242_424_242
TENANT_TABLES = {table.name for table in metadata.tables.values() if "tenant_id" in table.c}
TABLES_WITH_TENANT_AS_ROWID = {
    table.name for table in metadata.tables.values() if [column.name for column in table.primary_key] == ["tenant_id"]
}
OTHER_SOURCES = metadata.tables.keys() - TENANT_TABLES | {
    "customers_search_trigrams",  # trigrams of all tenants, without their customers
    "json_each",
    "sqlite_master",
    "pragma_table_info",
    "alembic_version",
    "CONSTANT",
}
"""What SQLite's plans may read without a tenant condition."""
FOR_ALL_TENANTS = {
    "regulars.customers.counts.maintenance.FIND_TENANTS_WITH_DELTAS": "finds tenants with deltas; the index is small",
    "regulars.cleanup.DELETE_OLD_IDEMPOTENCY_KEYS": "deletes expired keys of all tenants with an index",
    "regulars.db.bulk_load.FIND_ANY_CUSTOMER": "`regulars seed` checks whether the database is empty",
    "regulars.db.bulk_load.FILL_SQLITE_SEARCH": "indexes the customers of all tenants after a bulk load",
    "regulars.accounts.access.FIND_MEMBERSHIP": "finds whether a user has any membership left",
    "regulars.accounts.administration.LIST_TENANT_IDS": "lists the tenants of a user who is deleted",
    "regulars.accounts.memberships.LIST_USER_MEMBERSHIPS": "lists the tenants of a user",
    "regulars.tenants.tenants.LIST_TENANTS_OF_USER": "lists the tenants of a user",
    "regulars.customers.imports.forget.FIND_EXPIRED_IMPORTS": "finds the expired imports of all tenants with an index",
    "regulars.customers.bulk.store.FIND_EXPIRED": "finds the expired bulk changes of all tenants with an index",
    "regulars.jobs.files.FIND_EXPIRED": "finds the expired files of all tenants with an index",
    "regulars.jobs.queue.FIND_DUE": "finds the jobs of all tenants that are due",
    "regulars.jobs.queue.COUNT_RUNNING": "counts the running jobs of each tenant",
}
ONLY_ON = {
    "sqlite": re.compile(r"\bsqlite_master\b|\bcustomers_search"),
    "postgresql": re.compile(r"\bpg_|^SET "),
    "citus": re.compile(r"\bpg_dist_|\bcitus_"),
}
"""What only one kind of database has. Statements that use it cannot be planned on the others."""
MADE_WHEN_ASKED = {
    "page_statement",  # tested below with all query shapes
    "stream_statement",
    "total_statement",
    "statistics_statement",
    "_run",  # db/bulk_load.py: reads the catalog
    "_call",  # db/citus.py: sets up the cluster
}
CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")
SQLITE_ACCESS = re.compile(
    r"(?:SEARCH|SCAN) (?P<table>\S+)(?: USING [\w ]+ \((?P<columns>.*)\))?(?: VIRTUAL TABLE INDEX \S*:(?P<limits>\S*))?"
)
SQLITE_SUBQUERY = re.compile(r"(?:CO-ROUTINE|MATERIALIZE) (\S+)")


def modules() -> Iterator[Any]:
    for module in pkgutil.walk_packages(regulars.__path__, "regulars."):
        if not {"__main__", "env", "versions", "migrations"} & set(module.name.split(".")):
            yield importlib.import_module(module.name)


def statements(kind: str) -> Iterator[tuple[str, Statement]]:
    """Yield every statement for a kind of database in a module variable, list or mapping, with its name."""
    for module in modules():
        for name, value in vars(module).items():
            found = value.get(kind, list(value.values())) if isinstance(value, Mapping) else value
            for statement in found if isinstance(found, list | tuple) else [found]:
                if isinstance(statement, Statement) and is_for(kind, statement):
                    yield f"{module.__name__}.{name}", statement


def is_for(kind: str, statement: Statement) -> bool:
    """Return whether the statement uses nothing that only another kind of database has."""
    sql = statement.compiled(kind).sql
    return not any(pattern.search(sql) for other, pattern in ONLY_ON.items() if other != kind)


class SQLitePlans:
    """SQLite's plans of statements."""

    kind = "sqlite"

    def __init__(self, url: str) -> None:
        self.connection = SQLiteDatabase(url.removeprefix("sqlite:///"))._connection()

    def unrestricted(self, statement: Statement, values: Values) -> list[str]:
        """Return the lines of the plan that read a table of tenants without a tenant condition."""
        compiled = statement.compiled("sqlite")
        explain = f"EXPLAIN QUERY PLAN {compiled.sql}"
        lines = [line for *_, line in self.connection.execute(explain, compiled.parameters(values))]
        if compiled.sql.startswith("DELETE") and not lines:
            return [compiled.sql]  # SQLite deletes a whole table without reading it
        subqueries = {found[1] for line in lines if (found := SQLITE_SUBQUERY.match(line))}
        return [line for line in lines if _is_unrestricted(line, subqueries)]


def _is_unrestricted(line: str, subqueries: set[str]) -> bool:
    """Return whether a line of SQLite's plan reads a table of tenants, or one with an unknown alias, without tenant."""
    access = SQLITE_ACCESS.match(line)
    if not access or access["table"] in subqueries | OTHER_SOURCES or access["table"].startswith("("):
        return False
    if access["table"] == "customers_search":  # its row numbers start with the tenant
        return not (access["limits"] or "").endswith("><")
    columns = access["columns"] or ""
    if access["table"] in TABLES_WITH_TENANT_AS_ROWID:
        return columns != "rowid=?"
    return columns.split(" AND ")[0] != "tenant_id=?"


class PostgresPlans:
    """PostgreSQL's plans of statements."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
        configure_session(self.connection, SessionSettings())

    def unrestricted(self, statement: Statement, values: Values) -> list[str]:
        """Return the scans of tables of tenants, with their conditions, that lack the tenant in `values`."""
        tenant_id = values.get("tenant_id", TENANT)
        return [
            f"{node['Relation Name']}: {conditions}"
            for node in _nodes(self._plan(statement, values))
            if node.get("Relation Name") in TENANT_TABLES and "Scan" in node["Node Type"]
            if not re.search(rf"tenant_id = '?{tenant_id}\b", conditions := _conditions(node))
        ]

    def _plan(self, statement: Statement, values: Values) -> dict[str, Any]:
        compiled = statement.compiled("postgresql")
        if compiled.sql.startswith("SET "):
            return {"Node Type": "none"}
        explain = f"EXPLAIN (FORMAT JSON) {compiled.sql}"
        cursor = psycopg.ClientCursor(self.connection) if statement.custom_plan else self.connection.cursor()
        ((answer,),) = cursor.execute(explain.encode(), compiled.parameters(values)).fetchall()
        plan: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0].get("Plan", {})
        return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


def _conditions(node: dict[str, Any]) -> str:
    parts = list(_nodes(node)) if node["Node Type"] == "Bitmap Heap Scan" else [node]
    return " ".join(str(part.get(kind, "")) for part in parts for kind in CONDITIONS)


@pytest.fixture
def plans(database_url: str) -> Iterator[SQLitePlans | PostgresPlans]:
    plans = SQLitePlans(database_url) if database_url.startswith("sqlite") else PostgresPlans(database_url)
    with closing(plans.connection):
        yield plans


def made_up_values(kind: str, statement: Statement) -> dict[str, Any]:
    """Return a value of the right type for each parameter of a statement, and a unique value for the tenant."""
    clause: Any = statement.clause
    dialect = CLIENT_SIDE_DIALECT if kind == "postgresql" and statement.custom_plan else DIALECTS[kind]
    compiled = clause.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    samples = {
        int: 7,
        bool: True,
        str: "7",
        datetime: datetime(2026, 1, 1, tzinfo=UTC),
        date: date(2026, 1, 1),
        bytes: b"7",
        list: [7],
    }
    values: dict[str, Any] = {}
    for name, parameter in compiled.binds.items():
        if "tenant" in name:
            values[name] = TENANT
        elif parameter.value is None:
            values[name] = samples.get(_python_type(parameter), 7)
    return values


def _python_type(parameter: Any) -> Any:
    if isinstance(parameter.type, ARRAY):
        return list
    try:
        return parameter.type.python_type
    except NotImplementedError:
        return int


def test_every_statement_with_a_name_has_a_tenant_condition(plans: SQLitePlans | PostgresPlans) -> None:
    seen, wrong = set(), []
    for name, statement in statements(plans.kind):
        seen.add(name)
        unrestricted = plans.unrestricted(statement, made_up_values(plans.kind, statement))
        if unrestricted and name not in FOR_ALL_TENANTS:
            wrong.append(f"{name}: {'; '.join(unrestricted)}")
        assert unrestricted or name not in FOR_ALL_TENANTS, f"{name} has a tenant condition; take it off the list"
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 80
    assert seen >= {name for name in FOR_ALL_TENANTS if "SQLITE" not in name}


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


@pytest.fixture
def long_list(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world whose list is long for its page checkpoints, which have a distance of two customers."""
    for name in ("MAX_FORWARD_OFFSET", "FEW_MATCHES", "CHECKPOINT_DISTANCE"):
        monkeypatch.setattr(listing, name, 2)
    monkeypatch.setattr(listing, "MIN_CHECKPOINT_TOTAL", 20)
    monkeypatch.setattr(page_checkpoints, "MIN_CHECKPOINT_TOTAL", 20)
    monkeypatch.setattr(page_checkpoints, "CHECKPOINT_DISTANCE", 2)
    empty_world.add_customers()
    merge_count_deltas(empty_world.database)
    rebuild_counts(empty_world.database, empty_world.clinic)
    return empty_world


@pytest.fixture
def executed(long_list: World, monkeypatch: pytest.MonkeyPatch) -> dict[Statement, Values]:
    """Return the statements that the test executes, each with the values of its last execution."""
    executed: dict[Statement, Values] = {}
    fetch_all, stream = long_list.database.fetch_all, long_list.database.stream

    def record(statement: Statement, values: Values = NO_VALUES) -> list[Row]:
        executed[statement] = values
        return fetch_all(statement, values)

    def record_stream(statement: Statement, values: Values = NO_VALUES) -> Iterator[Row]:
        executed[statement] = values
        return stream(statement, values)

    monkeypatch.setattr(long_list.database, "fetch_all", record)
    monkeypatch.setattr(long_list.database, "stream", record_stream)
    return executed


def test_every_form_of_the_list_has_a_tenant_condition(
    long_list: World, executed: dict[Statement, Values], plans: SQLitePlans | PostgresPlans
) -> None:
    today = date(2026, 5, 4)

    def ask(**asked: Any) -> Page:
        query = CustomerQuery(per_page=3, **asked)
        if asked.keys().isdisjoint({"page", "cursor"}):
            export_customers(long_list.database, long_list.clinic, ExportRequest(query=query), BytesIO())
        return fetch_page(long_list.database, long_list.clinic, query, today)

    filters: dict[str, tuple[Any, ...]] = {
        "search": ("", "müşteri", "m", "mü", "0532111", "05", "müşteri 1", "musteri7@example", "nobody"),
        "gender": (None, "female"),
        "user_id": (None, long_list.bob),
        "min_age": (None, 20),
        "trashed": (False, True),
    }
    uncounted_filters: dict[str, Any] = {
        **dict.fromkeys(TIME_FILTERS, datetime(2026, 1, 1, tzinfo=UTC)),
        **dict.fromkeys(EMPTY_FILTERS, True),
        **dict.fromkeys(("tag_ids", *LIST_FILTERS, "ids"), (1, 2, 3)),
        **dict.fromkeys(("tag_id", *FILTERED_COLUMNS), 1),
        "birthday": ("11-01", "02-28"),
    }
    assert uncounted_filters.keys() == UNCOUNTED_FILTERS
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
    wrong = [
        unrestricted
        for statement, values in executed.items()
        if (unrestricted := plans.unrestricted(statement, values))
    ]
    assert wrong == []
    for part in ("page_checkpoints", "ORDER BY", "OFFSET"):
        assert any(part in statement.compiled(plans.kind).sql for statement in executed), part
    assert len(executed) > 150


def test_the_statistics_have_a_tenant_condition(
    long_list: World, executed: dict[Statement, Values], plans: SQLitePlans | PostgresPlans
) -> None:
    for groups in ((), GROUPS):
        fetch_statistics(long_list.database, long_list.clinic, groups, NOON)
    assert [lines for statement, values in executed.items() if (lines := plans.unrestricted(statement, values))] == []
    assert any("group_count_deltas" in statement.compiled(plans.kind).sql for statement in executed)
