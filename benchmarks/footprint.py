"""What a worker takes: memory under load, and time until it answers."""

import statistics
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.support.postgres import free_port

from benchmarks.cases import Asker, first_page
from benchmarks.servers import START_SECONDS, environment, regulars_command, started

STARTS = 5


def memory_of_worker(server_process: int) -> tuple[float, float]:
    """Of the server's largest process: megabytes that were resident at the most, and those that are its own now."""
    sizes = [_sizes(process) for process in _children(server_process)]
    return max(sizes)


def seconds_to_first_page(url: str, asker: Asker, folder: Path) -> float:
    """From the start of the command with one worker to the first page, half of some tries at most."""
    return statistics.median(_start(url, asker, folder) for _ in range(STARTS))


def _children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in found]


def _sizes(process: int) -> tuple[float, float]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    peak, own = (int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmHWM", "RssAnon"))
    return peak, own


def _start(url: str, asker: Asker, folder: Path) -> float:
    port = free_port()
    began = time.monotonic()
    with started(regulars_command(url, port, 1), folder / "start.log", environment()) as process:
        while (passed := time.monotonic() - began) < START_SECONDS and process.poll() is None:
            connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
            with suppress(OSError, HTTPException):
                connection.request("GET", first_page().path, headers=dict(asker.headers))
                if connection.getresponse().status == 200:
                    return time.monotonic() - began
            connection.close()
            time.sleep(0.005)
    raise RuntimeError(f"regulars did not answer within {passed:.0f} seconds.")
