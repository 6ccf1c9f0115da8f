"""A PostgreSQL server for the tests alone: from Debian's package, on a free port, gone when they are."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER = "postgres"


@contextmanager
def running_server(*, initdb_options: tuple[str, ...] = ("--locale=C",)) -> Iterator[str]:
    """The URL, without a database's name, of a new server; it is stopped and removed at the end."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    as_user = _as_ordinary_user(folder)
    data = folder / "data"
    port = free_port()
    options = (
        f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
        " -c synchronous_commit=off -c max_connections=60 -c shared_buffers=64MB"
    )
    try:
        _run([*as_user, programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", *initdb_options])
        log = folder / "log"
        _run([*as_user, programs / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start"])
        try:
            yield f"postgresql://{USER}@127.0.0.1:{port}"
        finally:
            _run([*as_user, programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def execute(server: str, command: str) -> None:
    """Run `command` in the server's own database, outside of a transaction."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(command.encode())


def free_port() -> int:
    """A port of the loopback interface that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed: 'make test' installs Debian's package.")
    return found[-1].parent


def _as_ordinary_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: Debian's package has made a user for it."""
    if os.getuid() != 0:
        return []
    shutil.chown(folder, USER, USER)
    return ["runuser", "-u", USER, "--"]


def _run(command: list[object]) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed with status {done.returncode}.")
