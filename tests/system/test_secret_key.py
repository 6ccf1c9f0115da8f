"""The secret key: a wrong or missing one stops the server, and it can be changed while everybody stays signed in."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pyotp
import pytest
from falcon.testing import Result

from regulars.accounts import totp
from regulars.cli.main import run
from regulars.db.connect import is_embedded, sqlite_path
from regulars.oauth.signing_keys import current_key
from regulars.security.audit import list_events
from regulars.settings import Settings
from tests.conftest import FreshDatabase
from tests.support.oauth import Browser
from tests.support.world import LIST, World, client_for, expect_error

NEW = "a new secret key, with 32 characters"
OTHER = "a secret key of another database altogether"
Regulars = Callable[..., tuple[int, str, str]]


@pytest.fixture
def regulars(empty_world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Regulars:
    """Run a command on the world's database with secret keys; return its exit status, stdout and stderr."""

    def command(*arguments: str, **keys: str) -> tuple[int, str, str]:
        monkeypatch.setenv("REGULARS_DATABASE", empty_world.url)
        for name, value in keys.items():
            monkeypatch.setenv(f"REGULARS_{name.upper()}", value)
        capsys.readouterr()
        status = run(list(arguments))
        for name in keys:
            monkeypatch.delenv(f"REGULARS_{name.upper()}")
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def unserved(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Replace the server by a list of the settings with which it was started."""
    started: list[Settings] = []
    monkeypatch.setattr("regulars.cli.serve._listen", lambda settings, **_: started.append(settings))
    return started


def test_serve_refuses_a_wrong_secret_key(empty_world: World, regulars: Regulars, unserved: list[Settings]) -> None:
    right = empty_world.settings.secret_key
    assert regulars("serve", secret_key=right) == (0, "", "")
    status, _, err = regulars("serve", secret_key=OTHER)
    assert (status, len(unserved)) == (1, 1)
    assert "encrypted with another secret key" in err
    assert regulars("serve", secret_key=OTHER, old_secret_key=right)[0] == 0


def test_a_server_with_a_wrong_secret_key_is_not_ready(empty_world: World) -> None:
    assert empty_world.client.simulate_get("/readyz").status_code == 200
    current_key(empty_world.database, empty_world.settings)
    settings = replace(empty_world.settings, secret_key=OTHER)
    client = client_for(settings, empty_world.database)
    assert "secret key" in expect_error(client.simulate_get("/readyz"), 503, "unavailable")["message"]


def test_postgresql_needs_a_secret_key_and_sqlite_makes_a_file(
    empty_world: World, regulars: Regulars, unserved: list[Settings]
) -> None:
    status, _, err = regulars("serve")
    if is_embedded(empty_world.url):
        assert (status, len(unserved)) == (0, 1)
        return
    assert (status, unserved) == (1, [])
    assert "REGULARS_SECRET_KEY or REGULARS_SECRET_KEY_FILE" in err
    assert list(Path().iterdir()) == []


def test_a_missing_secret_key_is_reported_while_the_database_is_away(
    capsys: pytest.CaptureFixture[str], unserved: list[Settings]
) -> None:
    assert run(["serve", "--database", "postgresql://127.0.0.1:1/none"]) == 1
    assert "REGULARS_SECRET_KEY_FILE" in capsys.readouterr().err
    assert unserved == []


# Changing the secret key


WRITE = {"Idempotency-Key": "before"}


@dataclass
class Visit:
    """What Alice got from the service before the secret key was changed."""

    world: World
    monkeypatch: pytest.MonkeyPatch
    browser: Browser
    page: Result
    cursor: str
    totp_secret: str
    now: float

    @classmethod
    def start(cls, world: World, monkeypatch: pytest.MonkeyPatch) -> "Visit":
        """Sign Alice in, add an authenticator app, read a page of a list and send a write."""
        for number in range(2):
            world.add(first_name=f"Customer {number}")
        secret, now = totp.new_totp_secret(), time.time()
        totp.enable_totp(world.database, world.settings, world.alice, secret, pyotp.TOTP(secret).at(now))
        browser = Browser.signed_in(world, world.alice)
        page = browser.get("/account/profile")
        cursor = world.get(params={"limit": 1, "cursor": ""}).json["meta"]["cursor"]
        assert world.send("POST", LIST, {"first_name": "Ayşe"}, headers=WRITE).status_code == 201
        return cls(world, monkeypatch, browser, page, cursor, secret, now)

    def check(self, settings: Settings) -> None:
        """Assert that the session, the access token and the authenticator app work with `settings`."""
        self.world.settings = settings
        assert self.browser.get("/account/profile").status_code == 200
        assert self.world.get().status_code == 200
        assert self.world.client.simulate_get("/readyz").status_code == 200
        self.now += totp.STEP_SECONDS
        self.monkeypatch.setattr("regulars.accounts.totp.time", SimpleNamespace(time=lambda: self.now))
        code = pyotp.TOTP(self.totp_secret).at(self.now)
        assert totp.check_totp(self.world.database, settings, self.world.alice, code)

    def check_signed(self) -> None:
        """Assert that the cursor, the form and the Idempotency-Key are accepted too."""
        assert self.world.get(params={"limit": 1, "cursor": self.cursor}).status_code == 200
        assert self.browser.submit(self.page, "/account/profile", name="Alice A").status_code == 303
        repeated = self.world.send("POST", LIST, {"first_name": "Ayşe"}, headers=WRITE)
        assert (repeated.status_code, repeated.headers["Idempotent-Replayed"]) == (201, "true")


def serve_again(world: World, settings: Settings) -> None:
    """Start the service again, with other settings."""
    world.client = client_for(settings, world.database)


def test_the_secret_key_of_the_settings_is_changed(
    empty_world: World, regulars: Regulars, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, old = Visit.start(empty_world, monkeypatch), empty_world.settings.secret_key
    both = replace(empty_world.settings, secret_key=NEW, old_secret_key=old)
    serve_again(empty_world, both)
    visit.check(both)
    visit.check_signed()
    status, out, err = regulars("secret", "rotate", secret_key=NEW, old_secret_key=old)
    assert (status, err) == (0, "")
    assert "1 signing keys, 1 secrets of authenticator apps" in out
    assert list_events(empty_world.database)[0].kind == "secret.rotated"
    visit.check(both)
    visit.check_signed()
    assert "0 signing keys, 0 secrets" in regulars("secret", "rotate", secret_key=NEW, old_secret_key=old)[1]
    only_new = replace(both, old_secret_key="")
    serve_again(empty_world, only_new)
    visit.check(only_new)
    expect_error(empty_world.get(params={"limit": 1, "cursor": visit.cursor}), 422, "validation_error")


@pytest.mark.parametrize("keys", [{}, {"old_secret_key": ""}, {"old_secret_key": NEW}])
def test_the_old_key_must_be_set_and_right(empty_world: World, regulars: Regulars, keys: dict[str, str]) -> None:
    current_key(empty_world.database, empty_world.settings)
    right = empty_world.settings.secret_key
    status, out, err = regulars("secret", "rotate", secret_key=right, **{"old_secret_key": right} | keys)
    if keys == {"old_secret_key": NEW}:
        # Nothing was encrypted with it, and nothing is lost.
        assert (status, err) == (0, "")
    else:
        assert (status, out) == (1, "")
        assert "old_secret_key" in err.lower()
    status, _, err = regulars("secret", "rotate", secret_key=NEW, old_secret_key=OTHER)
    assert status == 1
    assert "encrypted with another secret key" in err


@pytest.fixture
def file_world(fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world whose secret key is in a file beside the SQLite database."""
    with World.on(fresh_database("sqlite")) as made:
        made.settings = replace(made.settings, secret_key="")
        serve_again(made, made.settings)
        yield made


def test_the_secret_key_of_the_file_is_changed_under_a_running_server(
    file_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    visit, settings = Visit.start(file_world, monkeypatch), file_world.settings
    running, file = file_world.client, Path(sqlite_path(file_world.url) + ".secret")
    (old,) = file.read_text().split()
    for kept in ([old], None):
        capsys.readouterr()
        assert run(["secret", "rotate", "--database", file_world.url]) == 0
        assert "1 signing keys, 1 secrets of authenticator apps" in capsys.readouterr().out
        if kept:
            assert file.read_text().split()[1:] == kept
        assert file.stat().st_mode & 0o777 == 0o600
        visit.check(settings)
        visit.check_signed()
    # A new worker of the running server, whose cursors the others must understand.
    serve_again(file_world, settings)
    visit.check(settings)
    visit.check_signed()
    newer = file_world.get(params={"limit": 1, "cursor": ""}).json["meta"]["cursor"]
    file_world.client = running
    assert file_world.get(params={"limit": 1, "cursor": newer}).status_code == 200
    file.write_text(file.read_text().split()[0])
    serve_again(file_world, settings)
    visit.check(settings)
    expect_error(file_world.get(params={"limit": 1, "cursor": visit.cursor}), 422, "validation_error")


def test_a_rotation_that_fails_leaves_everything_readable(
    file_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    visit = Visit.start(file_world, monkeypatch)
    with monkeypatch.context() as broken:
        broken.setattr("regulars.secret_rotation.encrypt_totp_again", lambda *_: 1 / 0)
        assert run(["secret", "rotate", "--database", file_world.url]) == 70
    serve_again(file_world, file_world.settings)
    visit.check(file_world.settings)
    visit.check_signed()
