"""A PostgreSQL server for the tests alone: from Debian's package, on a free port, gone when they are."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

USER = "postgres"
is_allowed = True
"""Whether a server may be started: the tests set it to False if none of those that will run is marked for it."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server; `url` is its address without a database's name."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its address, without a database's name."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; it answers when this returns."""
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
            " -c synchronous_commit=off -c max_connections=60 -c shared_buffers=64MB"
        )
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")

    def crash(self) -> None:
        """End it as a crash does: nothing is finished, and all is recovered from its log when it starts again."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def initialise(self, options: tuple[str, ...]) -> None:
        """Make its files."""
        self._run("initdb", "-D", self.folder / "data", "-U", USER, "-A", "trust", "-E", "UTF8", *options)

    def copy_to(self, other: "Server") -> None:
        """Make the files of a replica of this server, which follows it once it is started."""
        data = other.folder / "data"
        other._run("pg_basebackup", "-D", data, "-R", "-c", "fast", "-h", "127.0.0.1", "-p", self.port, "-U", USER)

    def execute(self, command: str) -> None:
        """Run `command` in the server's own database, outside of a transaction."""
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(command.encode())

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(_programs() / program), *map(str, arguments)]
        quiet = subprocess.DEVNULL
        user = ordinary_user(self.folder)
        done = subprocess.run(
            command, cwd="/", stdin=quiet, stdout=quiet, stderr=quiet, check=False, user=user, group=user
        )
        if done.returncode:
            raise RuntimeError(f"{command} failed with status {done.returncode}.")


@contextmanager
def running_server(*initdb_options: str) -> Iterator[Server]:
    """A new server, stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    server = Server(folder, free_port())
    try:
        server.initialise(initdb_options or ("--locale=C",))
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_replica(primary: Server) -> Iterator[Server]:
    """A new server that replays what `primary` writes, stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="regulars-replica-"))
    server = Server(folder, free_port())
    try:
        primary.copy_to(server)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback interface that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _programs() -> Path:
    if not is_allowed:
        raise RuntimeError("Mark this test: @pytest.mark.postgresql")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: 'make test' installs Debian's package.")
    return found[-1].parent


def ordinary_user(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: Debian's package has made a user for it, who gets the folder."""
    if os.getuid() != 0:
        return None
    shutil.chown(folder, USER, USER)
    return USER
