"""An editor, who changes the addresses of given customers through a server that may be killed."""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import httpx

from tests.support.world import LIST

TIMEOUT_SECONDS = 30
PAUSE_SECONDS = 0.03
GONE = {httpx.codes.NOT_FOUND, httpx.codes.GONE}


class Editor:
    """Changes the addresses of `targets`, one after the other, and repeats each request until it is answered."""

    def __init__(self, url: str, token: str) -> None:
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS)
        self.targets: Sequence[int] = ()
        self.addresses: dict[int, str] = {}
        """The last address of each customer, as far as the server has acknowledged it."""
        self._editing = threading.Lock()
        self._draw = random.Random()
        self._count = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let the editor wait during this block. All changes before it are acknowledged."""
        with self._editing:
            yield

    def aim_at(self, targets: Sequence[int]) -> None:
        """Change only these customers from now on."""
        with self._editing:
            self.targets = targets

    def run(self, stop: threading.Event) -> None:
        """Edit until `stop` is set."""
        with self.client:
            while not stop.wait(PAUSE_SECONDS):
                with self._editing:
                    if self.targets:
                        self._edit(self._draw.choice(self.targets), stop)

    def _edit(self, customer_id: int, stop: threading.Event) -> None:
        self._count += 1
        address = f"Edited {self._count}"
        while not stop.wait(PAUSE_SECONDS):
            with suppress(httpx.TransportError):
                answer = self.client.patch(f"{LIST}/{customer_id}", json={"address": address})
                if answer.status_code == httpx.codes.OK:
                    self.addresses[customer_id] = address
                    return
                if answer.status_code in GONE:
                    assert customer_id not in self.addresses, "A customer whose change was acknowledged is gone."
                    return
                assert answer.status_code in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}
