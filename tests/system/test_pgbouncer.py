"""The service behind PgBouncer in transaction mode, where every transaction may use another session."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import column, func, select, text, union_all

from regulars.cli.main import run
from regulars.customers.counts.maintenance import check_counts, merge_count_deltas
from regulars.db.database import Database
from regulars.db.migrate import migrate
from regulars.db.postgres import WAIT_SECONDS
from regulars.db.postgres_session import SETTINGS
from regulars.db.statement import Statement
from regulars.errors import RegularsError, Unavailable
from tests.conftest import FreshDatabase
from tests.support import postgres
from tests.support.oauth import Application, Browser
from tests.support.pgbouncer import SESSIONS, running_pgbouncer
from tests.support.server import running
from tests.support.world import LIST, World, expect_error

pytestmark = pytest.mark.postgresql

SESSION = Statement(text("SELECT pg_backend_pid() AS pid").columns(column("pid")))
SLEEP = Statement(select(func.pg_sleep(0.01)))
FAULT = Statement(select(1 / func.length("")))


def settings_statement(*, custom_plan: bool) -> Statement:
    """Return a statement that reads settings of its session."""
    return Statement(union_all(*(select(func.current_setting(name)) for name in SETTINGS)), custom_plan=custom_plan)


@pytest.fixture(scope="module")
def pooled_world(pooled_database: str) -> Iterator[World]:
    """Yield a world with customers on a database behind PgBouncer."""
    with World.on(pooled_database) as made:
        made.add_customers()
        yield made


def shown(value: str) -> str:
    """Return a setting as the server reports it."""
    return {"60s": "1min"}.get(value, value)


@pytest.mark.parametrize("custom_plan", [True, False])
def test_every_statement_has_the_settings_in_any_session(pooled_world: World, custom_plan: bool) -> None:
    statement = settings_statement(custom_plan=custom_plan)
    wanted = [(shown(value),) for value in SETTINGS.values()]
    database = pooled_world.database

    def ask(_: int) -> tuple[int, bool]:
        with database.transaction():
            pid = database.fetch_all(SESSION)[0][0]
            held = database.fetch_all(statement) == wanted
            database.fetch_all(SLEEP)
        return pid, held and database.fetch_all(statement) == wanted

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(80)))
    assert {held for _, held in answers} == {True}
    assert len({pid for pid, _ in answers}) == SESSIONS, "the requests must use all sessions"


def test_an_error_leaves_no_session_in_the_middle_of_a_transaction(pooled_world: World) -> None:
    for _ in range(2 * SESSIONS):
        with pytest.raises(RegularsError, match="DivisionByZero"):
            pooled_world.database.fetch_all(FAULT)
        assert pooled_world.get().status_code == 200


def test_a_statement_that_takes_too_long_is_ended(pooled_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = pooled_world.database._settings  # type: ignore[attr-defined]
    monkeypatch.setattr(settings, "set_for_statement", b"SELECT set_config('statement_timeout', '50ms', true)")
    with pytest.raises(Unavailable, match="too long"):
        pooled_world.database.fetch_all(Statement(select(func.pg_sleep(20))))


def test_the_schema_is_made_through_it(pgbouncer: str, postgres_server: postgres.Server) -> None:
    postgres_server.execute("CREATE DATABASE migrated_through_pgbouncer")
    url = f"{pgbouncer}/migrated_through_pgbouncer"
    before, after = migrate(url)
    assert (before, migrate(url)) == (None, (after, after))


def test_people_sign_in_and_applications_get_tokens(pooled_world: World) -> None:
    app, browser = Application.register(pooled_world), Browser.signed_in(pooled_world, pooled_world.alice)
    for _ in range(2 * SESSIONS):
        refreshed = app.refresh(app.tokens(browser)["refresh_token"])
        assert refreshed.status_code == 200, refreshed.text


def test_import_export_counts_and_vacuum(pooled_world: World, tmp_path: Path) -> None:
    rows, tenant_id = Path("customers.csv"), pooled_world.salon
    rows.write_text("first_name,email\n" + "".join(f"Ayşe,a{number}@example.com\n" for number in range(3000)))
    tenant, database = str(tenant_id), ["--database", pooled_world.url]
    assert run(["import", str(rows), "--tenant", tenant, *database]) == 0
    assert run(["export", "--tenant", tenant, "--output", "out.csv", *database]) == 0
    assert len(Path("out.csv").read_text("utf-8").splitlines()) == 3003
    merge_count_deltas(pooled_world.database)
    assert check_counts(pooled_world.database, tenant_id) == []
    found = pooled_world.get(user=pooled_world.charlie, params={"search": "ayşe a2999"})
    assert found.json["meta"]["total"] == 1
    pooled_world.database.analyze()


def test_servers_of_many_connections_share_a_few_sessions(pooled_world: World) -> None:
    with running(pooled_world, "--workers", "3") as server, ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(server.get, LIST, params={"search": f"müşteri {n % 40:02}"}) for n in range(120)]
        assert {answer.result().status_code for answer in asked} == {200}


def test_every_session_may_be_cut(pooled_world: World, postgres_server: postgres.Server) -> None:
    name = pooled_world.url.rpartition("/")[2]
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    assert pooled_world.get().status_code == 200
    postgres_server.execute(cut)
    deadline = time.monotonic() + 2 * WAIT_SECONDS
    while pooled_world.get().status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert pooled_world.get().status_code == 200


def test_while_postgresql_is_away_behind_it_the_answer_is_503() -> None:
    with postgres.running_server() as server, running_pgbouncer(server) as url:
        server.execute("CREATE DATABASE mortal")
        migrate(f"{url}/mortal")
        with World.on(f"{url}/mortal") as world:
            assert world.get().status_code == 200
            server.stop()
            expect_error(world.get(), 503, "unavailable")
            server.start()
            deadline = time.monotonic() + 20
            while world.get().status_code != 200 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert world.get().status_code == 200


def test_statements_are_prepared_where_no_pooler_is_between(fresh_database: FreshDatabase, pooled_world: World) -> None:
    prepared = Statement(text("SELECT count(*) FROM pg_prepared_statements").columns(column("count")))

    def count_after_some(database: Database) -> int:
        with database.transaction():
            return [int(database.fetch_all(prepared)[0][0]) for _ in range(5)][-1]

    with World.on(fresh_database("postgresql")) as direct:
        assert count_after_some(direct.database) > 0
    assert count_after_some(pooled_world.database) == 0
