"""Loads of a whole database: what is worth doing once there are hundreds of thousands of rows to insert."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Text, bindparam, column, text

from regulars.db.engine import Database
from regulars.db.statements import Statement

INDEXES = Statement(
    text(
        "SELECT pg_indexes.indexname, pg_indexes.indexdef FROM pg_indexes"
        " JOIN pg_class ON pg_class.relname = pg_indexes.indexname"
        " AND pg_class.relnamespace = CAST(pg_indexes.schemaname AS regnamespace)"
        " JOIN pg_index ON pg_index.indexrelid = pg_class.oid"
        " WHERE pg_indexes.tablename = :table AND pg_indexes.schemaname = current_schema()"
        " AND NOT pg_index.indisunique ORDER BY pg_indexes.indexname"
    )
    .bindparams(bindparam("table", type_=Text))
    .columns(column("indexname", Text), column("indexdef", Text))
)
BUILDING = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL maintenance_work_mem = '512MB'",
    "SET LOCAL max_parallel_maintenance_workers = 2",
)
