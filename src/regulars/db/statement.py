"""SQLAlchemy Core statements, compiled once for each database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Date, DateTime
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import Select, TypedReturnsRows

Row = tuple[Any, ...]
Values = Mapping[str, Any]

DIALECTS: Mapping[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.dialect(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]
}
CLIENT_SIDE_DIALECT: Dialect = postgresql.dialect(paramstyle="format")  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The SQL of a statement for one database. `names` are its parameters in order, `fixed` those with a constant
    value.

    `readers` convert result columns, by position, from the driver's values to Python values. If `is_json`, the result
    is one JSON list of rows.
    """

    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    readers: tuple[tuple[int, Callable[[Any], Any]], ...]
    is_json: bool

    def parameters(self, values: Values) -> list[Any]:
        """Return `values` in the order of the SQL's parameters."""
        if self.fixed:
            values = {**self.fixed, **values}
        return [values[name] for name in self.names]


class Statement:
    """A statement that is run many times with different values.

    `custom_plan`: PostgreSQL plans it for its values at every run. For statements such as a search, whose best plan
    depends on the values.

    `rows_as_json`: SQLite returns all rows in one JSON text, with times and dates as stored text, because the driver
    otherwise releases and takes the interpreter's lock for each row. Column names must differ.

    `replica_ok`: a read replica, which may be some seconds behind, can answer.

    `dialect`: compile immediately for this database only and drop the expression, which takes ten times the memory of
    its SQL. For statements that exist in many shapes.
    """

    def __init__(
        self,
        clause: Executable,
        *,
        custom_plan: bool = False,
        rows_as_json: bool = False,
        replica_ok: bool = False,
        dialect: str | None = None,
    ) -> None:
        self.clause: Executable | None = clause
        self.custom_plan = custom_plan
        self.rows_as_json = rows_as_json
        self.replica_ok = replica_ok
        self._compiled: dict[str, Compiled] = {}
        if dialect is not None:
            self.compiled(dialect)
            self.clause = None

    def compiled(self, dialect: str) -> Compiled:
        """Return the SQL for `dialect` ("sqlite" or "postgresql"). It is compiled at the first call."""
        known = self._compiled.get(dialect)
        if known is None:
            assert self.clause is not None, f"This statement is not for {dialect}."  # noqa: S101
            written_for = DIALECTS[dialect]
            if dialect == "postgresql" and self.custom_plan:
                written_for = CLIENT_SIDE_DIALECT
            known = self._compiled[dialect] = _compile(self.clause, written_for, self.rows_as_json)
        return known


def _compile(clause: Executable, dialect: Dialect, rows_as_json: bool) -> Compiled:
    compiled = clause.compile(dialect=dialect)  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - for the type checker
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    is_json = rows_as_json and dialect.name == "sqlite"
    return Compiled(
        sql=_in_one_row(clause, str(compiled)) if is_json else str(compiled),
        names=tuple(compiled.positiontup or ()),
        fixed=fixed,
        readers=_readers(clause) if dialect.name == "sqlite" and not is_json else (),
        is_json=is_json,
    )


def _in_one_row(clause: Any, sql: str) -> str:
    columns = ", ".join(column.name for column in clause.exported_columns)
    return f"SELECT json_group_array(json_array({columns})) FROM ({sql})"


def _readers(clause: Executable) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    if not isinstance(clause, TypedReturnsRows) and not isinstance(clause, Select):
        return ()
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for position, column in enumerate(clause.exported_columns):
        if isinstance(column.type, DateTime):
            found.append((position, datetime.fromisoformat))
        elif isinstance(column.type, Date):
            found.append((position, date.fromisoformat))
        elif isinstance(column.type, Boolean):
            found.append((position, bool))
    return tuple(found)
