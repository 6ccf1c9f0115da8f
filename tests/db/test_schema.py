"""The schema: the migrations create the tables that the statements expect, and no other schema is accepted."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from regulars.cli.main import run
from regulars.db.migrate import _config, _connection, migrate
from regulars.db.schema_version import MIGRATIONS, known_revisions
from regulars.db.tables import metadata
from regulars.errors import ConfigurationError
from tests.conftest import FreshDatabase
from tests.support.schema import connect
from tests.support.world import World, expect_error

# SQLAlchemy cannot reflect indexes on expressions. The comparison ignores indexes, so the warning does not matter.
pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")


def is_ours(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Exclude indexes and the tables of SQLite's search index and sequences, which only the migrations define."""
    return kind != "index" and not (kind == "table" and str(name).startswith(("customers_search", "id_sequences")))


def test_the_migrations_make_the_tables_that_the_statements_are_written_for(database_url: str) -> None:
    with connect(database_url) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
        differences = compare_metadata(context, metadata)
    assert [difference for difference in differences if "comment" not in str(difference[0])] == []


def test_every_key_of_a_tenants_table_starts_with_the_tenant(database_url: str) -> None:
    with connect(database_url) as connection:
        schema = inspect(connection)
        tables = [name for name in schema.get_table_names() if name in metadata.tables]
        owned = [name for name in tables if any(column["name"] == "tenant_id" for column in schema.get_columns(name))]
        assert set(owned) == {
            "memberships",
            "channels",
            "customers",
            "customer_counts",
            "count_deltas",
            "customer_group_counts",
            "group_count_deltas",
            "page_checkpoints",
            "tags",
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
        }
        for table in owned:
            keys = [schema.get_pk_constraint(table)["constrained_columns"]]
            keys += [unique["column_names"] for unique in schema.get_unique_constraints(table)]
            keys += [
                key["constrained_columns"] for key in schema.get_foreign_keys(table) if key["referred_table"] in owned
            ]
            assert all(key[0] == "tenant_id" for key in keys if key), (table, keys)


def test_constraint_names_have_their_prefix_once(database_url: str) -> None:
    with connect(database_url) as connection:
        schema = inspect(connection)
        names = {str(check["name"]) for table in metadata.tables for check in schema.get_check_constraints(table)}
    assert names == {
        "ck_channels_kind",
        "ck_clients_kind",
        "ck_clients_role",
        "ck_customers_gender",
        "ck_customers_id",
        "ck_device_codes_status",
        "ck_issues_kind",
        "ck_invitations_role",
        "ck_invitations_status",
        "ck_jobs_state",
        "ck_memberships_role",
    }


def test_a_published_migration_never_changes() -> None:
    """If this fails: restore the file and write a new migration. Add the digest of a new migration here."""
    published = {
        "0001_initial.py": "10ec6fd1917fd91072f13963ffea292e5923936751087903ba249270df5ae4ec",
        "0002_accounts.py": "2275df1c23260709b5a6542ee5f604842318edd307acd5f1ec1cdbb9da39092a",
        "0003_ids_of_tenants.py": "23abec02c888035b36be3c5025574183558aaeb7054772c23fcc590cfc4ca0ed",
        "0004_jobs_and_imports.py": "5ab7232c4cf7d510ef7356e8506ce122064cc79040544d48d96c5392be5f37e8",
        "0005_customer_views.py": "d6e01e88b53ed214f69dd87f4becf58381aace2f831f87ae4303802aab77505b",
        "0006_group_counts.py": "3f5853f8355a879405a30a0bde987a27afa1dff0e4935d3920a6cf8ad735339e",
        "0007_bulk_changes.py": "b4dbf1950443fdca9849136910dea81bfb62f00d092f7faf2f5303fdb249a84b",
        "0008_filters.py": "ca497b8fbb1dcc3474701fad3f27083ea792ce11471b8febfa8db55617241d25",
        "0009_tags_of_imports.py": "fb262e65b995ef7b22961ddf35e37df068ddd3a88297725a73d428894cf4b554",
    }
    assert {path.name: sha256(path.read_bytes()).hexdigest() for path in MIGRATIONS.glob("*.py")} == published


