"""The service as a process: `regulars serve` on a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from regulars.scopes import SCOPES
from regulars.settings import Settings
from tests.support.postgres import free_port
from tests.support.processes import children_of
from tests.support.world import World

TIMEOUT_SECONDS = 30


@dataclass
class Server:
    """A running server on the database of a world."""

    world: World
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        """Return the log events."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET request as Alice."""
        headers = {"Authorization": f"Bearer {self.world.token(self.world.alice)}"} | options.pop("headers", {})
        return httpx.get(self.url + path, headers=headers, timeout=TIMEOUT_SECONDS, **options)

    def client(self, user: int | None = None) -> httpx.Client:
        """Return a client with a persistent connection, as a user (default: Alice) with all scopes."""
        token = self.world.token(user or self.world.alice, list(SCOPES))
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS)

    def send(self, raw: bytes) -> bytes:
        """Send raw bytes; return everything received until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS) as connection:
            # The server may close the connection before it has read a rejected request completely.
            with suppress(ConnectionError):
                connection.sendall(raw)
            return b"".join(iter(lambda: _received(connection), b""))


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


@contextmanager
def running(world: World, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run the service on the world's database; yield it when it is ready, and stop it at the end.

    It runs no jobs, unless the options have `--jobs`. `environment`: additional variables.
    """
    with tempfile.TemporaryDirectory() as folder:
        log, port = Path(folder, "log"), world.settings.port
        # Tests with a browser set the port in the world, because the browser must use the public origin.
        if port == Settings().port:
            port = free_port()
        # The issuer of the world's tokens is its public origin, which may have another port.
        origin = world.settings.origin
        arguments = ["serve", "--database", world.url, "--port", str(port), "--public-url", origin]
        arguments += ["--no-jobs", *options]
        variables = {"REGULARS_SECRET_KEY": world.settings.secret_key} | dict(environment or {})
        with log.open("wb") as stderr, running_command(arguments, port, stderr, variables) as process:
            yield Server(world, port, process, log)


@contextmanager
def running_command(
    arguments: list[str], port: int, output: IO[bytes], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `regulars` with `arguments` and its output in `output`; wait until it listens on `port`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "regulars", *arguments],
        env=os.environ | dict(environment or {}),
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
            process.wait(TIMEOUT_SECONDS)
        finally:
            _end(process)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"The server was not ready within {TIMEOUT_SECONDS} seconds.")


def kill(server: Server) -> None:
    """Kill all processes of the server without a graceful shutdown."""
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(TIMEOUT_SECONDS)


@contextmanager
def working(world: World, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run `regulars work` on the world's database; stop it at the end. It may not have begun to work yet."""
    process = subprocess.Popen(
        [sys.executable, "-m", "regulars", "work", "--database", world.url],
        env=os.environ | dict(environment or {}),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(TIMEOUT_SECONDS)
        finally:
            _end(process)


def job_process_of(server: Server) -> int:
    """Return the process id of the child process that runs the server's jobs; wait until there is one."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        for child in children_of(server.process.pid):
            with suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return child
        time.sleep(0.02)
    raise RuntimeError(f"The server had no process for jobs within {TIMEOUT_SECONDS} seconds.")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
