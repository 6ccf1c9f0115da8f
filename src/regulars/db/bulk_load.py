"""Loads of a whole table: what is kept up row by row otherwise is built at once afterwards.

Measured with 200,000 customers: PostgreSQL 22 instead of 60 s, SQLite 20 instead of 54 s. It locks the table until the
transaction ends, so it is for a table that nobody uses yet.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sqlalchemy import Text, bindparam, column, text

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import SEARCH_ROWS_PER_TENANT
from regulars.errors import Unavailable

# Pairs of statements, each as the database itself writes it: what takes a thing away, and what makes it again.
POSTGRESQL_PARTS = Statement(
    text(
        "SELECT 'ALTER TABLE customers DROP CONSTRAINT ' || quote_ident(conname) AS dropping,"
        " 'ALTER TABLE customers ADD CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid) AS making"
        " FROM pg_constraint WHERE conrelid = CAST('customers' AS regclass) AND contype = 'f'"
        " UNION ALL"
        " SELECT 'DROP INDEX ' || CAST(indexrelid AS regclass), pg_get_indexdef(indexrelid)"
        " FROM pg_index WHERE indrelid = CAST('customers' AS regclass) AND NOT indisunique"
        # How closely an index is looked at for the planner is not in its definition.
        " UNION ALL"
        " SELECT 'SELECT 1', 'ALTER INDEX ' || CAST(attrelid AS regclass) || ' ALTER COLUMN ' || attnum"
        " || ' SET STATISTICS ' || attstattarget FROM pg_attribute JOIN pg_index ON indexrelid = attrelid"
        " WHERE indrelid = CAST('customers' AS regclass) AND NOT indisunique AND attstattarget > 0"
    ).columns(column("dropping", Text), column("making", Text))
)
SQLITE_PARTS = Statement(
    text(
        "SELECT 'DROP ' || type || ' ' || name AS dropping, sql AS making FROM sqlite_master"
        " WHERE tbl_name = 'customers' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
    ).columns(column("dropping", Text), column("making", Text))
)
POSTGRESQL_ROOM = ("SET LOCAL statement_timeout = 0", "SET LOCAL maintenance_work_mem = '512MB'")
SQLITE_SEARCH = Statement(
    # every tenant: the triggers that keep the search index are away while its rows are loaded
    text(
        "INSERT INTO customers_search (rowid, search_text)"
        " SELECT tenant_id * :rows_per_tenant + id, search_text || char(10, 10) FROM customers"
    ).bindparams(bindparam("rows_per_tenant", SEARCH_ROWS_PER_TENANT))
)
ANY_CUSTOMER = Statement(text("SELECT 1 FROM customers LIMIT 1").columns(column("one")))


def has_customers(database: Database) -> bool:
    """Whether any tenant has a customer."""
    return database.fetch_one(ANY_CUSTOMER) is not None


@contextmanager
def deferred_indexes(database: Database) -> Iterator[None]:
    """A transaction to fill the empty table of customers in; its indexes, foreign keys and triggers come at its end."""
    with database.transaction():
        if database.dialect == "sqlite":
            parts = database.fetch_all(SQLITE_PARTS)
        else:
            _run(database, POSTGRESQL_ROOM)
            parts = database.fetch_all(POSTGRESQL_PARTS)
        _run(database, [dropping for dropping, _ in parts])
        yield
        if database.dialect == "sqlite":
            database.execute(SQLITE_SEARCH)
        _run(database, [making for _, making in parts])


ONE_MOMENT = Statement(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


@contextmanager
def snapshot(database: Database) -> Iterator[None]:
    """A transaction, as long as it takes, in which all statements see the database as of its beginning.

    On PostgreSQL it raises `Unavailable` where another transaction has changed the same rows meanwhile.
    """
    with database.transaction():
        if database.dialect == "postgresql":
            database.execute(ONE_MOMENT)
            _run(database, POSTGRESQL_ROOM)
        yield


def analyze_after_load(database: Database) -> None:
    """After a great load, for the plans to come. What was loaded stands, even where there is no time for this."""
    with suppress(Unavailable):
        database.analyze()


def _run(database: Database, statements: Sequence[str]) -> None:
    for statement in statements:
        # A colon is SQLAlchemy's own sign, unless it is told otherwise.
        database.execute(Statement(text(statement.replace(":", "\\:"))))
