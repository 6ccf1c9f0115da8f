"""Read replicas: they execute read requests, clients read their own writes, and outages of a replica lose no data.

The tests use a real replica and pause its replay to make it lag.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

import regulars
from regulars.accounts.memberships import add_member
from regulars.customers.read.get import get_customer
from regulars.db import replicas
from regulars.db.migrate import migrate
from regulars.db.replicas import Replica, ReplicatedDatabase
from regulars.errors import ConfigurationError, NotFound, Unavailable
from regulars.oauth.access_tokens import revoke_token
from regulars.permissions import Role
from regulars.settings import load_settings
from tests.support import postgres
from tests.support.oauth import Application, Browser
from tests.support.server import running
from tests.support.world import LIST, World
from tests.tenants.test_tenant_isolation import statements

pytestmark = pytest.mark.postgresql

SOURCES = Path(regulars.__file__).parent
TOKEN = "X-Consistency-Token"
TIMEOUT_SECONDS = 20


@dataclass
class Pair:
    """A world on a primary with one replica."""

    world: World
    replica: postgres.Server
    url: str

    @property
    def known(self) -> Replica:
        """Return the state of the replica, as the service knows it."""
        assert isinstance(self.world.database, ReplicatedDatabase)
        return self.world.database.replicas[0]

    def ask_replica(self, query: str) -> object:
        """Return the single value of a query on the replica."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
            return row[0] if row else None

    def catch_up(self) -> None:
        """Wait until the replica has replayed all writes and the service has noticed it."""
        assert isinstance(self.world.database, ReplicatedDatabase)
        written, deadline = self.world.database.written(), time.monotonic() + TIMEOUT_SECONDS
        while not self.known.has(written) and time.monotonic() < deadline:
            time.sleep(0.01)
            with suppress(Unavailable):
                self.known.check()
        assert self.known.has(written)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the replay of the replica within the context."""
        self.catch_up()
        self.ask_replica("SELECT pg_wal_replay_pause()")
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self.ask_replica("SELECT pg_get_wal_replay_pause_state()") != "paused" and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            yield
        finally:
            self.ask_replica("SELECT pg_wal_replay_resume()")

    def sees(self, customer_id: int, **headers: str) -> bool:
        """Return whether Alice can read the customer with these headers, in the list and by id."""
        listed = self.world.get(LIST, params={"per_page": "100"}, headers=headers)
        alone = self.world.get(f"{LIST}/{customer_id}", headers=headers)
        assert listed.status_code == 200, listed.text
        ids = [customer["id"] for customer in listed.json["data"]]
        assert listed.json["meta"]["total"] == len(ids)
        assert (customer_id in ids) == (alone.status_code == 200)
        return customer_id in ids

    def write(self) -> str:
        """Write something through the API; return the token of the response that clients send with later reads."""
        application = Application.register(self.world)
        answer = application.refresh(
            application.tokens(Browser.signed_in(self.world, self.world.alice))["refresh_token"]
        )
        return str(answer.headers[TOKEN])


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, postgres.Server]]:
    """Yield the URL of a database on a new server, and a replica of this server."""
    with postgres.running_server() as primary:
        primary.execute("CREATE DATABASE replicated")
        migrate(f"{primary.url}/replicated")
        with postgres.running_replica(primary) as replica:
            yield f"{primary.url}/replicated", replica


@pytest.fixture(scope="module")
def pair(servers: tuple[str, postgres.Server]) -> Iterator[Pair]:
    url, replica = servers
    with World.on(url, replicas=(f"{replica.url}/replicated",)) as world:
        yield Pair(world, replica, f"{replica.url}/replicated")


def test_what_only_reads_is_answered_by_the_replica(pair: Pair) -> None:
    with pair.paused():
        new = pair.world.add()
        assert not pair.sees(new)
    pair.catch_up()
    assert pair.sees(new)


def test_a_client_that_has_written_sees_it_and_the_replica_serves_it_again_later(pair: Pair) -> None:
    with pair.paused():
        new = pair.world.add()
        token = pair.write()
        assert pair.sees(new, **{TOKEN: token})
        assert not pair.sees(new)
    pair.catch_up()
    with pair.paused():
        newer = pair.world.add()
        assert pair.sees(new, **{TOKEN: token})
        assert not pair.sees(newer, **{TOKEN: token})


def test_a_browser_that_has_written_sees_it_by_its_cookie(pair: Pair) -> None:
    browser = Browser.signed_in(pair.world, pair.world.alice)
    with pair.paused():
        new = pair.world.add()
        assert "regulars_consistency" not in browser.cookies
        Application.register(pair.world).code(browser)
        assert pair.sees(new, Cookie=f"regulars_consistency={browser.cookies['regulars_consistency']}")


def test_answers_to_what_only_reads_have_no_token(pair: Pair) -> None:
    assert TOKEN not in pair.world.get().headers
    assert TOKEN not in Browser.signed_in(pair.world, pair.world.alice).get("/account").headers


@pytest.mark.parametrize("forged", ["9" * 19 + "." + "0" * 64, "9" * 30, "x", "1.2.3", ""])
def test_a_token_that_we_have_not_signed_does_not_keep_a_client_on_the_primary(pair: Pair, forged: str) -> None:
    with pair.paused():
        new = pair.world.add()
        assert not pair.sees(new, **{TOKEN: forged})


def test_only_these_statements_may_run_on_a_replica(pair: Pair) -> None:
    """Permissions and the data of the authorization server are read from the primary only."""
    named = {name for name, statement in statements("postgresql") if statement.replica_ok}
    assert named == {
        "regulars.customers.read.get.GET_CUSTOMER",
        "regulars.customers.change_log.LIST_CHANGES",
        "regulars.customers.change_log.LAST_VISIBLE_POSITION",
        "regulars.customers.change_log.LIST_CUSTOMER_CHANGES",
        "regulars.customers.tags.LIST_TAGS",
        "regulars.customers.tags.LIST_TAGS_OF_CUSTOMERS",
        "regulars.customers.tags.GET_TAG",
        "regulars.accounts.directory.LIST_TENANT_USERS",
        "regulars.accounts.directory.GET_TENANT_USER",
        "regulars.tenants.channels.LIST_CHANNELS",
        "regulars.tenants.channels.GET_CHANNEL",
        "regulars.customers.read.duplicates.FIND_GROUPS",
        "regulars.customers.read.duplicates.FIND_SAME_VALUE",
        "regulars.customers.read.duplicates.GET_VALUES",
        "regulars.customers.dismissals.LIST_PAIRS",
        "regulars.customers.read.statistics.LIST_USER_NAMES",
        "regulars.tenants.countries.LIST_COUNTRIES",
    }
    assert {path.name for path in SOURCES.rglob("*.py") if "replica_ok=True" in path.read_text("utf-8")} == {
        "list_sql.py",  # the list of customers
        "dismissals.py",
        "duplicates.py",
        "statistics.py",  # the names of users
        "statistics_sql.py",
        "get.py",
        "change_log.py",
        "tags.py",
        "directory.py",
        "channels.py",
        "countries.py",
    }


def test_a_transaction_reads_what_it_writes(pair: Pair) -> None:
    database = pair.world.database
    assert isinstance(database, ReplicatedDatabase)
    with pair.paused():
        new = pair.world.add()
        database.start_request(0, 0)
        try:
            with database.transaction():
                assert get_customer(database, pair.world.clinic, new).customer.id == new
            with pytest.raises(NotFound):
                get_customer(database, pair.world.clinic, new)
        finally:
            database.end_request()
        # Code outside a read request, for example an import, always reads from the primary.
        assert get_customer(database, pair.world.clinic, new).customer.id == new


def test_permissions_are_never_read_from_a_replica(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    world = pair.world
    token = world.token(world.alice)
    headers = {"Authorization": f"Bearer {token}"}
    assert world.client.simulate_get(LIST, headers=headers).status_code == 200
    assert world.get(user=world.charlie, tenant=world.clinic).status_code == 403
    with pair.paused():
        revoke_token(world.database, world.settings, token)
        add_member(world.database, world.clinic, "charlie@example.com", Role.VIEWER)
        # Advance the service's clock by a second, so that cached tokens expire.
        later = time.monotonic() + 1
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert world.client.simulate_get(LIST, headers=headers).status_code == 401
        assert world.get(user=world.charlie, tenant=world.clinic).status_code == 200


def test_a_replica_that_lags_too_much_is_not_used(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with pair.paused():
        new = pair.world.add()
        pair.known.check()
        assert not pair.sees(new)
        monkeypatch.setattr(replicas, "MAX_LAG_SECONDS", 0)
        pair.known.check()
        assert pair.sees(new)


def test_while_the_replica_is_away_the_primary_answers(pair: Pair) -> None:
    pair.catch_up()
    new = pair.world.add()
    pair.replica.stop()
    try:
        assert pair.sees(new)
        with pytest.raises(Unavailable, match=r"read replica postgresql://postgres@127\.0\.0\.1"):
            pair.known.check()
        assert pair.sees(new)
    finally:
        pair.replica.start()
    pair.catch_up()
    with pair.paused():
        assert not pair.sees(pair.world.add())


def test_a_server_that_is_no_replica_is_not_used(pair: Pair) -> None:
    unconnected = ReplicatedDatabase(pair.world.url, [pair.world.url])
    try:
        with pytest.raises(Unavailable, match="is not a read replica"):
            unconnected.replicas[0].check()
        assert not unconnected.replicas[0].has(0)
    finally:
        unconnected.close()


def test_a_running_server_watches_its_replica(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_REPLICAS", pair.url)
    used = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'regulars' AND query LIKE '%FROM customers%'"
    with running(pair.world, "--workers", "1") as server:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while pair.ask_replica(used) == 0 and time.monotonic() < deadline:
            assert server.get(LIST).status_code == 200
        assert pair.ask_replica(used) != 0
        pair.replica.stop()
        try:
            assert [server.get(LIST).status_code for _ in range(5)] == [200] * 5
        finally:
            pair.replica.start()


def test_replicas_are_of_a_postgresql_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_REPLICAS", "postgresql://a:hidden@one,two/x, postgres://three/x")
    with pytest.raises(ConfigurationError, match="can only be set with a PostgreSQL database"):
        load_settings()
    settings = load_settings({"database": "postgresql://a@primary/x"})
    assert settings.replicas == ("postgresql://a:hidden@one,two/x", "postgres://three/x")
    assert settings.display_value("replicas") == "postgresql://a:***@one,two/x, postgres://three/x"
    for wrong in ("sqlite:///x.db", "postgresql://a:hidden@h:port/x", "hidden"):
        monkeypatch.setenv("REGULARS_REPLICAS", wrong)
        with pytest.raises(ConfigurationError, match=r"replicas \(REGULARS_REPLICAS\) must") as caught:
            load_settings({"database": "postgresql://a@primary/x"})
        assert "hidden" not in caught.value.message
