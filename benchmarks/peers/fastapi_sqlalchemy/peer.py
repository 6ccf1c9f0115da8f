"""FastAPI with SQLAlchemy on the tables of Regulars. It accepts the same token and returns the same response."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.postgres import free_port

from benchmarks.cases import PATH
from benchmarks.peers import Running
from benchmarks.seeding import tenant_owner
from benchmarks.servers import (
    ROOT,
    peer_environment,
    peer_package_versions,
    peer_python,
    running_process,
    wait_until_ready,
)

NAME = "FastAPI with SQLAlchemy"
DATABASES: tuple[str, ...] = ("sqlite", "postgresql")
OWN_COPY = False

PACKAGES = ("fastapi", "pydantic", "sqlalchemy", "uvicorn", "uvloop", "httptools", "aiosqlite", "asyncpg", "pyjwt")


def install() -> None:
    """Install the peers' environment."""
    peer_python()


def versions() -> str:
    """Return the versions and the configuration, for the report."""
    packages = ", ".join(f"{name} {version}" for name, version in peer_package_versions(PACKAGES).items())
    return (
        f"{NAME}: {packages} (asynchronous, one process per worker, 10 connections per process; each request verifies"
        " the token and looks up the membership)"
    )


@contextmanager
def running(
    url: str, workers: int, folder: Path, extra_environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run the application on the database at `url`."""
    port = free_port()
    log = folder / f"fastapi-{port}.log"
    command: list[object] = [peer_python(), "-m", "uvicorn", "benchmarks.peers.fastapi_sqlalchemy.app:app"]
    command += ["--app-dir", ROOT, "--port", port, "--workers", workers, "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--log-level", "warning"]
    environment = {**peer_environment(), "DATABASE_URL": url, **(extra_environment or {})}
    with running_process(command, log, environment) as process:
        wait_until_ready(process, port, log, "/openapi.json")
        yield Running(f"127.0.0.1:{port}", lambda _tenant_id: PATH, lambda id_: tenant_owner(url, id_).headers, _page)


def _page(response: Any) -> tuple[list[Any], int]:
    return response["data"], response["meta"]["total"]
