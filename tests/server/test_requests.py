"""Requests as they arrive over the wire: slow, cut off, or with odd headers."""

import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import FreshDatabase
from tests.support.postgres import free_port
from tests.support.server import Server, running, running_command
from tests.support.world import LIST, World

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
BODY_SECONDS = 10
BATCH_BYTES = 4 * 1024 * 1024
SLOW_CLIENTS = 30


@pytest.fixture(scope="module")
def server(fresh_database: FreshDatabase) -> Iterator[Server]:
    """Run the service with one worker on an SQLite database."""
    with World.on(fresh_database("sqlite")) as world, running(world, "--workers", "1") as started:
        yield started


def request(server: Server, method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request as Alice, with all scopes."""
    token = server.client().headers["Authorization"]
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: {token}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status_of(answer: bytes) -> int:
    return int(answer[9:12])


def cut_off(server: Server, raw: bytes) -> bytes:
    """Send bytes and end the sending direction of the connection; return everything received."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def totals(server: Server) -> int:
    return int(server.get(LIST).json()["meta"]["total"])


CUT_OFF = [
    (f"Content-Type: {JSON}", "Content-Length: 40", b'{"first_name": "Ay\xc5\x9fe"}'),
    (f"Content-Type: {JSON}", "Transfer-Encoding: chunked", b'16\r\n{"first_name": "Ay\xc5\x9fe"}\r\n'),
    (f"Content-Type: {JSON}", "Transfer-Encoding: chunked", b'16\r\n{"first_name": "Ay\xc5\x9fe"}\r\n0\r\n'),
    (f"Content-Type: {JSON}", "Transfer-Encoding: chunked", b'16\r\n{"first_name": "Ay\xc5\x9fe"}\r\nzz\r\n'),
]


@pytest.mark.parametrize("case", CUT_OFF, ids=range(len(CUT_OFF)))
def test_a_body_that_was_cut_off_changes_nothing(server: Server, case: tuple[str, str, bytes]) -> None:
    *headers, body = case
    before = totals(server)
    answer = cut_off(server, request(server, "POST", LIST, *map(str, headers), body=bytes(body)))
    assert answer == b"" or status_of(answer) == 400, answer
    assert totals(server) == before


def test_a_chunked_body_is_read_whole(server: Server) -> None:
    body = b'10\r\n{"first_name": "\r\n6\r\nAy\xc5\x9fe"\r\n1\r\n}\r\n0\r\n\r\n'
    raw = request(
        server, "POST", LIST, f"Content-Type: {JSON}", "Transfer-Encoding: chunked", "Connection: close", body=body
    )
    answer = server.send(raw)
    assert status_of(answer) == 201, answer
    assert "Ayşe" in answer.decode()


@pytest.mark.parametrize("length", ["Content-Length: 100000000", "Transfer-Encoding: chunked"])
def test_a_huge_body_is_refused_before_it_is_read(server: Server, length: str) -> None:
    body = (
        b""
        if "Length" in length
        else b"100000\r\n" + b"a" * 0x100000 + b"\r\n" + (b"100000\r\n" + b"a" * 0x100000 + b"\r\n") * 8
    )
    answer = server.send(request(server, "POST", LIST, f"Content-Type: {JSON}", length, body=body))
    # What is sent after the refusal may reset the connection before the response is read.
    assert status_of(answer) == 413 or (body and answer == b""), answer


def test_bodies_that_are_too_large_together_are_refused(server: Server) -> None:
    head = request(server, "POST", f"{LIST}/batch", f"Content-Type: {JSON}", f"Content-Length: {BATCH_BYTES}")
    # Together, they lack 32 bytes of the limit.
    bodies = [b" " * (BATCH_BYTES - 1)] * 32 + [b" " * 100]
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in bodies]
        for connection, body in zip(connections, bodies, strict=True):
            connection.sendall(head + body)
        refused, _, _ = select.select(connections, [], [], 20)
        assert {status_of(connection.recv(65536)) for connection in refused} == {503}
        assert server.get(LIST).status_code == 200


