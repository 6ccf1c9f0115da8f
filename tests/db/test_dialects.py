"""One statement for both databases: the expressions mean the same, and few modules know which database it is."""

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Date, Text, bindparam, literal_column, select

import regulars
from regulars.db.connect import open_database
from regulars.db.database import Database
from regulars.db.dialects import ascii_lower, day_number, first_letters, greatest, least, one_of, without_index
from regulars.db.statement import Statement
from regulars.db.tables import countries

SOURCE = Path(regulars.__file__).parent
MODULES_THAT_KNOW_THE_DATABASE = {
    "customers/read/list.py",
    "customers/read/list_sql.py",
    "customers/read/search.py",
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


def value_of(database: Database, expression: ColumnElement[Any], **values: Any) -> Any:
    ((value,),) = database.fetch_all(Statement(select(expression.label("value"))), values)
    return value


def text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text)


@pytest.mark.parametrize(
    ("column", "wanted", "found"),
    [
        (countries.c.id, [], []),
        (countries.c.id, [792, 276, 1, 2**62], [276, 792]),
        (countries.c.code, ["TR", "", 'x"y', "'", "\\", "ş"], [792]),
    ],
)
def test_a_column_is_compared_with_the_values_of_a_list(
    database: Database, column: ColumnElement[Any], wanted: list[Any], found: list[int]
) -> None:
    statement = Statement(select(countries.c.id).where(one_of(column, "wanted")).order_by(countries.c.id))
    assert database.fetch_all(statement, {"wanted": wanted}) == [(number,) for number in found]


def test_the_expressions_mean_the_same(database: Database) -> None:
    assert value_of(database, ascii_lower(text("name")), name="IŞIK Éa@X") == "iŞik Éa@x"
    assert value_of(database, first_letters(text("key")), key="ayşegül\1Ayşegül") == "ayş"
    assert value_of(database, first_letters(text("key")), key=None) == ""
    assert value_of(database, least(text("one"), text("other")), one="b", other="a") == "a"
    assert value_of(database, greatest(text("one"), text("other")), one="b", other="a") == "b"
    assert value_of(database, day_number(bindparam("day", type_=Date)), day=date(1980, 3, 17)) == 19800317
    assert value_of(database, without_index(literal_column("7"))) == 7


def knows_the_database(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Attribute(attr="dialect")
                | ast.Name(id="dialect")
                | ast.arg(arg="dialect")
                | ast.keyword(arg="dialect")
                | ast.Constant(value="sqlite" | "postgresql")
            ):
                return True
            case ast.ImportFrom(module=str(module)) if module.startswith("sqlalchemy.dialects"):
                return True
    return False


def test_three_modules_outside_the_database_package_know_which_database_it_is() -> None:
    paths = [path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py")]
    found = {
        path
        for path in paths
        if not path.startswith("db/") and knows_the_database(ast.parse((SOURCE / path).read_text("utf-8")))
    }
    assert found == MODULES_THAT_KNOW_THE_DATABASE
