"""FastAPI with SQLAlchemy on our tables, with the same answer as ours, field by field, for the same token."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.postgres import free_port

from benchmarks.cases import PATH
from benchmarks.peers import Running
from benchmarks.seeding import asker
from benchmarks.servers import ROOT, await_answer, peer_python, peers_environment, started

NAME = "FastAPI with SQLAlchemy"
DATABASES: tuple[str, ...] = ("sqlite", "postgresql")
OWN_COPY = False

PACKAGES = ("fastapi", "pydantic", "sqlalchemy", "uvicorn", "uvloop", "httptools", "aiosqlite", "asyncpg", "pyjwt")


def install() -> None:
    """Fill the environment of the benchmark."""
    peer_python()


def versions() -> str:
    """What is measured, and how it is set up."""
    code = (
        "import json, platform, sys; from importlib.metadata import version;"
        " print(json.dumps({'Python': platform.python_version()} | {name: version(name) for name in sys.argv[1:]}))"
    )
    command = [str(peer_python()), "-c", code, *PACKAGES]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return (
        f"{NAME}: {', '.join(f'{name} {version}' for name, version in found.items())} (asynchronous, a process for each"
        " worker, a pool of 10 connections each, the token verified and the membership looked up each time)"
    )


@contextmanager
def running(
    url: str, workers: int, folder: Path, more_environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """The application on the database at `url`."""
    port = free_port()
    log = folder / f"fastapi-{port}.log"
    command: list[object] = [peer_python(), "-m", "uvicorn", "benchmarks.peers.fastapi_sqlalchemy.app:app"]
    command += ["--app-dir", ROOT, "--port", port, "--workers", workers, "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--log-level", "warning"]
    environment = {**peers_environment(), "DATABASE_URL": url, **(more_environment or {})}
    with started(command, log, environment) as process:
        await_answer(process, port, log, "/openapi.json")
        yield Running(f"127.0.0.1:{port}", lambda _tenant_id: PATH, lambda id_: asker(url, id_).headers, _page)


def _page(answer: Any) -> tuple[list[Any], int]:
    return answer["data"], answer["meta"]["total"]
