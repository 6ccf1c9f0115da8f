"""One request, to see that the answer is right; then many at once, with wrk, to see how quick it is."""

import json
import math
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

CONNECTIONS = 16
THREADS = 1
TIMEOUT = 120
LONGEST_SECONDS = 30
SCRIPT = Path(__file__).with_name("wrk.lua")
INSTALL = Path(__file__).parent.parent / "scripts" / "install-debian"


@dataclass(frozen=True, slots=True)
class Load:
    """How requests are made: for so many seconds, on so many connections, of a server of so many workers."""

    seconds: float
    workers: int
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Measure:
    """Requests answered in a second, and how long half and 99 of 100 took at most, in milliseconds."""

    rate: float
    p50: float
    p99: float


def need_wrk() -> None:
    """Install wrk where it is missing."""
    if shutil.which("wrk") is None:
        subprocess.run([INSTALL, "wrk"], check=True)


def fetch(address: str, path: str, headers: Mapping[str, str]) -> tuple[bytes, float]:
    """The body of the answer, and how many seconds it took. Raises `RuntimeError` unless the status is 200."""
    connection = HTTPConnection(address, timeout=TIMEOUT)
    began = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    passed = time.perf_counter() - began
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{path} answered {response.status}: {body[:500]!r}")
    return body, passed


def measure(address: str, path: str, headers: Mapping[str, str], load: Load) -> Measure:
    """What wrk finds, after warming up. Raises `RuntimeError` if any answer was not as it should be."""
    _, once = fetch(address, path, headers)
    # All connections are served about three times, or the few answers of a slow one would say nothing.
    seconds = min(LONGEST_SECONDS, max(load.seconds, 3 * once * load.connections / load.workers))
    if once < 0.2 and load.connections > 1:
        _run_wrk(address, path, headers, load.connections, load.seconds / 3)
    found = _run_wrk(address, path, headers, load.connections, seconds)
    # What wrk has given up at the end, the server may still be working on.
    time.sleep(0.2)
    fetch(address, path, headers)
    if found["refused"] or found["broken"] or not found["requests"]:
        raise RuntimeError(f"{address}{path}: not every answer was good: {found}")
    return Measure(found["requests"] / found["duration"] * 1e6, found["p50"] / 1e3, found["p99"] / 1e3)


def post(address: str, path: str, headers: Mapping[str, str], body: str, load: Load) -> Measure:
    """The same for requests that POST a JSON body, with a number of its own for each # in it."""
    _run_wrk(address, path, headers, load.connections, load.seconds / 3, body)
    found = _run_wrk(address, path, headers, load.connections, load.seconds, body)
    if found["refused"] or found["broken"] or not found["requests"]:
        raise RuntimeError(f"{address}{path}: not every answer was good: {found}")
    return Measure(found["requests"] / found["duration"] * 1e6, found["p50"] / 1e3, found["p99"] / 1e3)


def _run_wrk(
    address: str, path: str, headers: Mapping[str, str], connections: int, seconds: float, body: str | None = None
) -> dict[str, Any]:
    command = ["wrk", "-t", str(THREADS), "-c", str(connections), "-d", f"{math.ceil(seconds)}s"]
    command += ["--timeout", f"{TIMEOUT}s", "--latency", "-s", str(SCRIPT)]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    environment = os.environ | ({"BODY": body} if body else {})
    done = subprocess.run(
        [*command, f"http://{address}{path}"], capture_output=True, text=True, check=True, env=environment
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
