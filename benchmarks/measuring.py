"""Single requests, and load with wrk."""

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
WRK_THREADS = 1
TIMEOUT = 120
MAX_SECONDS = 30
WRK_SCRIPT = Path(__file__).with_name("wrk.lua")
INSTALL_SCRIPT = Path(__file__).parent.parent / "scripts" / "install-debian"


@dataclass(frozen=True, slots=True)
class Load:
    """Duration of a measurement, workers of the server, and connections to it."""

    seconds: float
    workers: int
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Measure:
    """Requests per second, and the 50th and 99th percentile of the latency in milliseconds."""

    rate: float
    p50: float
    p99: float


def install_wrk() -> None:
    """Install wrk if it is missing."""
    if shutil.which("wrk") is None:
        subprocess.run([INSTALL_SCRIPT, "wrk"], check=True)


def fetch(address: str, path: str, headers: Mapping[str, str]) -> tuple[bytes, float]:
    """Return the body and the duration of a GET request in seconds. Raise `RuntimeError` unless the status is 200."""
    connection = HTTPConnection(address, timeout=TIMEOUT)
    started = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    seconds = time.perf_counter() - started
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{path} returned {response.status}: {body[:500]!r}")
    return body, seconds


def measure(address: str, path: str, headers: Mapping[str, str], load: Load) -> Measure:
    """Measure GET requests with wrk, after a warm-up. Raise `RuntimeError` if a request fails."""
    _, request_seconds = fetch(address, path, headers)
    # A slow server needs more time: each connection should receive about three responses.
    seconds = min(MAX_SECONDS, max(load.seconds, 3 * request_seconds * load.connections / load.workers))
    if request_seconds < 0.2 and load.connections > 1:
        _run_wrk(address, path, headers, load.connections, load.seconds / 3)
    measured = _run_wrk(address, path, headers, load.connections, seconds)
    # The server may still process the requests that wrk canceled at the end.
    time.sleep(0.2)
    fetch(address, path, headers)
    return measured


def post(address: str, path: str, headers: Mapping[str, str], body: str, load: Load) -> Measure:
    """Measure POST requests with a JSON body, in which each # is replaced with the number of the request."""
    _run_wrk(address, path, headers, load.connections, load.seconds / 3, body)
    return _run_wrk(address, path, headers, load.connections, load.seconds, body)


def _run_wrk(
    address: str, path: str, headers: Mapping[str, str], connections: int, seconds: float, body: str | None = None
) -> Measure:
    command = ["wrk", "-t", str(WRK_THREADS), "-c", str(connections), "-d", f"{math.ceil(seconds)}s"]
    command += ["--timeout", f"{TIMEOUT}s", "--latency", "-s", str(WRK_SCRIPT)]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    environment = os.environ | ({"BODY": body} if body else {})
    done = subprocess.run(
        [*command, f"http://{address}{path}"], capture_output=True, text=True, check=True, env=environment
    )
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if summary["refused"] or summary["broken"] or not summary["requests"]:
        raise RuntimeError(f"{address}{path}: some requests failed: {summary}")
    return Measure(summary["requests"] / summary["duration"] * 1e6, summary["p50"] / 1e3, summary["p99"] / 1e3)
