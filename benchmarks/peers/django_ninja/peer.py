"""Django with Ninja on the tables of Regulars, with production settings, run by gunicorn.

The unmanaged models have the composite primary key of Regulars. The route has a Ninja schema with the same seventeen
fields and Ninja's pagination, which counts the rows. It checks less than Regulars: one fixed bearer token, and
`X-Tenant` selects the tenant. It uses only the two Django middlewares that an API needs, without sessions and forms.
"""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.postgres import free_port

from benchmarks.peers import Running
from benchmarks.servers import (
    ROOT,
    peer_environment,
    peer_package_versions,
    peer_python,
    running_process,
    wait_until_ready,
)

NAME = "Django with Ninja"
DATABASES: tuple[str, ...] = ("sqlite", "postgresql")
OWN_COPY = False

PACKAGES = ("django", "django-ninja", "gunicorn", "psycopg")
THREADS = 4
PACKAGE = "benchmarks.peers.django_ninja"
PATH = "/api/v1/customers"


def install() -> None:
    """Install the peers' environment. Raise `RuntimeError` if a package is missing from it afterwards."""
    try:
        peer_package_versions(PACKAGES)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = str(getattr(error, "stderr", None) or error).strip().rpartition("\n")[2]
        raise RuntimeError(f"{NAME} needs {', '.join(PACKAGES)} in the peers' environment: {reason}") from None


def versions() -> str:
    """Return the versions and the configuration, for the report."""
    version = peer_package_versions(PACKAGES)
    return (
        f"Django {version['django']}, Ninja {version['django-ninja']}, Python {version['Python']}, gunicorn"
        f" {version['gunicorn']} (gthread, {THREADS} threads per worker, one connection per request), psycopg"
        f" {version['psycopg']}, persistent database connections, one fixed token"
    )


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """Run the application on the database at `url`."""
    home = folder / "django_ninja"
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    token = secrets.token_urlsafe(32)
    command = [peer_python(), "-m", "gunicorn", f"{PACKAGE}.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", workers, "--worker-class", "gthread", "--threads", THREADS, "--no-control-socket"]
    # With keep-alive, one worker could accept all connections and the other workers would be idle.
    command += ["--keep-alive", 0]
    log = home / "gunicorn.log"

    def headers(tenant_id: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "X-Tenant": str(tenant_id)}

    with running_process(command, log, _environment(url, token)) as process:
        wait_until_ready(process, port, log, PATH, headers(1))
        yield Running(f"127.0.0.1:{port}", lambda _tenant_id: PATH, headers, _page)


def _page(response: Any) -> tuple[list[Any], int]:
    return response["items"], response["count"]


def _environment(url: str, token: str) -> dict[str, str]:
    return peer_environment() | {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": f"{PACKAGE}.settings",
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "API_TOKEN": token,
    }
