"""A PostgreSQL server of the benchmark's own, in a folder that may be kept, with settings of a small machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.postgres import Server, free_port

NAME = "regulars"
OPTIONS = (
    "listen_addresses=127.0.0.1",
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
        options = " ".join([f"-p {self.port} -k {self.folder}", *(f"-c {option}" for option in OPTIONS)])
        log = self.folder / "log"
        try:
            self._run("pg_ctl", "-D", self.folder / "data", "-l", log, "-o", options, "-w", "start")
        except RuntimeError as error:
            # Another server may still be at work in a folder that is kept: only the log says so.
            raise RuntimeError(f"{error}\n{log.read_text()[-1000:]}") from None


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """The URL of our database on a server whose data is in `folder`, which is made where it is missing."""
    server = DurableServer(folder, free_port())
    if not (folder / "data" / "PG_VERSION").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        server.initialise(("--locale=C",))
    server.start()
    try:
        yield f"{server.url}/{NAME}"
    finally:
        server.stop()


def make_empty(url: str) -> None:
    """Make the database anew, with nothing in it."""
    with psycopg.connect(url.removesuffix(NAME) + "postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME}")
        connection.execute(f"CREATE DATABASE {NAME}")
