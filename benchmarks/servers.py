"""Starting what is measured, each on a free port and in a process group of its own, and stopping it again."""

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


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: its host and port, and its first process."""

    address: str
    process_id: int


def environment() -> dict[str, str]:
    """The environment of our service: without the settings of whoever runs the benchmark."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    return outside | {"REGULARS_PUBLIC_URL": ISSUER, "REGULARS_SECRET_KEY": SECRET_KEY}


def peers_environment() -> dict[str, str]:
    """What every peer may know of the environment."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}


@contextmanager
def running_regulars(database: str, workers: int, folder: Path) -> Iterator[Server]:
    """`regulars serve`."""
    port = free_port()
    log = folder / "regulars.log"
    with started(regulars_command(database, port, workers), log, environment()) as process:
        await_answer(process, port, log, "/healthz")
        yield Server(f"127.0.0.1:{port}", process.pid)


def regulars_command(database: str, port: int, workers: int) -> list[object]:
    """How our service is started."""
    return [sys.executable, "-m", "regulars", "serve", "--database", database, "--port", port, "--workers", workers]


@contextmanager
def running_memory(body: bytes, workers: int, folder: Path) -> Iterator[Server]:
    """A server like ours that answers with `body`."""
    port = free_port()
    file = folder / "body.json"
    file.write_bytes(body)
    log = folder / "memory.log"
    command = [sys.executable, "-m", "benchmarks.memory", port, workers, file]
    with started(command, log, environment() | {"PYTHONPATH": str(ROOT)}) as process:
        await_answer(process, port, log, "/")
        yield Server(f"127.0.0.1:{port}", process.pid)


def peer_python() -> Path:
    """The Python of the peers' own environment, which is filled when its requirements have changed."""
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
def started(
    command: Sequence[object], log: Path, environment: Mapping[str, str], user: str | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that works in the log's folder and is stopped at the end, with all that it has started."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=log.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the benchmark, which then stops its servers itself.
            start_new_session=True,
            user=user,
            group=user,
        )
    try:
        yield process
    finally:
        _stop(process)


def await_answer(
    process: "subprocess.Popen[bytes]",
    port: int,
    log: Path,
    path: str,
    headers: Mapping[str, str] | None = None,
    answers: int = 1,
) -> None:
    """Wait until there were so many answers with status 200. Raises `RuntimeError` if there are none in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        with suppress(OSError, HTTPException):
            connection.request("GET", path, headers=dict(headers or {}))
            answers -= connection.getresponse().status == 200
        connection.close()
        if not answers:
            # One worker answers; the others may still be starting.
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
