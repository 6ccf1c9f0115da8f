"""Downloads: responses from files, in parts, for clients that read, read slowly, or disconnect."""

import hashlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import httpx
import pytest

from regulars.server.downloads import BLOCK_BYTES
from tests.support.transfers import DOWNLOAD, MEGABYTE, Transfers, serving

LARGE = 300 * MEGABYTE
ALLOWED_MEMORY = 40 * MEGABYTE
SLOW_CLIENTS = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transfers]:
    with serving(tmp_path_factory.mktemp("transfers")) as started:
        started.make_file(LARGE)
        yield started


def start(server: Transfers, size: int) -> socket.socket:
    """Return a connection on which a download has begun, with small buffers."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(f"GET {DOWNLOAD}?bytes={size} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert connection.recv(15) == b"HTTP/1.1 200 OK"
    return connection


def is_cut_off(connection: socket.socket) -> bool:
    """Tell whether a download of `LARGE` bytes ends early."""
    count = 0
    with suppress(ConnectionResetError):
        while block := connection.recv(MEGABYTE):
            count += len(block)
    return count < LARGE


@pytest.mark.slow
def test_a_large_download_takes_little_memory(server: Transfers) -> None:
    before, files = server.peak_memory(), server.open_files()
    digest = hashlib.sha256()
    with httpx.stream("GET", f"{server.url}{DOWNLOAD}?bytes={LARGE}") as response:
        for block in response.iter_raw():
            digest.update(block)
    assert response.headers["Content-Length"] == str(LARGE)
    assert "Transfer-Encoding" not in response.headers
    assert digest.hexdigest() == server.make_file(LARGE)
    assert server.peak_memory() - before < ALLOWED_MEMORY
    server.wait_until_closed(files)


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, MEGABYTE + 3])
def test_files_of_any_size_arrive_whole(server: Transfers, size: int) -> None:
    digest, files = server.make_file(size), server.open_files()
    with httpx.Client(base_url=server.url) as client:
        for method in ("GET", "GET", "POST"):
            # A request with a body takes another way to the application.
            answer = client.request(
                method, DOWNLOAD, params={"bytes": size}, content=b"{}" if method == "POST" else b""
            )
            assert hashlib.sha256(answer.content).hexdigest() == digest
            assert answer.headers["Content-Length"] == str(size)
    server.wait_until_closed(files)


def test_head_has_the_length_and_no_body(server: Transfers) -> None:
    files = server.open_files()
    answer = httpx.head(f"{server.url}{DOWNLOAD}?bytes={LARGE}")
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(LARGE)
    assert answer.content == b""
    server.wait_until_closed(files)


def test_a_client_that_disconnects_ends_its_download(server: Transfers) -> None:
    files = server.open_files()
    with closing(start(server, LARGE)) as connection:
        connection.recv(MEGABYTE)
        assert len(server.open_files()) > len(files)
    server.wait_until_closed(files)


@pytest.mark.slow
def test_clients_that_do_not_read_take_no_threads_and_are_disconnected(server: Transfers) -> None:
    server.make_file(MEGABYTE)
    before, files = server.peak_memory(), server.open_files()
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(start(server, LARGE))) for _ in range(SLOW_CLIENTS)]
        for _ in range(20):
            assert httpx.post(f"{server.url}{DOWNLOAD}?bytes={MEGABYTE}").status_code == 200
        server.wait_until_closed(files)
        assert all(is_cut_off(connection) for connection in slow)
    assert server.peak_memory() - before < ALLOWED_MEMORY


@pytest.mark.slow
def test_a_file_that_cannot_be_read_does_not_seem_complete(server: Transfers) -> None:
    files = server.open_files()
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(server.url + DOWNLOAD, params={"kind": "failing"})
    assert '"event":"download_failed"' in server.log
    server.wait_until_closed(files)
