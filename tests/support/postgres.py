"""Temporary PostgreSQL servers, from Debian's package, on free ports."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.processes import children_of

USER = "postgres"
is_allowed = True
"""Whether a server may be started; False if no selected test has the marker `postgresql`."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server with its files in `folder`."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """URL of the server, without a database name."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
            " -c synchronous_commit=off -c max_connections=60 -c shared_buffers=64MB"
        )
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop the server and close its connections."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")

    def crash(self) -> None:
        """Stop the server without a checkpoint, as in a crash, so that the next start recovers from its log."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def pause(self) -> None:
        """Stop all processes without ending them, so that the server accepts connections and says nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        first = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        for process in (first, *children_of(first)):
            os.kill(process, number)

    def initialise(self, options: tuple[str, ...]) -> None:
        """Create the data folder."""
        self._run("initdb", "-D", self.folder / "data", "-U", USER, "-A", "trust", "-E", "UTF8", *options)

    def copy_to(self, other: "Server") -> None:
        """Copy the data folder to `other`, which becomes a replica when it is started."""
        data = other.folder / "data"
        other._run("pg_basebackup", "-D", data, "-R", "-c", "fast", "-h", "127.0.0.1", "-p", self.port, "-U", USER)

    def execute(self, command: str) -> None:
        """Execute `command` in the database `postgres`, outside a transaction."""
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
    """Run a new server; stop it and delete its files at the end."""
    folder = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    server = Server(folder, free_port())
    try:
        server.initialise(initdb_options or ("--locale=C",))
        server.start()
        try:
            yield server
        finally:
            server.crash()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_replica(primary: Server) -> Iterator[Server]:
    """Run a new replica of `primary`; stop it and delete its files at the end."""
    folder = Path(tempfile.mkdtemp(prefix="regulars-replica-"))
    server = Server(folder, free_port())
    try:
        primary.copy_to(server)
        server.start()
        try:
            yield server
        finally:
            server.crash()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _programs() -> Path:
    if not is_allowed:
        raise RuntimeError("This test needs the marker: @pytest.mark.postgresql")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed. Run 'make test', which installs Debian's package.")
    return found[-1].parent


def ordinary_user(folder: Path) -> str | None:
    """Return the user to run PostgreSQL as, which becomes the owner of `folder`; None unless run as root.

    PostgreSQL refuses to run as root. Debian's package creates a user for it.
    """
    if os.getuid() != 0:
        return None
    shutil.chown(folder, USER, USER)
    return USER
