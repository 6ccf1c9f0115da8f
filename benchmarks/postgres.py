"""A PostgreSQL server of the benchmark's own, in a folder that may be kept, with settings of a small machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.support.postgres import Server, free_port

SETTINGS = (
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "max_connections=100",
    # Our connections switch it off for themselves; so the peer has it off as well.
    "jit=off",
)


class DurableServer(Server):
    """The tests' server, but one that keeps what it has acknowledged, as in earnest."""

    def start(self) -> None:
        """Start it; it answers when this returns."""
        settings = " ".join(f"-c {setting}" for setting in SETTINGS)
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {settings}"
        log = self.folder / "log"
        try:
            self._run("pg_ctl", "-D", self.folder / "data", "-l", log, "-o", options, "-w", "start")
        except RuntimeError as error:
            # Another server may still be at work in a folder that is kept: only the log says so.
            raise RuntimeError(f"{error}\n{log.read_text()[-1000:]}") from None


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """The URL of a server whose data is in `folder`, which is made where it is missing."""
    server = DurableServer(folder, free_port())
    if not (folder / "data" / "PG_VERSION").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        server.initialise(("--locale=C",))
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def make_empty(url: str) -> None:
    """Make the database anew, with nothing in it."""
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())


def settle(url: str) -> None:
    """Write down now what was loaded, or the server does it beside what is measured."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
