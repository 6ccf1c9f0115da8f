"""The service as a process: workers, log, shutdown, and responses to malformed HTTP."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

import regulars
from regulars.cli.main import run
from tests.conftest import FreshDatabase
from tests.support.postgres import free_port
from tests.support.server import TIMEOUT_SECONDS, Server, running
from tests.support.world import LIST, World

PACKAGE = Path(regulars.__file__).parent
MEGABYTES_10 = 10_000_000


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Server]:
    """Run the service with two workers, for tests that only read."""
    with running(world, "--workers", "2") as started:
        yield started


def test_the_list_is_answered_over_the_wire(server: Server) -> None:
    answer = server.get(LIST, params={"per_page": 2})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.json()["links"]["last"].startswith(f"{server.world.settings.origin}{LIST}?per_page=2&page=")


def test_an_unchanged_page_is_a_304_without_a_body(server: Server) -> None:
    etag = server.get(LIST).headers["ETag"]
    again = server.get(LIST, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == etag


NO_REQUESTS = [
    b"GARBAGE\r\n\r\n",
    b"GET /nowhere HTTP/9.9\r\n\r\n",
    b"GET " + LIST.encode() + b"?search=\x00\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: \x00\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\n" + b"".join(b"H%d: x\r\n" % number for number in range(2000)) + b"\r\n",
    b"GET " + LIST.encode() + b"?search=" + b"a" * MEGABYTES_10 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: x\r\nA: " + b"a" * MEGABYTES_10 + b"\r\n\r\n",
    bytes(range(256)) * 10,
]


@pytest.mark.parametrize("raw", NO_REQUESTS, ids=range(len(NO_REQUESTS)))
def test_bytes_that_are_no_request_are_refused_and_stop_nothing(server: Server, raw: bytes) -> None:
    answer = server.send(raw)
    status = answer[9:12]
    assert answer == b"" or status[:1] == b"4", answer[:200]
    assert b"Traceback" not in answer
    assert server.get("/healthz").status_code == 200


@pytest.mark.parametrize("name", ["X-Tenant", "Authorization", "Host", "If-None-Match", "Prefer"])
def test_a_repeated_header_does_not_break_the_response(server: Server, name: str) -> None:
    token = server.world.token(server.world.alice)
    values = {"Authorization": f"Bearer {token}", "X-Tenant": str(server.world.clinic)}.get(name, "x")
    head = (
        f"GET {LIST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{name}: {values}\r\n{name}: {values}\r\n"
    )
    answer = server.send(f"{head}Connection: close\r\n\r\n".encode())
    assert answer[9:10] in {b"2", b"4"}, answer[:200]


def test_each_request_has_a_line_that_says_what_it_cost_and_whose_it_was(server: Server) -> None:
    answer = server.get(LIST, headers={"X-Tenant": str(server.world.clinic)})
    request_id = answer.headers["X-Request-Id"]
    (line,) = [line for line in server.log_lines if line["request_id"] == request_id]
    assert line.pop("time").endswith("Z")
    assert line.pop("ms") > 0
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": request_id,
        "method": "GET",
        "route": LIST,
        "status": 200,
        "tenant": server.world.clinic,
        "client": "regulars-cli",
    }


def test_no_query_no_token_and_no_persons_data_is_logged(server: Server) -> None:
    token = server.world.token(server.world.alice)
    server.get(LIST, params={"search": "Gizli Soyad", "gender": "sekret"})
    server.get(f"{LIST}/987654321012345", params={"nosuch": "Gizli"}, headers={"Prefer": "handling=strict"})
    server.get("/secret-path/Gizli")
    server.get("/oauth/authorize", params={"client_id": "Gizli", "state": "sekret"})
    httpx.post(server.url + "/oauth/token", data={"grant_type": "authorization_code", "code": "Gizli"})
    httpx.post(server.url + "/oauth/revoke", data={"token": "Gizli"}, auth=("sekret", "Gizli"))
    server.get(LIST, headers={"Authorization": f"Bearer {token}x"})
    text = server.log.read_text()
    for hidden in ("Gizli", "sekret", "987654321012345", "secret-path", token[-20:], "Bearer", "Müşteri"):
        assert hidden not in text


def test_messages_of_libraries_are_log_lines() -> None:
    program = (
        "import logging; from regulars.log import configure_log; configure_log('json');"
        " logging.getLogger('psycopg.pool').warning('error connecting in %r', 'pool-1')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    assert line.pop("time")
    assert line == {
        "event": "library_warning",
        "level": "warning",
        "logger": "psycopg.pool",
        "message": "error connecting in 'pool-1'",
    }


def test_a_message_of_a_library_is_logged_once_a_minute() -> None:
    program = (
        "import logging; import regulars.log as log; log.configure_log('json');"
        " warn = logging.getLogger('psycopg.pool').warning;"
        " warn('no route to %s', 'db1'); warn('no route to %s', 'db2'); warn('no route to %s', 'db1');"
        " log.time.monotonic = lambda now=log.time.monotonic(): now + 61; warn('no route to %s', 'db1')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    messages = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert messages == ["no route to db1", "no route to db2", "no route to db1"]


def test_an_unexpected_error_is_a_500_and_logged_without_its_message(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite")) as world:
        spoil = "UPDATE tenants SET time_zone = 'Gizli Soyad' WHERE id = ?"
        with world.database.transaction():
            world.database._connection().execute(spoil, (world.clinic,))  # type: ignore[attr-defined]
        with running(world) as server:
            answer = server.get(LIST, params={"min_age": 1})
            assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
            assert answer.headers["X-Request-Id"] in answer.json()["message"]
            assert "Gizli" not in answer.text + server.log.read_text()
            (failure,) = [line for line in server.log_lines if line["event"] == "server_error"]
            assert failure["request_id"] == answer.headers["X-Request-Id"]
            assert any("api/customers/collection.py" in frame for frame in failure["traceback"])


@pytest.mark.postgresql
def test_a_request_under_way_is_answered_before_the_end(fresh_database: FreshDatabase) -> None:
    with (
        World.on(fresh_database("postgresql")) as world,
        running(world, "--workers", "2") as server,
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(world.url, autocommit=True) as watcher,
    ):
        with psycopg.connect(world.url) as holder:
            holder.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
            asked = pool.submit(server.get, LIST)
            wait_for_lock(watcher)
            server.process.send_signal(signal.SIGTERM)
        assert asked.result().status_code == 200
        assert server.process.wait(timeout=20) == 0


def wait_for_lock(watcher: psycopg.Connection[Any]) -> None:
    """Wait until a statement is blocked by a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    deadline = time.monotonic() + 20
    while watcher.execute(waiting).fetchone() == (0,) and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.slow
