"""The settings of PostgreSQL sessions, with and without a pooler."""

from functools import cached_property
from typing import Any

import psycopg
from psycopg.types.numeric import Int8BinaryDumper

# jit: compiling such short statements takes longer than it saves.
# enable_seqscan: all tenants share all tables, so a sequential scan is never right.
# work_mem: a bitmap of ten million rows fits into 64 MB; with less memory, it stores whole pages instead of rows.
# random_page_cost: pages are in memory or on an SSD.
SETTINGS = {
    "jit": "off",
    "enable_seqscan": "off",
    "work_mem": "64MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "lock_timeout": "10s",
}
GET_SERVER_KIND = "SELECT pg_backend_pid(), EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"


class SessionSettings:
    """The settings of a session, including a time limit of `statement_seconds` for each statement; 0 is no limit."""

    def __init__(self, statement_seconds: int = 0) -> None:
        self.values = {**SETTINGS, "statement_timeout": f"{statement_seconds}s"}

    @cached_property
    def set_for_session(self) -> bytes:
        """The SQL that applies the settings to a session."""
        return "; ".join(f"SET {name} = '{value}'" for name, value in self.values.items()).encode()

    @cached_property
    def set_for_transaction(self) -> bytes:
        """The SQL that applies the settings to a transaction. It contains no query, so SET TRANSACTION can follow."""
        return "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in self.values.items()).encode()

    @cached_property
    def set_for_statement(self) -> bytes:
        """The SQL that applies the settings to a transaction, as a single statement for a pipeline."""
        calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in self.values.items())
        return f"SELECT {calls}".encode()


def configure_session(connection: psycopg.Connection[Any], settings: SessionSettings) -> None:
    """Configure a new connection.

    Behind a pooler, leave the settings of the session unchanged and disable prepared statements, by which `is_pooled`
    recognises the connection.
    """
    # Use one width for all integers. Otherwise a statement would be prepared again for each width of its values.
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    process_id, has_citus = connection.execute(GET_SERVER_KIND).fetchall()[0]
    if process_id != connection.info.backend_pid:
        connection.prepare_threshold = None
        return
    connection.execute(settings.set_for_session)
    # A prepared statement is planned once for all values. Statements whose plan depends on their values (`custom_plan`)
    # are sent with the values in their text. With Citus, PostgreSQL chooses, because the shard is found by the values.
    connection.execute(b"SET plan_cache_mode = auto" if has_citus else b"SET plan_cache_mode = force_generic_plan")


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether the connection uses a pooler (PgBouncer in transaction mode).

    Each transaction can then run in another session, so settings and prepared statements last only for a transaction.
    `configure_session` recognises a pooler by the process id that it invents for a session.
    """
    return connection.prepare_threshold is None
