"""The schema over many machines, with Citus: `regulars distribute`.

A tenant's customers and all that is counted of them lie in one shard, found by `tenant_id`. What every tenant needs, or
what is looked for without a tenant (a user's memberships), is a reference table: small, and on every node. The rest
belongs to the authorization server and stays on the coordinator. Between distributed tables there are no foreign keys,
so that each step stands alone. (docs.citusdata.com: Creating and Modifying Distributed Tables; Citus Utility Functions)
"""

from collections.abc import Iterator

from sqlalchemy import Integer, Text, column, text

from regulars.db.database import Database
from regulars.db.postgres import SETTINGS
from regulars.db.statement import Statement
from regulars.errors import ConfigurationError

REFERENCE = ("countries", "users", "tenants", "memberships", "channels", "tags")
"""In an order in which none refers to a later one."""
DISTRIBUTED = (
    "customers",
    "customer_counts",
    "count_deltas",
    "page_checkpoints",
    "customer_tags",
    "change_counters",
    "customer_changes",
    "idempotency_keys",
)
OLDEST_CITUS = (11, 2)
"""Before it, what began as REPEATABLE READ was READ COMMITTED on the workers: folding the census would lose changes."""
ON_WORKERS = ("jit", "enable_seqscan", "work_mem", "random_page_cost")
"""Settings that a statement does not take along to where it is run."""


INSTALLED = Statement(text("SELECT extversion FROM pg_extension WHERE extname = 'citus'").columns(column("v", Text)))
COORDINATORS = Statement(text("SELECT count(*) FROM pg_dist_node WHERE groupid = 0").columns(column("count", Integer)))
TABLES = Statement(
    text("SELECT CAST(table_name AS text), citus_table_type FROM citus_tables").columns(
        column("name", Text), column("kind", Text)
    )
)
FUNCTIONS_OF_INDEXES = Statement(
    text(
        "SELECT DISTINCT CAST(CAST(refobjid AS regprocedure) AS text) FROM pg_depend AS needs"
        " JOIN pg_index ON classid = CAST('pg_class' AS regclass) AND objid = indexrelid"
        " WHERE refclassid = CAST('pg_proc' AS regclass) AND indrelid = CAST('customers' AS regclass)"
        " AND NOT EXISTS (SELECT 1 FROM pg_depend AS part WHERE part.classid = needs.refclassid"
        " AND part.objid = needs.refobjid AND part.deptype = 'e')"
    ).columns(column("name", Text))
)
WITHOUT_TIME_LIMIT = Statement(text("SET LOCAL statement_timeout = 0"))


def distribute(database: Database, shards: int) -> Iterator[str]:
    """Turn the tables into Citus's, each in a transaction of its own, and tell what was done; what is done already is
    left as it is. Raises `ConfigurationError` where Citus is not there or not ready."""
    _check_citus(database)
    kinds: dict[str, str] = dict(database.fetch_all(TABLES))
    for table in REFERENCE:
        if kinds.get(table) != "reference":
            _call(database, f"create_reference_table('{table}')")
            yield f"{table}: on every node."
    for (function,) in database.fetch_all(FUNCTIONS_OF_INDEXES):
        _call(database, f"create_distributed_function('{function}')")
    for table in DISTRIBUTED:
        if kinds.get(table) != "distributed":
            together = f"colocate_with => '{DISTRIBUTED[0]}'"
            if table == DISTRIBUTED[0]:
                together = f"colocate_with => 'none', shard_count => {shards}"
            _call(database, f"create_distributed_table('{table}', 'tenant_id', {together})")
            yield f"{table}: distributed by tenant."
    for name in ON_WORKERS:
        setting = f"ALTER ROLE CURRENT_USER SET {name} = {SETTINGS[name]}"
        _call(database, f"run_command_on_workers('{setting}')")


def _check_citus(database: Database) -> None:
    if database.dialect != "postgresql":
        raise ConfigurationError("Only a PostgreSQL database with Citus can be distributed.")
    installed = database.fetch_one(INSTALLED)
    if installed is None:
        raise ConfigurationError(
            "Citus is not installed in this database: install its package on every machine, add it to"
            " shared_preload_libraries and run CREATE EXTENSION citus."
        )
    version = tuple(int(part) for part in installed[0].partition("-")[0].split("."))
    if version < OLDEST_CITUS:
        raise ConfigurationError(f"Citus {installed[0]} is too old: 11.2 is the oldest that will do.")
    if database.fetch_all(COORDINATORS) == [(0,)]:
        raise ConfigurationError(
            "Citus does not know its coordinator yet: run SELECT citus_set_coordinator_host('this machine'), and add"
            " the workers with SELECT citus_add_node('another machine', 5432)."
        )


def _call(database: Database, call: str) -> None:
    # The names are our own, or the catalog's, which quotes them.
    with database.transaction():
        database.execute(WITHOUT_TIME_LIMIT)
        database.execute(Statement(text(f"SELECT {call}")))