def test_other_tables_under_the_current_revision_are_refused(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(database_url) as connection:
        connection.execute(text("ALTER TABLE customers RENAME COLUMN job TO occupation"))
        connection.commit()
    for command in (["migrate"], ["serve", "--port", "1"], ["tenant", "list"]):
        assert run([*command, "--database", database_url]) == 1
        message = capsys.readouterr().err
        assert "customers.job is missing, customers.occupation is unknown" in message
        assert f"revision {known_revisions()[-1]}" in message


def test_migrating_again_changes_nothing(database_url: str) -> None:
    before, after = migrate(database_url)
    assert before == after


def test_a_database_newer_than_the_program_is_refused(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '2099_01_01_later'"))
        connection.commit()
    with pytest.raises(ConfigurationError, match=r"newer than this program.*2099_01_01_later"):
        migrate(database_url)


def test_a_server_on_another_schema_is_alive_but_not_ready(empty_world: World) -> None:
    with connect(empty_world.url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '2099_01_01_later'"))
        connection.commit()
    assert empty_world.get("/healthz").status_code == 200
    answer = empty_world.get("/readyz")
    assert "newer than this program" in expect_error(answer, 503, "unavailable")["message"]
    assert int(answer.headers["Retry-After"]) > 0


def test_servers_that_start_in_parallel_migrate_once(fresh_database: FreshDatabase, tmp_path: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    url = f"sqlite:///{tmp_path}/new.db"
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(migrate, [url] * 4))
    assert sum(before is None for before, _ in results) == 1


def test_what_an_undo_of_an_import_needs_survives_the_migration_to_bulk_changes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    with _connection(url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        upgrade(config, "0004")
        connection.exec_driver_sql("INSERT INTO import_issues VALUES (1, 'an-import', 'refused', 17, '[]', NULL)")
        connection.exec_driver_sql("INSERT INTO import_batches VALUES (1, 'an-import', 4, 9)")
        connection.exec_driver_sql(
            "INSERT INTO customer_changes (tenant_id, position, customer_id, action, created_at, import_id)"
            " VALUES (1, 4, 1, 'created', '2026-11-28 12:00:00', 'an-import')"
        )
    assert migrate(url)[0] == "0004"
    with connect(url) as connection:
        found = [
            connection.execute(text(f"SELECT tenant_id, source_id, {column} FROM {table}")).all()
            for table, column in (
                ("issues", "number"),
                ("undo_positions", "last_position"),
                ("customer_changes", "position"),
            )
        ]
    assert found == [[(1, "an-import", number)] for number in (17, 9, 4)]


def test_the_indexes_of_a_migration_have_statistics(tmp_path: Path) -> None:
    """Without them, SQLite reads most lists and searches by the newest index, thirty times slower."""
    url = f"sqlite:///{tmp_path}/old.db"
    with _connection(url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        upgrade(config, "0007")
        connection.exec_driver_sql(
            "INSERT INTO customers (tenant_id, id, first_name, created_at, updated_at, first_name_key, search_text)"
            " VALUES (1, 1, 'Ada', '2026-11-28T12:00:00Z', '2026-11-28T12:00:00Z', 'ada', 'ada')"
        )
    migrate(url)
    with connect(url) as connection:
        found = connection.execute(text("SELECT idx FROM sqlite_stat1 WHERE tbl = 'customers'")).scalars().all()
    assert "ix_customers_default_channel_id" in found


def test_the_revisions_are_in_alembics_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS.parent).replace("%", "%%"))
    config.set_main_option("version_locations", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert list(known_revisions()) == walked[::-1]
