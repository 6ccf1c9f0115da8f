"""Fixtures: new databases of both kinds, and worlds of tenants and users."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from regulars.api.authentication import Authenticator
from regulars.db.migrate import migrate
from tests.support import postgres
from tests.support.mail import SmtpServer, running_smtp_server
from tests.support.pgbouncer import running_pgbouncer
from tests.support.world import World

hypothesis_settings.register_profile(
    "regulars",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("regulars")

DATABASE_KINDS = ("sqlite", "postgresql")
numbers = count(1)

FreshDatabase = Callable[[str], str]


LONGEST = {"system", "browser"}
"""The folders of the tests that take longest."""
POSTGRESQL_FIXTURES = {"postgres_server", "pgbouncer", "pooled_database"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests whose fixtures or parameters need PostgreSQL or Chromium. Move the longest files to the front.

    Otherwise, when tests run in parallel, one process would work on such a file alone at the end.
    """
    items.sort(key=lambda item: not LONGEST.intersection(item.path.parts))
    for item in items:
        assert isinstance(item, pytest.Function)
        if not POSTGRESQL_FIXTURES.isdisjoint(item.fixturenames) or "postgresql" in _parameters(item):
            item.add_marker("postgresql")
        if "chromium" in item.fixturenames:
            item.add_marker("browser")


def _parameters(item: pytest.Function) -> Iterable[object]:
    return item.callspec.params.values() if hasattr(item, "callspec") else ()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Allow PostgreSQL to start only if a selected test has its marker, so that a missing marker is an error."""
    postgres.is_allowed = any(item.get_closest_marker("postgresql") for item in session.items)


@pytest.fixture(autouse=True)
def isolated_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove REGULARS_* variables and change to a folder without a regulars.toml."""
    for variable in list(os.environ):
        if variable.startswith("REGULARS_"):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def fast_password_hashing() -> Iterator[None]:
    """Hash passwords with minimal cost. The default cost takes a tenth of a second for each password."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("regulars.accounts.users.hasher", lambda: PasswordHasher(1, 8, 1))
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """Run a PostgreSQL server for the tests."""
    with postgres.running_server() as server:
        yield server


@pytest.fixture(scope="session")
def fresh_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a function that creates a migrated, empty database of a kind and returns its URL."""
    folder = tmp_path_factory.mktemp("databases")
    templates: dict[str, str] = {}

    def make(kind: str) -> str:
        name = f"regulars_{next(numbers)}"
        if kind == "sqlite":
            if kind not in templates:
                templates[kind] = f"{folder}/template.db"
                migrate(f"sqlite:///{templates[kind]}")
            shutil.copy(templates[kind], folder / f"{name}.db")
            return f"sqlite:///{folder}/{name}.db"
        server = request.getfixturevalue("postgres_server")
        if kind not in templates:
            templates[kind] = "regulars_template"
            server.execute("CREATE DATABASE regulars_template")
            migrate(f"{server.url}/regulars_template")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {templates[kind]}")
        return f"{server.url}/{name}"

    return make


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: postgres.Server) -> Iterator[str]:
    """Run PgBouncer in front of the server; yield its URL without a database name."""
    with running_pgbouncer(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def pooled_database(pgbouncer: str, fresh_database: FreshDatabase) -> str:
    """Return the URL of a migrated, empty database behind PgBouncer."""
    return f"{pgbouncer}/{fresh_database('postgresql').rpartition('/')[2]}"


@pytest.fixture(params=DATABASE_KINDS)
def database_url(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> str:
    """Return the URL of a migrated, empty database. The test runs once on each kind of database."""
    return fresh_database(request.param)


@pytest.fixture
def empty_world(database_url: str) -> Iterator[World]:
    """Yield a world without customers that the test may change."""
    with World.on(database_url) as made:
        yield made


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    """Run an SMTP server."""
    with running_smtp_server() as server:
        yield server


@pytest.fixture
def mailing_world(database_url: str, mail_server: SmtpServer) -> Iterator[World]:
    """Yield a world that sends mail with `mail_server`, and that the test may change."""
    with World.on(database_url, **mail_server.settings) as made:
        yield made


@pytest.fixture
def uncached_access(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check for changes of access with every request instead of every half second."""
    monkeypatch.setattr(Authenticator._discard_changed, "__defaults__", (0,))


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world with customers for all tests of a module. These tests must not change it."""
    with World.on(fresh_database(request.param)) as made:
        made.add_customers()
        yield made
