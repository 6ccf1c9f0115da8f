"""The settings of PostgreSQL sessions, with and without a pooler."""

from functools import cached_property
from typing import Any

import psycopg
from psycopg.types.numeric import Int8BinaryDumper

# JIT compilation of such short statements only costs time. All tables are shared by all tenants, so a sequential scan
# is never right. A bitmap of ten million rows fits into 64 MB; a smaller one stores whole pages instead of rows. Pages
# are in memory or on an SSD.
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
    """The settings of sessions in which a statement may take `statement_seconds`; 0 is no limit."""

    def __init__(self, statement_seconds: int = 0) -> None:
        self.values = {**SETTINGS, "statement_timeout": f"{statement_seconds}s"}

    @cached_property
    def set_for_session(self) -> bytes:
        """The SQL that applies the settings to a session."""
        return "; ".join(f"SET {name} = '{value}'" for name, value in self.values.items()).encode()

    @cached_property
    def set_for_transaction(self) -> bytes:
        """The SQL that applies the settings to a transaction. It may be followed by SET TRANSACTION."""
        return "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in self.values.items()).encode()

    @cached_property
    def set_for_statement(self) -> bytes:
        """The SQL, one statement, that applies the settings to a transaction."""
        calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in self.values.items())
        return f"SELECT {calls}".encode()


def configure_session(connection: psycopg.Connection[Any], settings: SessionSettings) -> None:
    """Prepare a new connection. With a pooler, only recognise it."""
    # Use one width for all integers. Otherwise a statement would be prepared again for each width of its values.
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    process_id, has_citus = connection.execute(GET_SERVER_KIND).fetchall()[0]
    if process_id != connection.info.backend_pid:
        connection.prepare_threshold = None
        return
    connection.execute(settings.set_for_session)
    # A prepared statement is planned once for all values. Statements whose plan depends on their values (`custom_plan`)
    # are sent with the values in their text. Citus needs the values to find their shard.
    connection.execute(b"SET plan_cache_mode = auto" if has_citus else b"SET plan_cache_mode = force_generic_plan")


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether there is a pooler (PgBouncer in transaction mode), with which each transaction can run in another
    session.

    Then settings and prepared statements last only for a transaction. A pooler is recognised by the process id that it
    invents for a session.
    """
    return connection.prepare_threshold is None
