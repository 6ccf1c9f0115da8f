"""The service as it runs: `regulars serve` in a process of its own, at a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from regulars.scopes import SCOPES
from regulars.settings import Settings
from tests.support.postgres import free_port
from tests.support.world import World

PATIENCE_SECONDS = 30


@dataclass
class Server:
    """A running server, on the database of a world."""

    world: World
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET as Alice."""
        headers = {"Authorization": f"Bearer {self.world.token(self.world.alice)}"} | options.pop("headers", {})
        return httpx.get(self.url + path, headers=headers, timeout=PATIENCE_SECONDS, **options)

    def client(self, user: int | None = None) -> httpx.Client:
        """A client that keeps its connection, as a user (Alice, if none is named) with all scopes."""
        token = self.world.token(user or self.world.alice, list(SCOPES))
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS)

    def send(self, raw: bytes) -> bytes:
        """All that it answers to these bytes until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as connection:
            # It need not read to the end what it refuses.
            with suppress(ConnectionError):
                connection.sendall(raw)
            return b"".join(iter(lambda: _received(connection), b""))


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


@contextmanager
def running(world: World, *options: str) -> Iterator[Server]:
    """The service on the world's database; it is ready when this gives it, and ended afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        log, port = Path(folder, "log"), world.settings.port
        # A browser must find it at its own origin: then the world has been given a port.
        if port == Settings().port:
            port = free_port()
        # The tokens of the world name its origin as their issuer, whatever the port.
        origin = world.settings.origin
        arguments = ["serve", "--database", world.url, "--port", str(port), "--public-url", origin, *options]
        with log.open("wb") as stderr, started(arguments, port, stderr, world.settings.secret_key) as process:
            yield Server(world, port, process, log)


@contextmanager
def started(
    arguments: list[str], port: int, output: IO[bytes], secret_key: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """`regulars` with `arguments`, which serves at `port`; it writes all that it says to `output`."""
    environment = os.environ | ({"REGULARS_SECRET_KEY": secret_key} if secret_key else {})
    process = subprocess.Popen(
        [sys.executable, "-m", "regulars", *arguments],
        env=environment,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", process)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        finally:
            _end(process)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"The server was not ready within {PATIENCE_SECONDS} seconds.")


def kill(server: Server) -> None:
    """End all of its processes at once, with no time to finish anything."""
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(PATIENCE_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
