"""Starting and stopping of servers, each on a free port and in its own process group."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.support.postgres import free_port

ROOT = Path(__file__).parent.parent
PEER_ENVIRONMENT = ROOT / ".venv-bench"
PEER_REQUIREMENTS = ROOT / "requirements-bench.txt"
START_SECONDS = 120
STOP_SECONDS = 15


ISSUER = "http://localhost:8000"
SECRET_KEY = "the secret key of a benchmark, which guards nothing"
TOKEN_LIFETIME_SECONDS = 86_400
"""A benchmark takes longer than an hour."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its host and port, and the id of its main process."""

    address: str
    process_id: int


def environment() -> dict[str, str]:
    """Return the environment of Regulars, without the settings of the user who runs the benchmark."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    return inherited | {
        "REGULARS_PUBLIC_URL": ISSUER,
        "REGULARS_SECRET_KEY": SECRET_KEY,
        "REGULARS_ACCESS_TOKEN_LIFETIME": f"{TOKEN_LIFETIME_SECONDS}s",
    }


def peer_environment() -> dict[str, str]:
    """Return the environment variables that every peer inherits."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}


@contextmanager
def running_regulars(database: str, workers: int, folder: Path, *, is_public: bool = False) -> Iterator[Server]:
    """Run `regulars serve` with its log in `folder`. `is_public`: its own address is the public URL, for a browser."""
    port = free_port()
    log = folder / "regulars.log"
    variables = environment()
    if is_public:
        variables["REGULARS_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    with running_process(regulars_command(database, port, workers), log, variables) as process:
        wait_until_ready(process, port, log, "/healthz")
        yield Server(f"127.0.0.1:{port}", process.pid)


def regulars_command(database: str, port: int, workers: int) -> list[object]:
    """Return the command that starts Regulars."""
    return [sys.executable, "-m", "regulars", "serve", "--database", database, "--port", port, "--workers", workers]


@contextmanager
def running_static_server(body: bytes, workers: int, folder: Path) -> Iterator[Server]:
    """Run the server of Regulars with an application that responds to every request with `body`."""
    port = free_port()
    file = folder / "body.json"
    file.write_bytes(body)
    log = folder / "memory.log"
    command = [sys.executable, "-m", "benchmarks.static_server", port, workers, file]
    with running_process(command, log, environment() | {"PYTHONPATH": str(ROOT)}) as process:
        wait_until_ready(process, port, log, "/")
        yield Server(f"127.0.0.1:{port}", process.pid)


def peer_python() -> Path:
    """Return the Python of the peers' own environment, after installing its requirements if they changed."""
    python = PEER_ENVIRONMENT / "bin" / "python"
    installed = PEER_ENVIRONMENT / "installed"
    if installed.exists() and installed.stat().st_mtime >= PEER_REQUIREMENTS.stat().st_mtime:
        return python
    outer = str(getattr(sys, "_base_executable", sys.executable))
    install = [outer, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([outer, "-m", "venv", "--without-pip", str(PEER_ENVIRONMENT)], check=True)
    subprocess.run([*install, "--require-hashes", "-r", str(PEER_REQUIREMENTS)], check=True)
    installed.touch()
    return python


def peer_package_versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python and of `packages` in the peers' environment.

    Raise `subprocess.CalledProcessError` if a package is missing.
    """
    code = (
        "import json, platform, sys; from importlib.metadata import version;"
        " print(json.dumps({'Python': platform.python_version()} | {name: version(name) for name in sys.argv[1:]}))"
    )
    command = [str(peer_python()), "-c", code, *packages]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


@contextmanager
def running_process(
    command: Sequence[object], log: Path, environment: Mapping[str, str], user: str | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a process in the folder of `log`. At the end, stop it and all processes that it started."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=log.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Only the benchmark receives Ctrl-C; it then stops its servers.
            start_new_session=True,
            user=user,
            group=user,
        )
    try:
        yield process
    finally:
        _stop(process)


def wait_until_ready(
    process: "subprocess.Popen[bytes]",
    port: int,
    log: Path,
    path: str,
    headers: Mapping[str, str] | None = None,
    responses: int = 1,
) -> None:
    """Wait for this number of responses with status 200. Raise `RuntimeError` if they do not arrive in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        with suppress(OSError, HTTPException):
            connection.request("GET", path, headers=dict(headers or {}))
            responses -= connection.getresponse().status == 200
        connection.close()
        if not responses:
            # One worker responded; the others may still be starting.
            time.sleep(1)
            return
        time.sleep(0.1)
    raise RuntimeError(f"{log.stem} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
