"""Outages of the database: the service returns 503 during the outage and recovers without a restart."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from falcon.testing import Result

from regulars.db.migrate import migrate
from tests.support import postgres
from tests.support.oauth import Application, Browser
from tests.support.server import TIMEOUT_SECONDS, running
from tests.support.world import LIST, World, expect_error

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]


@pytest.fixture(scope="module")
def stoppable_world() -> Iterator[tuple[postgres.Server, World]]:
    """Yield a world on a PostgreSQL server that the test may stop and start."""
    with postgres.running_server() as server:
        server.execute("CREATE DATABASE stoppable_world")
        migrate(f"{server.url}/stoppable_world")
        with World.on(f"{server.url}/stoppable_world") as world:
            world.add_customers()
            yield server, world


def check_unavailable(answer: Result) -> None:
    body = expect_error(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "database" in body["message"]
    assert "127.0.0.1" not in body["message"]


def test_a_restart_of_the_database_fails_no_request(stoppable_world: tuple[postgres.Server, World]) -> None:
    server, world = stoppable_world
    for _ in range(3):
        assert world.get().status_code == 200
        server.stop()
        server.start()
        assert world.get().status_code == 200


def test_every_connection_may_be_cut(stoppable_world: tuple[postgres.Server, World]) -> None:
    server, world = stoppable_world
    assert world.get().status_code == 200
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'regulars'")
    assert world.get().status_code == 200


def test_while_the_database_is_away_the_answer_is_503(stoppable_world: tuple[postgres.Server, World]) -> None:
    server, world = stoppable_world
    assert world.get().status_code == 200
    server.stop()
    try:
        check_unavailable(world.get())
        check_unavailable(world.get("/readyz"))
        assert world.get("/healthz").status_code == 200
    finally:
        server.start()
    wait_until_it_answers(world)
    assert world.get("/readyz").status_code == 200


def test_no_code_and_no_refresh_token_is_lost_or_given_twice(stoppable_world: tuple[postgres.Server, World]) -> None:
    server, world = stoppable_world
    app, browser = Application.register(world), Browser.signed_in(world, world.alice)
    code, token = app.code(browser), app.tokens(browser)["refresh_token"]
    server.stop()
    try:
        check_unavailable(app.redeem(code))
        check_unavailable(app.refresh(token))
    finally:
        server.start()
    wait_until_it_answers(world)
    assert [app.redeem(code).status_code for _ in range(2)] == [200, 400]
    assert app.refresh(token).status_code == 200


def test_an_outage_takes_few_lines_of_the_log(stoppable_world: tuple[postgres.Server, World]) -> None:
    postgres_server, world = stoppable_world
    with running(world, "--workers", "1", "--jobs") as server:
        postgres_server.stop()
        try:
            time.sleep(15)
        finally:
            postgres_server.start()
        wait_until_it_answers(world)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline and "customer_counts_recovered" not in server.log.read_text():
            time.sleep(0.1)
        events = Counter(line["event"] for line in server.log_lines if line["event"] != "request")
    assert events["customer_counts_failed"] in {1, 2}, events
    assert events["customer_counts_recovered"] == 1
    assert events["library_warning"] < 6, events
    assert events.total() < 10, events


def wait_until_it_answers(world: World) -> None:
    deadline = time.monotonic() + 20
    while world.get().status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert world.get().status_code == 200


def test_a_database_that_is_silent_is_a_503_within_seconds(stoppable_world: tuple[postgres.Server, World]) -> None:
    server, world = stoppable_world
    # Making a token needs the database.
    with running(world, "--workers", "1") as service, service.client() as client:
        assert client.get(LIST).status_code == 200
        server.pause()
        try:
            answer = client.get(LIST)
            assert answer.status_code == 503
            assert "database" in answer.json()["message"]
            assert client.get("/healthz").status_code == 200
            assert client.get("/readyz").status_code == 503
        finally:
            server.resume()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while client.get(LIST).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
