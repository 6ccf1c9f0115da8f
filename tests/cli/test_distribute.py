"""`regulars distribute` on PostgreSQL with substitutes for the functions of Citus, which is not part of Debian."""

from pathlib import Path

import psycopg
import pytest

from regulars.cli.main import run
from regulars.db.citus import DISTRIBUTED_TABLES, REFERENCE_TABLES
from regulars.db.tables import metadata
from tests.conftest import FreshDatabase
from tests.support.postgres import Server
from tests.support.world import World

STAND_INS = Path(__file__).with_name("citus.sql").read_text("utf-8")
CALLED = "SELECT call FROM calls ORDER BY number"


class Cluster:
    """A database with substitutes for the functions of Citus."""

    def __init__(self, url: str, version: str = "13.0-1", *, coordinator: bool = True) -> None:
        self.url = url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET allow_system_table_mods = on")
            connection.execute(
                "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
                " VALUES (9999999, 'citus', 10, 11, false, %s)",
                (version,),
            )
            connection.execute(STAND_INS.encode())
            if coordinator:
                connection.execute("INSERT INTO pg_dist_node VALUES ('here', 0), ('there', 1)")

    def calls(self) -> list[str]:
        """Return the calls of Citus functions, in order."""
        with psycopg.connect(self.url) as connection:
            return [call for (call,) in connection.execute(CALLED).fetchall()]

    def execute(self, command: str) -> None:
        """Execute an SQL command as the operator."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(command.encode())

    def distribute(self, *options: str) -> int:
        """Run `regulars distribute` and return its exit status."""
        return run(["distribute", "--database", self.url, *options])


@pytest.fixture
def cluster(postgres_server: Server, fresh_database: FreshDatabase) -> Cluster:
    return Cluster(fresh_database("postgresql"))


def test_every_table_of_a_tenant_is_distributed_or_on_every_node(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster.distribute("--shards", "64") == 0
    calls = cluster.calls()
    assert [call for call in calls if "reference" in call] == [
        f"create_reference_table({name})" for name in REFERENCE_TABLES
    ]
    assert "create_distributed_table(customers, tenant_id, customers, 64)" in calls
    others = [f"create_distributed_table({name}, tenant_id, customers, )" for name in DISTRIBUTED_TABLES[1:]]
    assert [call for call in calls if "distributed_table" in call][1:] == others
    owned = {table.name for table in metadata.sorted_tables if "tenant_id" in table.columns}
    assert owned == {*DISTRIBUTED_TABLES, "memberships", "channels", "tags"}
    assert "run_command_on_workers(ALTER ROLE CURRENT_USER SET enable_seqscan = off)" in calls
    assert len(capsys.readouterr().out.splitlines()) == len(REFERENCE_TABLES) + len(DISTRIBUTED_TABLES)


def test_distribute_continues_after_a_failure(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.execute(
        "CREATE TRIGGER in_the_way BEFORE UPDATE ON customer_counts FOR EACH ROW EXECUTE FUNCTION unique_key_recheck()"
    )
    assert cluster.distribute() == 1
    assert 'table "customer_counts" has a trigger' in capsys.readouterr().err
    cluster.execute("DROP TRIGGER in_the_way ON customer_counts")
    assert cluster.distribute() == 0
    made = [call for call in cluster.calls() if "_table(" in call]
    assert len(made) == len(set(made)) == len(REFERENCE_TABLES) + len(DISTRIBUTED_TABLES)
    capsys.readouterr()
    assert cluster.distribute() == 0
    assert capsys.readouterr().out == "The database is already distributed.\n"
    assert [call for call in cluster.calls() if "_table(" in call] == made


def test_the_service_works_on_it_with_a_plan_for_each_value(cluster: Cluster) -> None:
    """Citus needs the values of a statement to find the shard, so generic plans may be impossible."""
    assert cluster.distribute() == 0
    with World.on(cluster.url) as world:
        world.add_customers()
        for _ in range(4):
            assert world.get(params={"gender": "female"}).status_code == 200
        connection = world.database._take_connection()  # type: ignore[attr-defined]
        assert connection.execute("SHOW plan_cache_mode").fetchall() == [("auto",)]
        world.database._pool.putconn(connection)  # type: ignore[attr-defined]


def test_the_stand_ins_refuse_what_citus_would(cluster: Cluster) -> None:
    for call, reason in (
        ("create_distributed_table('customer_counts', 'tenant_id')", "from a distributed table to a local one"),
        ("create_reference_table('memberships')", "neither distributed nor a reference table"),
        ("create_distributed_table('users', 'id')", "must have the distribution column"),
        ("create_distributed_table('customers', 'tenant_id')", "search_(runs|letters).* is not on the workers"),
    ):
        with pytest.raises(psycopg.errors.RaiseException, match=reason):
            cluster.execute(f"SELECT {call}")


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("version", "coordinator", "reason"),
    [("11.1-1", True, "11.2 or later is required"), ("12.1-1", False, "citus_set_coordinator_host")],
)
def test_a_cluster_that_is_not_ready_is_refused(
    fresh_database: FreshDatabase, capsys: pytest.CaptureFixture[str], version: str, coordinator: bool, reason: str
) -> None:
    cluster = Cluster(fresh_database("postgresql"), version, coordinator=coordinator)
    assert cluster.distribute() == 1
    assert reason in capsys.readouterr().err
    assert cluster.calls() == []


def test_without_citus_a_sentence_says_so(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["distribute", "--database", database_url]) == 1
    said = capsys.readouterr().err
    assert "Citus is not installed" in said if "postgresql" in database_url else "Only a PostgreSQL database" in said
