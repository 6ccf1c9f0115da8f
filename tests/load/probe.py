"""Ordinary requests beside a load, and how long their responses take."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

TIMEOUT_SECONDS = 60
PAUSE_SECONDS = 0.01


@dataclass
class Probe:
    """Requests for `path`, one after the other in a thread, with the milliseconds that each took.

    With a `body`, a JSON value, they are POST requests.
    """

    url: str
    path: str
    headers: dict[str, str]
    body: object = None
    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests in the background."""
        end = threading.Event()
        thread = threading.Thread(target=self._send_until, args=(end,))
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def _send_until(self, end: threading.Event) -> None:
        while not end.is_set():
            # A new connection each time, so that the probes reach all workers.
            with httpx.Client(base_url=self.url, headers=self.headers, timeout=TIMEOUT_SECONDS) as client:
                started = time.perf_counter()
                try:
                    answer = client.get(self.path) if self.body is None else client.post(self.path, json=self.body)
                except httpx.HTTPError as error:
                    self.failures.append(type(error).__name__)
                    continue
                self.milliseconds.append((time.perf_counter() - started) * 1000)
                if not answer.is_success:
                    self.failures.append(str(answer.status_code))
            time.sleep(PAUSE_SECONDS)

    def percentile(self, percent: float) -> float:
        """Return the milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def __str__(self) -> str:
        """Return the figures as a line."""
        method = "GET" if self.body is None else "POST"
        return (
            f"{method} {self.path}: {len(self.milliseconds)} requests, median {self.percentile(50):.1f} ms,"
            f" p99 {self.percentile(99):.1f} ms, maximum {max(self.milliseconds):.1f} ms, failures {self.failures}"
        )
