"""Writers that repeat requests until they succeed, and that know the expected final state of their customers."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.world import LIST

RETRY_SECONDS = 60
PAUSE_SECONDS = 0.02
SUCCESS_STATUSES = {200, 201, 204}


@dataclass
class ExpectedCustomer:
    """Expected state of a customer. All of its fields are derived from `name` and `number`."""

    name: str
    number: int = 0
    trashed: bool = False
    changes: int = 1

    def content(self, tags: Sequence[int]) -> dict[str, Any]:
        """Return the fields of the customer."""
        return {
            "first_name": self.name,
            "job": f"Job {self.number}",
            "address": f"Street {self.number}",
            "identity_number": self.word,
            "tags": [tag for place, tag in enumerate(tags) if self.number >> place & 1],
        }

    @property
    def word(self) -> str:
        """Search word that only the current version of this customer matches."""
        return f"{self.name}n{self.number}z"


class Writer:
    """Writes its own customers with one request at a time, and determines the outcome of each request.

    Most requests have an Idempotency-Key and are repeated until they succeed. For the others, the writer reads the
    customer to find out whether the request was executed.
    """

    def __init__(self, url: str, token: str, tags: Sequence[int], number: int) -> None:
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=RETRY_SECONDS)
        self.tags = tags
        self.name = f"w{number}"
        self.draw = random.Random(number)
        self.customers: dict[int, ExpectedCustomer] = {}
        self.statuses: Counter[int] = Counter()
        self.replayed = 0
        self.unanswered = 0
        self._count = 0

    @property
    def acknowledged(self) -> int:
        """Number of acknowledged writes."""
        return sum(self.statuses[status] for status in SUCCESS_STATUSES)

    def run(self, stop: threading.Event) -> None:
        """Write until `stop` is set."""
        with self.client:
            while not stop.is_set():
                self._write()

    def _write(self) -> None:
        with_key = self.draw.random() < 0.7
        if not self.customers or self.draw.random() < 0.3:
            self._create(with_key)
            return
        customer_id = self.draw.choice(list(self.customers))
        expected = self.customers[customer_id]
        if expected.trashed:
            self._repeat_until_success("POST", f"{LIST}/{customer_id}/restore")
        elif self.draw.random() < 0.2:
            self._repeat_until_success("DELETE", f"{LIST}/{customer_id}")
        else:
            self._update(customer_id, expected, with_key)
            return
        expected.trashed = not expected.trashed
        expected.changes += 1

    def _create(self, with_key: bool) -> None:
        self._count += 1
        expected = ExpectedCustomer(f"{self.name}c{self._count}y")
        content = expected.content(self.tags)
        if with_key:
            answer = self._repeat_until_success("POST", LIST, content, self._key())
            self.customers[answer.json()["data"]["id"]] = expected
            return
        answer_or_none = self._send_once("POST", LIST, content)
        if answer_or_none is not None:
            self.customers[answer_or_none.json()["data"]["id"]] = expected
            return
        found = self._read(LIST, {"search": expected.name})["data"]
        assert len(found) <= 1
        for customer in found:
            self.customers[customer["id"]] = expected

    def _update(self, customer_id: int, expected: ExpectedCustomer, with_key: bool) -> None:
        after = ExpectedCustomer(expected.name, expected.number + 1, changes=expected.changes + 1)
        path, content = f"{LIST}/{customer_id}", after.content(self.tags)
        if with_key:
            self._repeat_until_success("PUT", path, content, self._key())
        elif self._send_once("PUT", path, content) is None:
            is_done = self._read(path)["data"]["job"] == content["job"]
            after = after if is_done else expected
        self.customers[customer_id] = after

    def _key(self) -> dict[str, str]:
        self._count += 1
        return {"Idempotency-Key": f"{self.name}-{self._count}"}

    def _repeat_until_success(
        self, method: str, path: str, content: object = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        deadline = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < deadline:
            answer = self._send_once(method, path, content, headers)
            if answer is not None:
                return answer
            time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{method} {path} did not succeed within {RETRY_SECONDS} seconds.")

    def _send_once(
        self, method: str, path: str, content: object = None, headers: dict[str, str] | None = None
    ) -> httpx.Response | None:
        """Return the response if it is a success; None if the outcome is unknown or the client must retry."""
        try:
            answer = self.client.request(method, path, json=content, headers=headers)
        except httpx.TransportError:
            self.unanswered += 1
            return None
        self.statuses[answer.status_code] += 1
        self.replayed += "Idempotent-Replayed" in answer.headers
        if answer.status_code in SUCCESS_STATUSES:
            return answer
        assert answer.headers.get("Retry-After"), answer.text
        return None

    def _read(self, path: str, parameters: dict[str, str] | None = None) -> Any:
        deadline = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.client.get(path, params=parameters)
            except httpx.TransportError:
                time.sleep(PAUSE_SECONDS)
                continue
            if answer.status_code == httpx.codes.OK:
                return answer.json()
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
        raise AssertionError(f"GET {path} did not succeed within {RETRY_SECONDS} seconds.")


class Work:
    """Concurrent runs of all writers."""

    def __init__(self, pool: ThreadPoolExecutor, writers: Sequence[Writer]) -> None:
        self.stop = threading.Event()
        self.runs = [pool.submit(writer.run, self.stop) for writer in writers]

    def check(self) -> None:
        """Raise the exception of a writer, if any."""
        for run in self.runs:
            if run.done():
                run.result()

    def finish(self) -> None:
        """Stop all writers and wait until they know the outcome of their last requests."""
        self.stop.set()
        for run in self.runs:
            run.result()


@contextmanager
def running_writers(writers: Sequence[Writer]) -> Iterator[Work]:
    """Run all writers in threads within the context."""
    with ThreadPoolExecutor(len(writers)) as pool:
        work = Work(pool, writers)
        try:
            yield work
        finally:
            work.stop.set()
