"""Starting what is measured, each on a free port and in a process group of its own, and stopping it again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.postgres import free_port

ROOT = Path(__file__).parent.parent
PEER_ENVIRONMENT = ROOT / ".venv-bench"
PEER_REQUIREMENTS = ROOT / "requirements-bench.txt"
START_SECONDS = 60
STOP_SECONDS = 15


ISSUER = "http://localhost:8000"
SECRET_KEY = "the secret key of a benchmark, which guards nothing"


def environment() -> dict[str, str]:
    """The environment of what is measured: without the settings of whoever runs the benchmark."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    return outside | {"REGULARS_PUBLIC_URL": ISSUER, "REGULARS_SECRET_KEY": SECRET_KEY}


@contextmanager
def running_regulars(database: str, workers: int, folder: Path) -> Iterator[str]:
    """The address of `regulars serve`."""
    port = free_port()
    command = [sys.executable, "-m", "regulars", "serve", "--database", database, "--port", port, "--workers", workers]
    with _running(command, port, folder / "regulars.log"):
        yield f"127.0.0.1:{port}"


@contextmanager
def running_memory(body: bytes, workers: int, folder: Path) -> Iterator[str]:
    """The address of a server that answers with `body`."""
    port = free_port()
    file = folder / "body.json"
    file.write_bytes(body)
    command = [sys.executable, "-m", "benchmarks.memory", port, workers, file]
    with _running(command, port, folder / "memory.log", {"PYTHONPATH": str(ROOT)}):
        yield f"127.0.0.1:{port}"


@contextmanager
def running_peer(database: str, workers: int, folder: Path) -> Iterator[str]:
    """The address of the peer that is written with FastAPI and SQLAlchemy's ORM."""
    port = free_port()
    command = [peer_python(), "-m", "uvicorn", "benchmarks.peers.fastapi_sqlalchemy.app:app", "--app-dir", ROOT]
    command += ["--port", port, "--workers", workers, "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--log-level", "warning"]
    with _running(command, port, folder / "peer.log", {"DATABASE_URL": database}):
        yield f"127.0.0.1:{port}"


def peer_python() -> Path:
    """The Python of the peer's own environment, which is filled when its requirements have changed."""
    python = PEER_ENVIRONMENT / "bin" / "python"
    filled = PEER_ENVIRONMENT / "filled"
    if filled.exists() and filled.stat().st_mtime >= PEER_REQUIREMENTS.stat().st_mtime:
        return python
    outer = str(getattr(sys, "_base_executable", sys.executable))
    install = [outer, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([outer, "-m", "venv", "--without-pip", str(PEER_ENVIRONMENT)], check=True)
    subprocess.run([*install, "--require-hashes", "-r", str(PEER_REQUIREMENTS)], check=True)
    filled.touch()
    return python


@contextmanager
def _running(command: Sequence[object], port: int, log: Path, more: Mapping[str, str] | None = None) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=log.parent,
            env={**environment(), **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the benchmark, which then stops its servers itself.
            start_new_session=True,
        )
    try:
        _await_answer(process, port, log)
        yield
    finally:
        stop(process)


def _await_answer(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError, HTTPException):
            connection.request("GET", "/healthz")
            connection.getresponse()
            # One worker answers; the others may still be starting.
            time.sleep(1)
            return
        time.sleep(0.1)
    raise RuntimeError(f"A server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process that leads a group of its own, and all of the group."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
