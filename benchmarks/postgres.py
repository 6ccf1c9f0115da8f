"""PostgreSQL server of the benchmark, with settings for a small machine and a data folder that can be kept."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.support.postgres import Server, free_port

SERVER_SETTINGS = (
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "max_connections=100",
    # Regulars turns JIT off for its own connections; this turns it off for the peers too.
    "jit=off",
)


class DurableServer(Server):
    """The server of the tests, but with durable commits as in production."""

    def start(self) -> None:
        """Start the server, and return when it accepts connections."""
        settings = " ".join(f"-c {setting}" for setting in SERVER_SETTINGS)
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {settings}"
        log = self.folder / "log"
        try:
            self._run("pg_ctl", "-D", self.folder / "data", "-l", log, "-o", options, "-w", "start")
        except RuntimeError as error:
            # Only the log says that another server is still running in the data folder.
            raise RuntimeError(f"{error}\n{log.read_text()[-1000:]}") from None


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Run a server with its data in `folder`, which is created if missing, and return its URL."""
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
    """Drop the database if it exists, and create it again."""
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())


def checkpoint(url: str) -> None:
    """Run a checkpoint, so that the server does not write the loaded rows to disk during a measurement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
