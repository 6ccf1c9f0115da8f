"""Fair shares: slow requests of one tenant, and requests that nobody waits for, leave the service to others."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from regulars.db.statement import Statement
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.server import Server, running
from tests.support.world import LIST, World

CLIENTS = 40
LIMIT_SECONDS = 2

# Reading the tags of customers never ends on SQLite, and takes a minute on PostgreSQL.
SLOW_TAGS = {
    "sqlite": (
        "ALTER TABLE customer_tags RENAME TO hidden_tags",
        "CREATE VIEW customer_tags AS WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers)"
        " SELECT hidden_tags.* FROM numbers CROSS JOIN hidden_tags WHERE n < 0",
    ),
    "postgresql": (
        "ALTER TABLE customer_tags RENAME TO hidden_tags",
        "CREATE VIEW customer_tags AS SELECT hidden_tags.* FROM pg_sleep(60), hidden_tags",
    ),
}


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def world(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world in which filtering by tag takes very long."""
    with World.on(fresh_database(request.param)) as made:
        made.add(made.salon, first_name="Geneviève")
        yield made


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Server]:
    """Run the service with one worker, and then make it slow."""
    limit = {"REGULARS_STATEMENT_TIMEOUT": "8s"}
    with running(world, "--workers", "1", environment=limit) as started:
        make_tags_slow(world)
        yield started


def make_tags_slow(world: World) -> None:
    """Add a customer with a tag, for which filtering by tag takes very long."""
    tag = world.send("POST", "/api/v1/tags", {"name": "VIP", "color": "#336699"}).json["data"]["id"]
    world.create(tags=[tag])
    for command in SLOW_TAGS[world.database.dialect]:
        world.database.execute(Statement(text(command)))


def slow_request(server: Server) -> dict[str, Any]:
    """Return the arguments of a request with a token of its own, which has been used before."""
    with server.client() as client:
        assert client.get(LIST, params={"search": "ayş"}).status_code == 200
        return {"url": server.url + LIST, "params": {"tag_id": 1}, "headers": client.headers, "timeout": 30}


def abandon(server: Server, requests: int) -> None:
    """Send requests that take long, and close their connections when they run."""
    head = f"GET {LIST}?tag_id=1 HTTP/1.1\r\nHost: localhost\r\n"
    raw = f"{head}Authorization: {server.client().headers['Authorization']}\r\n\r\n".encode()
    for _ in range(requests):
        with closing(socket.create_connection(("127.0.0.1", server.port))) as connection:
            connection.sendall(raw)
            time.sleep(0.3)


def test_slow_requests_of_a_tenant_leave_threads_to_all_others(server: Server, world: World) -> None:
    requests = [slow_request(server) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool, server.client(world.charlie) as others:
        slow = [pool.submit(httpx.get, **request) for request in requests]
        while not any(answer.done() for answer in slow):
            time.sleep(0.05)
        assert server.get("/healthz").status_code == 200
        assert others.get(LIST).json()["meta"]["total"] == 1
        assert others.get(LIST, params={"search": "gen"}).json()["meta"]["total"] == 1
        assert others.post(LIST, json={"first_name": "Marie"}).status_code == 201
        assert server.get(LIST).status_code == 200, "the tenant's own list must be answered, too"
        answers = [answer.result() for answer in slow]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused, "more requests than may wait"
    assert {(answer.json()["error"], answer.headers["Retry-After"]) for answer in refused} == {
        ("too_many_requests", "1")
    }
    assert {answer.status_code for answer in answers} == {429, 503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)


def test_requests_whose_clients_have_gone_are_ended(server: Server) -> None:
    abandon(server, 10)
    # Otherwise it would wait for the abandoned ones, and be refused.
    answer = server.get(LIST, params={"search": "ayş"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["meta"]["total"] == 1
    reasons = [line["reason"] for line in server.log_lines if line["event"] == "unavailable"]
    assert "The client has closed the connection." in reasons


@pytest.mark.parametrize("kind", DATABASE_KINDS)
def test_a_statement_that_takes_too_long_is_a_503_that_names_the_setting(
    kind: str, fresh_database: FreshDatabase
) -> None:
    limit = {"REGULARS_STATEMENT_TIMEOUT": f"{LIMIT_SECONDS}s"}
    with World.on(fresh_database(kind)) as world, running(world, "--workers", "1", environment=limit) as server:
        make_tags_slow(world)
        answer = httpx.get(**slow_request(server))
        assert answer.status_code == 503
        assert f"limit of {LIMIT_SECONDS} seconds (statement_timeout)" in answer.json()["message"]
        assert int(answer.headers["Retry-After"]) > 0
        assert server.get(LIST).status_code == 200
