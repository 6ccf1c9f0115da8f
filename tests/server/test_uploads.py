"""Uploads: large bodies that are allowed first, and then received into a temporary file."""

import hashlib
import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.support.transfers import BLOCK, MEGABYTE, SMALL_UPLOAD, UPLOAD, WAIT_SECONDS, Transfers, serving

TOKEN = {"Authorization": "Bearer a"}
LARGE_MEGABYTES = 300
ALLOWED_MEMORY = 40 * MEGABYTE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transfers]:
    with serving(tmp_path_factory.mktemp("transfers")) as started:
        yield started


def head(*headers: str, path: str = UPLOAD, user: str = "a") -> bytes:
    """Return the head of an upload."""
    credentials = [f"Authorization: Bearer {user}"] if user else []
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *credentials, *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@contextmanager
def connected(server: Transfers, raw: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_SECONDS) as connection:
        connection.sendall(raw)
        yield connection


def status_of(answer: bytes) -> int:
    return int(answer[9:12])


def wait_for_files(server: Transfers, count: int) -> None:
    """Wait until `count` uploads have an open file."""
    deadline = time.monotonic() + WAIT_SECONDS
    while sum(name.startswith(str(server.folder)) for name in server.open_files()) != count:
        assert time.monotonic() < deadline, server.open_files()
        time.sleep(0.02)


def blocks(megabytes: int) -> Iterator[bytes]:
    return (BLOCK for _ in range(megabytes))


@pytest.mark.slow
def test_a_large_upload_takes_little_memory(server: Transfers) -> None:
    size = LARGE_MEGABYTES * MEGABYTE
    before = server.peak_memory()
    headers = TOKEN | {"Content-Length": str(size)}
    answer = httpx.post(server.url + UPLOAD, headers=headers, content=blocks(LARGE_MEGABYTES), timeout=60).json()
    digest = hashlib.sha256()
    for block in blocks(LARGE_MEGABYTES):
        digest.update(block)
    assert answer == {"size": size, "digest": digest.hexdigest(), "length": str(size)}
    assert server.peak_memory() - before < ALLOWED_MEMORY
    wait_for_files(server, 0)


@pytest.mark.parametrize("size", [0, 1, 20_000, MEGABYTE])
def test_an_upload_of_any_size_arrives_whole(server: Transfers, size: int) -> None:
    body = BLOCK[:size]
    answer = httpx.post(server.url + SMALL_UPLOAD, headers=TOKEN, content=body)
    assert answer.json() == {"size": size, "digest": hashlib.sha256(body).hexdigest(), "length": str(size)}


def test_a_chunked_upload_arrives_whole_and_is_logged_once(server: Transfers) -> None:
    headers = TOKEN | {"X-Request-Id": "chunked"}
    answer = httpx.post(server.url + UPLOAD, headers=headers, content=blocks(3))
    assert (answer.json()["size"], answer.json()["length"]) == (3 * MEGABYTE, str(3 * MEGABYTE))
    lines = [json.loads(line) for line in server.log.splitlines() if "chunked" in line]
    assert [(line["event"], line["status"]) for line in lines] == [("request", 200)]


def test_an_upload_that_is_not_allowed_is_refused_before_it_is_sent(server: Transfers) -> None:
    headers = ("Content-Length: 300000000", "Expect: 100-continue", "X-Request-Id: refused")
    with connected(server, head(*headers, user="")) as connection:
        answer = connection.recv(65536)
        assert status_of(answer) == 401, answer
        assert connection.recv(65536) == b"", "the connection is ended"
    assert server.log.count('"refused"') == 1


def test_an_upload_that_is_allowed_is_asked_for(server: Transfers) -> None:
    with connected(server, head("Content-Length: 5", "Expect: 100-continue")) as connection:
        assert status_of(connection.recv(65536)) == 100
        connection.sendall(b"after")
        assert status_of(connection.recv(65536)) == 200


def test_an_upload_that_is_cut_off_leaves_no_file(server: Transfers) -> None:
    for _ in range(5):
        with connected(server, head("Content-Length: 3000000") + BLOCK) as connection:
            wait_for_files(server, 1)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(65536)
            assert answer == b"" or status_of(answer) == 400, answer
        wait_for_files(server, 0)
    assert httpx.post(server.url + UPLOAD, headers=TOKEN, content=b"whole").json()["size"] == 5


def test_an_upload_whose_client_disconnects_leaves_no_file(server: Transfers) -> None:
    with connected(server, head("Transfer-Encoding: chunked") + b"100000\r\n" + BLOCK + b"\r\n"):
        wait_for_files(server, 1)
    wait_for_files(server, 0)


@pytest.mark.parametrize("header", ["Content-Length: 3000000", "Transfer-Encoding: chunked"])
def test_an_upload_that_is_too_large_is_refused(server: Transfers, header: str) -> None:
    chunks = (b"100000\r\n" + BLOCK + b"\r\n") * 2 + b"1\r\nx" if "chunked" in header else b""
    with connected(server, head(header, path=SMALL_UPLOAD) + chunks) as connection:
        answer = connection.recv(65536)
        assert status_of(answer) == 413, answer
        assert b"at most 1 MB" in answer
    wait_for_files(server, 0)


def test_a_group_with_too_many_uploads_is_refused_and_others_are_not(server: Transfers) -> None:
    with ExitStack() as stack:
        started = [stack.enter_context(connected(server, head("Content-Length: 9") + b"1234")) for _ in range(2)]
        wait_for_files(server, 2)
        refused = httpx.post(server.url + UPLOAD, headers=TOKEN, content=b"more")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
        others = {"Authorization": "Bearer b"}
        assert httpx.post(server.url + UPLOAD, headers=others, content=b"more").status_code == 200
        started[0].sendall(b"56789")
        assert status_of(started[0].recv(65536)) == 200
        wait_for_files(server, 1)
        assert httpx.post(server.url + UPLOAD, headers=TOKEN, content=b"more").status_code == 200
    wait_for_files(server, 0)


def test_all_groups_together_have_a_limit_for_uploads(server: Transfers) -> None:
    with ExitStack() as stack:
        for user in "aabb":
            stack.enter_context(connected(server, head("Content-Length: 9", user=user) + b"1234"))
        wait_for_files(server, 4)
        refused = httpx.post(server.url + UPLOAD, headers={"Authorization": "Bearer c"}, content=b"more")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
        assert httpx.post(server.url + UPLOAD, content=b"more").status_code == 401
    wait_for_files(server, 0)


def test_an_upload_that_cannot_be_stored_is_a_503(server: Transfers) -> None:
    worker = int(server.worker.name)
    limits = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    # Writing more than this to a file fails, as on a full disk.
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (MEGABYTE, limits[1]))
    try:
        with connected(server, head("Transfer-Encoding: chunked")) as connection:
            connection.sendall((b"100000\r\n" + BLOCK + b"\r\n") * 2)
            answer = connection.recv(65536)
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
    assert status_of(answer) == 503, answer
    assert b"cannot store the upload" in answer
    assert f"Writing to {server.folder} failed: File too large." in server.log
    wait_for_files(server, 0)