def test_workers_and_another_writer_share_an_sqlite_file(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite")) as world, running(world, "--workers", "2") as server:
        with ThreadPoolExecutor(4) as pool:
            writes = [pool.submit(world.add) for _ in range(60)]
            reads = [pool.submit(server.get, LIST) for _ in range(60)]
            assert {read.result().status_code for read in reads} == {200}
            assert len({write.result() for write in writes}) == 60
        assert server.get(LIST).json()["meta"]["total"] == 60


@pytest.mark.slow
def test_reload_restarts_the_worker_when_a_source_file_changes(tmp_path: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "src" / "regulars", ignore=shutil.ignore_patterns("__pycache__"))
    port = free_port()
    command = f"-m regulars serve --reload --port {port} --database sqlite:///{tmp_path}/regulars.db"
    environment = os.environ | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen([sys.executable, *command.split()], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: alive(port) == "alive")
        health = package / "http" / "health.py"
        health.write_text(health.read_text("utf-8").replace('"alive"', '"reloaded"'), "utf-8")
        wait_until(lambda: alive(port) == "reloaded")
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)


def alive(port: int) -> str:
    with suppress(httpx.HTTPError):
        return str(httpx.get(f"http://127.0.0.1:{port}/healthz").json()["status"])
    return ""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_without_watchfiles_reload_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("regulars.server.workers.find_spec", lambda name: None)
    assert (
        run(["serve", "--reload", "--database", f"sqlite:///{tmp_path}/regulars.db", "--port", str(free_port())]) == 1
    )
    assert "pip install watchfiles" in capsys.readouterr().err
