"""Distribution of the schema over several machines with Citus: `regulars distribute`.

The customers of a tenant, and everything derived from them, are in one shard, found by `tenant_id`. Tables that all
tenants need, or that are searched without a tenant (memberships of a user), are reference tables: small, and on every
node. The tables of the authorization server stay on the coordinator. No foreign key connects two distributed tables, so
each table can be distributed in its own transaction. (docs.citusdata.com: Creating and Modifying Distributed Tables;
Citus Utility Functions)
"""

from collections.abc import Iterator

from sqlalchemy import Integer, Text, column, text

from regulars.db.database import Database
from regulars.db.postgres_session import SETTINGS
from regulars.db.statement import Statement
from regulars.errors import ConfigurationError

REFERENCE_TABLES = ("countries", "users", "tenants", "memberships", "channels", "tags")
"""Ordered so that no table refers to a later one."""
DISTRIBUTED_TABLES = (
    "customers",
    "customer_counts",
    "count_deltas",
    "customer_group_counts",
    "group_count_deltas",
    "page_checkpoints",
    "customer_tags",
    "change_counters",
    "customer_changes",
    "idempotency_keys",
    "jobs",
    "stored_files",
    "stored_file_parts",
    "imports",
    "import_mappings",
    "issues",
    "bulk_changes",
    "undo_positions",
    "dismissed_duplicates",
    "customer_views",
)
MIN_CITUS_VERSION = (11, 2)
"""Older versions run REPEATABLE READ as READ COMMITTED on the workers, so that merging count deltas would lose changes.
"""
WORKER_SETTINGS = ("jit", "enable_seqscan", "work_mem", "random_page_cost")
"""Settings that must be set on the workers, because Citus does not send the coordinator's settings to them."""


GET_CITUS_VERSION = Statement(
    text("SELECT extversion FROM pg_extension WHERE extname = 'citus'").columns(column("v", Text))
)
COUNT_COORDINATORS = Statement(
    text("SELECT count(*) FROM pg_dist_node WHERE groupid = 0").columns(column("count", Integer))
)
LIST_DISTRIBUTED_TABLES = Statement(
    text("SELECT CAST(table_name AS text), citus_table_type FROM citus_tables").columns(
        column("name", Text), column("kind", Text)
    )
)
LIST_INDEX_FUNCTIONS = Statement(
    text(
        "SELECT DISTINCT CAST(CAST(refobjid AS regprocedure) AS text) FROM pg_depend AS needs"
        " JOIN pg_index ON classid = CAST('pg_class' AS regclass) AND objid = indexrelid"
        " WHERE refclassid = CAST('pg_proc' AS regclass) AND indrelid = CAST('customers' AS regclass)"
        " AND NOT EXISTS (SELECT 1 FROM pg_depend AS part WHERE part.classid = needs.refclassid"
        " AND part.objid = needs.refobjid AND part.deptype = 'e')"
    ).columns(column("name", Text))
)
REMOVE_TIME_LIMIT = Statement(text("SET LOCAL statement_timeout = 0"))


def distribute(database: Database, shards: int) -> Iterator[str]:
    """Distribute the tables, each in its own transaction. Yield a message for each table that was distributed.

    Tables that are already distributed are skipped. Raise `ConfigurationError` if Citus is missing or not ready.
    """
    _check_citus(database)
    kinds: dict[str, str] = dict(database.fetch_all(LIST_DISTRIBUTED_TABLES))
    for table in REFERENCE_TABLES:
        if kinds.get(table) != "reference":
            _call(database, f"create_reference_table('{table}')")
            yield f"{table}: on every node."
    for (function,) in database.fetch_all(LIST_INDEX_FUNCTIONS):
        _call(database, f"create_distributed_function('{function}')")
    for table in DISTRIBUTED_TABLES:
        if kinds.get(table) != "distributed":
            colocation = f"colocate_with => '{DISTRIBUTED_TABLES[0]}'"
            if table == DISTRIBUTED_TABLES[0]:
                colocation = f"colocate_with => 'none', shard_count => {shards}"
            _call(database, f"create_distributed_table('{table}', 'tenant_id', {colocation})")
            yield f"{table}: distributed by tenant."
    for name in WORKER_SETTINGS:
        setting = f"ALTER ROLE CURRENT_USER SET {name} = {SETTINGS[name]}"
        _call(database, f"run_command_on_workers('{setting}')")


def _check_citus(database: Database) -> None:
    if database.dialect != "postgresql":
        raise ConfigurationError("Only a PostgreSQL database with Citus can be distributed.")
    installed = database.fetch_one(GET_CITUS_VERSION)
    if installed is None:
        raise ConfigurationError(
            "Citus is not installed in this database. Install its package on every machine, add it to"
            " shared_preload_libraries and run CREATE EXTENSION citus."
        )
    version = tuple(int(part) for part in installed[0].partition("-")[0].split("."))
    if version < MIN_CITUS_VERSION:
        raise ConfigurationError(f"Citus {installed[0]} is too old. Version 11.2 or later is required.")
    if database.fetch_all(COUNT_COORDINATORS) == [(0,)]:
        raise ConfigurationError(
            "Citus has no coordinator. Run SELECT citus_set_coordinator_host('this machine'), and add the workers with"
            " SELECT citus_add_node('another machine', 5432)."
        )


def _call(database: Database, call: str) -> None:
    # The SQL is safe: `call` contains only constants, a number, and names that PostgreSQL has quoted.
    with database.transaction():
        database.execute(REMOVE_TIME_LIMIT)
        database.execute(Statement(text(f"SELECT {call}")))
