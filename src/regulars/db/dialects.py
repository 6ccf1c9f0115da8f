"""SQL that differs between SQLite and PostgreSQL, so that one statement serves both."""

from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Integer, Text, bindparam, literal_column
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

upsert: Final = insert
"""INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`. SQLite understands PostgreSQL's syntax as well."""


class DialectExpression(FunctionElement[Any]):
    """An expression with a template for each database. {0}, {1} and so on are its arguments."""

    inherit_cache = False
    _is_implicitly_boolean = True  # otherwise SQLAlchemy adds "= 1" to a condition on SQLite

    def __init__(
        self, *arguments: ColumnElement[Any], sqlite: str, postgresql: str, returns: TypeEngine[Any] | type
    ) -> None:
        super().__init__(*arguments)
        self.templates = {"sqlite": sqlite, "postgresql": postgresql}
        self.type = returns() if isinstance(returns, type) else returns


@compiles(DialectExpression)
def _compile(expression: DialectExpression, compiler: SQLCompiler, **options: Any) -> str:
    arguments = [compiler.process(argument, **options) for argument in expression.clauses]
    return expression.templates[compiler.dialect.name].format(*arguments)


def one_of(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Return the condition that the column has one of the values in the list `parameter`."""
    return DialectExpression(
        column,
        bindparam(parameter, type_=ARRAY(type(column.type))),
        sqlite="{0} IN (SELECT value FROM json_each({1}))",
        postgresql="{0} = ANY ({1})",
        returns=Boolean,
    )


def without_index(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column as an expression for which SQLite does not use an index.

    SQLite chooses an index without knowing the values of a statement, so its choice can be slow.
    """
    return DialectExpression(column, sqlite="+{0}", postgresql="{0}", returns=column.type)


def ascii_lower(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the expression for a text with A to Z in lower case, in any locale. Other letters stay as they are."""
    return DialectExpression(column, sqlite="lower({0})", postgresql='lower({0} COLLATE "C")', returns=Text)


def first_letters(sort_key: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the expression for the first three letters of a folded name, from its sort key; '' without a name."""
    return DialectExpression(
        sort_key,
        sqlite="coalesce(substr(substr({0}, 1, instr({0}, char(1)) - 1), 1, 3), '')",
        postgresql="coalesce(left(split_part({0}, chr(1), 1), 3), '')",
        returns=Text,
    )


def least(*values: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the expression for the smaller of two values."""
    return DialectExpression(*values, sqlite="min({0}, {1})", postgresql="least({0}, {1})", returns=values[0].type)


def greatest(*values: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the expression for the greater of two values."""
    return DialectExpression(*values, sqlite="max({0}, {1})", postgresql="greatest({0}, {1})", returns=values[0].type)


def join_texts(column: ColumnElement[Any], separator: str) -> ColumnElement[str]:
    """Return the aggregate that joins the texts of all rows, in the order of the subquery."""
    return DialectExpression(
        column,
        literal_column(f"'{separator}'"),
        sqlite="group_concat({0}, {1})",
        postgresql="string_agg({0}, {1})",
        returns=Text,
    )


def day_number(day: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the expression for a date as a number, such as 19800317 for 17 March 1980."""
    return DialectExpression(
        day,
        sqlite="CAST(replace({0}, '-', '') AS BIGINT)",
        postgresql="CAST(to_char({0}, 'YYYYMMDD') AS BIGINT)",
        returns=BigInteger,
    )


def month_number(moment: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the expression for the month of a time, in UTC, as a number such as 202611 for November 2026."""
    return DialectExpression(
        moment,
        sqlite="CAST(replace(substr({0}, 1, 7), '-', '') AS BIGINT)",
        postgresql="CAST(to_char({0} AT TIME ZONE 'UTC', 'YYYYMM') AS BIGINT)",
        returns=BigInteger,
    )


def month_and_day(day: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the expression for the month and day of a date as a number, such as 317 for 17 March."""
    return DialectExpression(
        day,
        sqlite="CAST(replace(substr({0}, 6), '-', '') AS INTEGER)",
        postgresql="CAST(extract(month FROM {0}) * 100 + extract(day FROM {0}) AS INTEGER)",
        returns=Integer,
    )
