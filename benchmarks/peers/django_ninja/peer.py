"""Django with Ninja on our tables, in settings of production behind gunicorn.

The models are Django's, unmanaged, with our composite key; the route has a Ninja schema of our seventeen fields and
Ninja's own pagination, which counts. It checks less than we do: one fixed bearer token, and the tenant is whichever
`X-Tenant` names. Of Django's middleware it has the two that an API needs, without sessions and forms.
"""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.postgres import free_port

from benchmarks.peers import Running
from benchmarks.servers import ROOT, await_answer, peer_python, peers_environment, started

NAME = "Django with Ninja"
DATABASES: tuple[str, ...] = ("sqlite", "postgresql")
OWN_COPY = False

PACKAGES = ("django", "django-ninja", "gunicorn", "psycopg")
THREADS = 4
PACKAGE = "benchmarks.peers.django_ninja"
PATH = "/api/v1/customers"


def install() -> None:
    """Fill the environment of the benchmark. Raises `RuntimeError` if Django is not in it then."""
    try:
        _versions()
    except (OSError, subprocess.CalledProcessError) as error:
        reason = str(getattr(error, "stderr", None) or error).strip().rpartition("\n")[2]
        raise RuntimeError(f"{NAME} needs {', '.join(PACKAGES)} in the benchmark's environment: {reason}") from None


def versions() -> str:
    """What is measured, and how it is set up."""
    found = _versions()
    return (
        f"Django {found['django']}, Ninja {found['django-ninja']}, Python {found['python']}, gunicorn"
        f" {found['gunicorn']} (gthread, {THREADS} threads for each worker, a connection for each"
        f" request), psycopg {found['psycopg']}, persistent connections to the database, one fixed token"
    )


@contextmanager
def running(url: str, workers: int, folder: Path) -> Iterator[Running]:
    """The application on the database at `url`."""
    home = folder / "django_ninja"
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    token = secrets.token_urlsafe(32)
    command = [peer_python(), "-m", "gunicorn", f"{PACKAGE}.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", workers, "--worker-class", "gthread", "--threads", THREADS, "--no-control-socket"]
    # Connections that are kept may all be one worker's, and then the others stand idle.
    command += ["--keep-alive", 0]
    log = home / "gunicorn.log"

    def headers(tenant_id: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "X-Tenant": str(tenant_id)}

    with started(command, log, _environment(url, token)) as process:
        await_answer(process, port, log, PATH, headers(1))
        yield Running(f"127.0.0.1:{port}", lambda _tenant_id: PATH, headers, _page)


def _page(answer: Any) -> tuple[list[Any], int]:
    return answer["items"], answer["count"]


def _versions() -> dict[str, str]:
    code = (
        "import json, platform, sys; from importlib.metadata import version;"
        " print(json.dumps({'python': platform.python_version()} | {name: version(name) for name in sys.argv[1:]}))"
    )
    command = [str(peer_python()), "-c", code, *PACKAGES]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _environment(url: str, token: str) -> dict[str, str]:
    return peers_environment() | {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": f"{PACKAGE}.settings",
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "API_TOKEN": token,
    }