@pytest.mark.slow
def test_bodies_that_do_not_arrive_are_cut_and_hold_nobody_up(server: Server) -> None:
    slow = [
        request(server, "POST", "/oauth/token", f"Content-Type: {FORM}", "Content-Length: 1000"),
        request(server, "POST", LIST, f"Content-Type: {JSON}", "Content-Length: 1000", body=b"{"),
        request(server, "POST", LIST, f"Content-Type: {JSON}", "Transfer-Encoding: chunked", body=b"1\r\n{\r\n"),
    ]
    started = time.monotonic()
    with ThreadPoolExecutor(SLOW_CLIENTS) as pool:
        answers = [pool.submit(server.send, slow[number % len(slow)]) for number in range(SLOW_CLIENTS)]
        while not all(answer.done() for answer in answers):
            asked = time.monotonic()
            assert server.get("/healthz").status_code == 200
            assert server.get(LIST, params={"search": "a"}).status_code == 200
            assert time.monotonic() - asked < 5
            time.sleep(0.2)
    assert {status_of(answer.result()) for answer in answers} == {408}
    assert time.monotonic() - started < 3 * BODY_SECONDS


def send_without_end(connection: socket.socket, raw: bytes) -> None:
    """Send requests without reading the answers, for a minute or until the server ends the connection."""
    connection.setblocking(False)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection.send(raw)
        except BlockingIOError:
            time.sleep(0.2)


@pytest.mark.slow
def test_a_client_that_does_not_read_is_disconnected(server: Server) -> None:
    for _ in range(30):
        server.world.add()
    page = request(server, "GET", f"{LIST}?per_page=100")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", server.port))
        with pytest.raises(ConnectionError):
            send_without_end(connection, page)


def test_a_query_in_utf_8_finds_the_customer(server: Server) -> None:
    server.world.add(first_name="Gülşah")
    raw = f"GET {LIST}?search=gülşah HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    raw += f"Authorization: {server.client().headers['Authorization']}\r\n\r\n"
    answer = server.send(raw.encode())
    assert status_of(answer) == 200
    assert "Gülşah" in answer.decode()


def test_a_request_without_a_host_is_refused(server: Server) -> None:
    answer = server.send(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 400
    assert b"Host" in answer
    assert status_of(server.send(b"GET /healthz HTTP/1.0\r\n\r\n")) == 200


@pytest.mark.parametrize("header", ["If-Match", "Idempotency-Key", "X-Tenant"])
def test_a_header_that_cannot_be_read_is_refused_instead_of_ignored(server: Server, header: str) -> None:
    raw = request(server, "GET", LIST, "Connection: close").replace(b"\r\nHost", f"\r\n{header}: ş\r\nHost".encode())
    answer = server.send(raw)
    assert status_of(answer) == 400
    assert header.lower().encode() in answer


def test_a_cookie_that_cannot_be_read_is_ignored(server: Server) -> None:
    raw = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: other=\xfe\r\n\r\n"
    assert status_of(server.send(raw)) == 200


def test_underscores_in_a_header_name_do_not_pass_for_hyphens(server: Server) -> None:
    assert server.get(LIST, headers={"X_Tenant": str(server.world.salon)}).status_code == 200


def test_an_absolute_request_target_replaces_the_host(tmp_path: Path) -> None:
    port = free_port()
    command = ["serve", "--database", f"sqlite:///{tmp_path}/regulars.db", "--port", str(port), "--workers", "1"]
    with (tmp_path / "log").open("wb") as log, running_command(command, port, log):
        # Without a public URL, only this machine's own names are accepted.
        hosts = {"http://localhost": "evil.example", "http://evil.example": "localhost"}
        statuses = []
        for target, host in hosts.items():
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(f"GET {target}/sign-in HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                statuses.append(status_of(connection.recv(65536)))
        assert statuses == [200, 400]


def test_head_has_the_headers_of_get_and_no_body(server: Server) -> None:
    answer = server.send(request(server, "HEAD", LIST, "Connection: close"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == 200
    assert b"etag:" in head.lower()
    assert body == b""
