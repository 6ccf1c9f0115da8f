"""Memory of a worker under load, and its start time."""

import statistics
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.support.postgres import free_port

from benchmarks.cases import Client, first_page
from benchmarks.servers import START_SECONDS, environment, regulars_command, running_process

START_ATTEMPTS = 5


def memory_of_worker(server_process: int) -> tuple[float, float]:
    """Return the peak resident memory and the current private memory of the largest worker, in megabytes."""
    return max(_memory(process) for process in _children(server_process))


def seconds_to_first_page(url: str, client: Client, folder: Path) -> float:
    """Return the median seconds from the start of the command, with one worker, to the first page."""
    return statistics.median(_start(url, client, folder) for _ in range(START_ATTEMPTS))


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _memory(process: int) -> tuple[float, float]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    peak, own = (int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmHWM", "RssAnon"))
    return peak, own


def _start(url: str, client: Client, folder: Path) -> float:
    port = free_port()
    started = time.monotonic()
    with running_process(regulars_command(url, port, 1), folder / "start.log", environment()) as process:
        while (elapsed := time.monotonic() - started) < START_SECONDS and process.poll() is None:
            connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
            with suppress(OSError, HTTPException):
                connection.request("GET", first_page().path, headers=dict(client.headers))
                if connection.getresponse().status == 200:
                    return time.monotonic() - started
            connection.close()
            time.sleep(0.005)
    raise RuntimeError(f"regulars did not respond within {elapsed:.0f} seconds.")
