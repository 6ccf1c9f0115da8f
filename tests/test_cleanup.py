"""Automatic deletion of expired data. Rows that are valid, or needed to detect reuse, are kept."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select, update
from structlog.testing import capture_logs

from regulars.accounts.email_addresses import pending_change, start_change
from regulars.accounts.one_time_tokens import create_one_time_token, take_one_time_token
from regulars.accounts.personal_tokens import create_personal_token
from regulars.accounts.users import get_user
from regulars.cleanup import RULES, Cleanup, delete_expired_rows
from regulars.clock import utc_now
from regulars.db import tables
from regulars.db.database import NO_VALUES
from regulars.db.statement import Statement, Values
from regulars.errors import Unavailable
from regulars.mail.messages import Mail
from regulars.mail.queue import enqueue
from regulars.oauth.connected_apps import disconnect
from regulars.oauth.consents import remember_consent
from regulars.security.audit import record
from tests.conftest import FreshDatabase
from tests.support.oauth import Application, Browser, expect_oauth_error
from tests.support.people import invite
from tests.support.server import TIMEOUT_SECONDS, running
from tests.support.world import World

EXPIRING_TABLES = (
    tables.authorization_codes,
    tables.refresh_tokens,
    tables.device_codes,
    tables.grants,
    tables.sessions,
    tables.one_time_tokens,
    tables.personal_tokens,
    tables.consents,
)


def count(world: World, table: Table) -> int:
    rows = world.database.fetch_all(Statement(select(func.count()).select_from(table)))
    return int(rows[0][0])


def counts(world: World) -> dict[str, int]:
    return {table.name: count(world, table) for table in EXPIRING_TABLES}


@pytest.fixture
def busy(empty_world: World) -> World:
    """Return a world with one row of each kind."""
    browser = Browser.signed_in(empty_world, empty_world.alice)
    Application.register(empty_world).tokens(browser)
    Application.register(empty_world, "device").ask("/oauth/device_authorization")
    create_one_time_token(empty_world.database, empty_world.settings, "test", b"x")
    create_personal_token(
        empty_world.database, empty_world.alice, name="x", scopes=["customers:read"], tenant_id=None, lifetime=3600
    )
    return empty_world


def test_what_lives_stays(busy: World) -> None:
    before = counts(busy)
    assert all(before.values())
    assert delete_expired_rows(busy.database, utc_now()) == 0
    assert counts(busy) == before


def test_each_kind_of_row_is_deleted_when_it_expires(busy: World) -> None:
    delete_expired_rows(busy.database, utc_now() + timedelta(hours=23))
    after_hours = counts(busy)
    assert after_hours["one_time_tokens"] == 1
    assert after_hours["authorization_codes"] == 1, "needed to detect a second use"
    delete_expired_rows(busy.database, utc_now() + timedelta(hours=25))
    assert counts(busy)["one_time_tokens"] == 0
    delete_expired_rows(busy.database, utc_now() + timedelta(days=3))
    assert counts(busy)["authorization_codes"] == counts(busy)["device_codes"] == 0
    assert counts(busy)["refresh_tokens"] == counts(busy)["grants"] == 1
    delete_expired_rows(busy.database, utc_now() + timedelta(days=20))
    assert counts(busy)["sessions"] == 0
    delete_expired_rows(busy.database, utc_now() + timedelta(days=32))
    assert counts(busy)["refresh_tokens"] == 0
    delete_expired_rows(busy.database, utc_now() + timedelta(days=370))
    assert set(counts(busy).values()) == {0}


def test_ended_grants_are_deleted_after_a_day_and_refused_until_then(empty_world: World) -> None:
    app, browser = Application.register(empty_world), Browser.signed_in(empty_world, empty_world.alice)
    token = app.tokens(browser)["refresh_token"]
    disconnect(empty_world.database, empty_world.alice, app.client.id)
    delete_expired_rows(empty_world.database, utc_now())
    assert count(empty_world, tables.grants) == 1
    expect_oauth_error(app.refresh(token), "invalid_grant")
    delete_expired_rows(empty_world.database, utc_now() + timedelta(days=2))
    assert count(empty_world, tables.grants) == count(empty_world, tables.refresh_tokens) == 0


def test_cleanup_deletes_in_small_batches(empty_world: World) -> None:
    for _ in range(3):
        create_one_time_token(empty_world.database, empty_world.settings, "test", b"x", seconds=1000)
    rows = [(f"address:{number}", 1, utc_now() - timedelta(days=1)) for number in range(1200)]
    empty_world.database.load(tables.failed_attempts, ["key", "failures", "failed_at"], rows)
    assert [delete_expired_rows(empty_world.database, utc_now()) for _ in range(4)] == [500, 500, 200, 0]
    assert count(empty_world, tables.one_time_tokens) == 3


def test_an_invitation_is_listed_for_thirty_days_after_its_end(empty_world: World) -> None:
    invite(empty_world, "zeynep@example.com")
    database = empty_world.database
    for days, left in ((36, 1), (38, 0)):
        delete_expired_rows(database, utc_now() + timedelta(days=days))
        assert count(empty_world, tables.invitations) == left


def test_a_change_of_address_that_was_not_confirmed_is_deleted(mailing_world: World) -> None:
    database = mailing_world.database
    bob = get_user(database, mailing_world.bob)
    start_change(database, mailing_world.settings, bob, "robert@example.com", "en")
    for hours, left in ((47, 1), (49, 0)):
        delete_expired_rows(database, utc_now() + timedelta(hours=hours))
        assert count(mailing_world, tables.email_changes) == left


def test_each_record_stays_as_long_as_it_is_of_use(empty_world: World) -> None:
    database = empty_world.database
    record(database, "test")
    database.load(tables.failed_attempts, ["key", "failures", "failed_at"], [("address", 1, utc_now())])
    database.load(tables.revoked_tokens, ["token_id", "expires_at"], [("jti", utc_now() + timedelta(minutes=5))])
    create_personal_token(
        database, empty_world.alice, name="x", scopes=["customers:read"], tenant_id=None, lifetime=3600
    )
    enqueue(database, empty_world.settings, Mail("x@example.com", "x", "x", "x"))
    hour, day = timedelta(hours=1), timedelta(days=1)
    for table, last, gone in (
        (tables.failed_attempts, hour - timedelta(minutes=1), hour + timedelta(minutes=1)),
        (tables.revoked_tokens, day, day + timedelta(minutes=6)),
        (tables.outgoing_mail, 6 * day, 8 * day),
        (tables.personal_tokens, 30 * day, 30 * day + 2 * hour),
        (tables.audit_events, 399 * day, 401 * day),
    ):
        delete_expired_rows(database, utc_now() + last)
        assert count(empty_world, table) > 0, table.name
        delete_expired_rows(database, utc_now() + gone)
        assert count(empty_world, table) == 0, table.name


def test_old_consents_without_grants_are_deleted_in_batches(empty_world: World) -> None:
    app = Application.register(empty_world)
    app.tokens(Browser.signed_in(empty_world, empty_world.alice))
    remember_consent(empty_world.database, empty_world.bob, app.client.id, ["openid"])
    people = [(1000 + number, f"{number}@example.com", "x", "x", utc_now()) for number in range(1200)]
    empty_world.database.load(tables.users, ["id", "email", "name", "password_hash", "created_at"], people)
    old = [(user_id, app.client.id, "openid", utc_now(), utc_now() - timedelta(days=366)) for user_id, *_ in people]
    columns = ["user_id", "client_id", "scopes", "created_at", "updated_at"]
    empty_world.database.load(tables.consents, columns, old)
    assert [delete_expired_rows(empty_world.database, utc_now()) for _ in range(4)] == [500, 500, 200, 0]
    assert count(empty_world, tables.consents) == 2, "Bob's consent is less than a year old"
    empty_world.database.execute(Statement(update(tables.consents).values(updated_at=utc_now() - timedelta(days=366))))
    assert delete_expired_rows(empty_world.database, utc_now()) == 1
    assert count(empty_world, tables.consents) == 1, "Alice still has a grant"


def test_many_tokens_of_ended_grants_are_deleted_in_several_runs(empty_world: World) -> None:
    app = Application.register(empty_world)
    app.tokens(Browser.signed_in(empty_world, empty_world.alice))
    ((grant_id,),) = empty_world.database.fetch_all(Statement(select(tables.grants.c.id)))
    used = [(f"used {number}", grant_id, number, utc_now() + timedelta(days=30)) for number in range(700)]
    empty_world.database.load(tables.refresh_tokens, ["digest", "grant_id", "generation", "expires_at"], used)
    disconnect(empty_world.database, empty_world.alice, app.client.id)
    later = utc_now() + timedelta(days=2)
    delete_expired_rows(empty_world.database, later)
    assert (count(empty_world, tables.grants), count(empty_world, tables.refresh_tokens)) == (1, 201)
    delete_expired_rows(empty_world.database, later)
    assert (count(empty_world, tables.grants), count(empty_world, tables.refresh_tokens)) == (0, 0)


def test_what_fails_does_not_keep_the_rest(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    database, execute = empty_world.database, empty_world.database.execute
    database.load(
        tables.failed_attempts, ["key", "failures", "failed_at"], [("address", 1, utc_now() - timedelta(days=1))]
    )

    def unavailable_at_first(statement: Statement, values: Values = NO_VALUES) -> int:
        if statement is RULES[0][0]:
            raise Unavailable("The database does not answer.")
        return execute(statement, values)

    monkeypatch.setattr(database, "execute", unavailable_at_first)
    with pytest.raises(Unavailable):
        delete_expired_rows(database, utc_now())
    assert count(empty_world, tables.failed_attempts) == 0


class Clocks:
    """A wall clock that can be set, and a monotonic clock. Both stand still between `pass_time` calls."""

    def __init__(self) -> None:
        self.now = utc_now()
        self.ticks = 1000.0

    def pass_time(self, **duration: float) -> None:
        self.now += timedelta(**duration)
        self.ticks += timedelta(**duration).total_seconds()

    def cleanup(self, world: World) -> Cleanup:
        return Cleanup(world.database, clock=lambda: self.now, monotonic=lambda: self.ticks)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def run_for(cleanup: Cleanup, clocks: Clocks, minutes: int) -> int:
    """Run the cleanup each minute, and return the number of deleted rows."""
    deleted = 0
    for _ in range(minutes):
        clocks.pass_time(minutes=1)
        deleted += cleanup.run()
    return deleted


def test_a_clock_that_is_wrong_for_some_seconds_deletes_nothing(busy: World, clocks: Clocks) -> None:
    before, cleanup = counts(busy), clocks.cleanup(busy)
    run_for(cleanup, clocks, 90)
    with capture_logs() as logs:
        clocks.now += timedelta(days=400)
        clocks.pass_time(seconds=2)
        cleanup.run()
        clocks.now -= timedelta(days=400)
        clocks.pass_time(seconds=2)
        cleanup.run()
    assert counts(busy) == before
    assert [(line["event"], line["log_level"], line["seconds"]) for line in logs] == [
        ("clock_changed", "warning", 400 * 86400),
        ("clock_changed", "warning", -400 * 86400),
    ]


def test_rows_are_deleted_again_an_hour_after_the_clock_was_set(busy: World, clocks: Clocks) -> None:
    cleanup = clocks.cleanup(busy)
    run_for(cleanup, clocks, 90)
    clocks.now += timedelta(days=2)
    assert run_for(cleanup, clocks, 59) == 0
    assert run_for(cleanup, clocks, 2) > 0
    assert counts(busy)["authorization_codes"] == 0


def test_a_server_that_starts_with_a_wrong_clock_deletes_nothing_in_its_first_hour(busy: World, clocks: Clocks) -> None:
    before = counts(busy)
    clocks.now += timedelta(days=400)
    cleanup = clocks.cleanup(busy)
    assert run_for(cleanup, clocks, 59) == 0
    clocks.now -= timedelta(days=400)
    run_for(cleanup, clocks, 120)
    assert counts(busy) == before


def test_a_clock_that_is_corrected_slowly_does_not_stop_the_cleanup(empty_world: World, clocks: Clocks) -> None:
    cleanup = clocks.cleanup(empty_world)
    with capture_logs() as logs:
        for _ in range(70):
            clocks.now += timedelta(seconds=5)
            run_for(cleanup, clocks, 1)
        empty_world.database.load(
            tables.revoked_tokens, ["token_id", "expires_at"], [("jti", clocks.now - timedelta(days=2))]
        )
        assert run_for(cleanup, clocks, 1) == 1
    assert logs == []


def test_expired_rows_are_refused_as_long_as_they_are_kept(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    browser = Browser.signed_in(empty_world, empty_world.alice)
    token = create_one_time_token(database, settings, "test", b"x")
    assert take_one_time_token(database, settings, "test", token)
    token = create_one_time_token(database, settings, "test", b"x")
    assert browser.get("/account/sessions").status_code == 200
    ago = {"expires_at": utc_now() - timedelta(seconds=1)}
    for table in (tables.sessions, tables.one_time_tokens):
        database.execute(Statement(update(table).values(ago)))
    assert delete_expired_rows(database, utc_now()) == 0
    assert browser.get("/account/sessions").status_code == 303
    assert take_one_time_token(database, settings, "test", token) is None
    Browser.signed_in(empty_world, empty_world.bob)
    assert count(empty_world, tables.sessions) == 2, "only the cleanup deletes expired rows"


def test_a_change_of_address_is_refused_after_its_end(mailing_world: World) -> None:
    database = mailing_world.database
    bob = get_user(database, mailing_world.bob)
    start_change(database, mailing_world.settings, bob, "robert@example.com", "en")
    assert pending_change(database, bob.id)
    ended = utc_now() - timedelta(seconds=1)
    database.execute(Statement(update(tables.email_changes).values(expires_at=ended)))
    assert pending_change(database, bob.id) is None


@pytest.mark.slow
def test_a_server_deletes_expired_rows_by_itself(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    # Python imports this file first. It makes the server trust its clock from the start.
    Path(tmp_path, "sitecustomize.py").write_text("import regulars.cleanup\nregulars.cleanup.STEADY_SECONDS = 0.0\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    with World.on(fresh_database("sqlite")) as world:
        Browser.signed_in(world, world.alice)
        world.database.execute(Statement(update(tables.sessions).values(expires_at=utc_now() - timedelta(days=2))))
        with running(world, environment={"PYTHONPATH": path}):
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while count(world, tables.sessions) and time.monotonic() < deadline:
                time.sleep(0.1)
        assert count(world, tables.sessions) == 0
