"""A tenant's first page while 32 connections send the costliest search of another tenant.

python -m tests.load.noisy_neighbour URL TOKEN TENANT OTHER_TOKEN OTHER_TENANT [CONNECTIONS] [SECONDS]
"""

import sys
import threading
import time
from collections import Counter

import httpx

from tests.load.probe import TIMEOUT_SECONDS, Probe

LIST = "/api/v1/customers"
COSTLY = {"search": "a", "sort_by": "last_name", "page": "6000", "per_page": "15"}


def send_costly_requests(url: str, headers: dict[str, str], end: float, statuses: Counter[str]) -> None:
    """Send costly requests one after the other until `end`, and wait as long as refusals say."""
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        while time.monotonic() < end:
            try:
                answer = client.get(LIST, params=COSTLY)
            except httpx.HTTPError as error:
                statuses[type(error).__name__] += 1
                continue
            statuses[str(answer.status_code)] += 1
            time.sleep(int(answer.headers.get("Retry-After", "0")))


def main(
    url: str, token: str, tenant: str, other_token: str, other_tenant: str, connections: str = "32", seconds: str = "30"
) -> int:
    """Print the figures of the other tenant's first page, and of health checks."""
    loud = {"Authorization": f"Bearer {token}", "X-Tenant": tenant}
    first_page = Probe(url, LIST, {"Authorization": f"Bearer {other_token}", "X-Tenant": other_tenant})
    health = Probe(url, "/healthz", {})
    statuses: Counter[str] = Counter()
    end = time.monotonic() + float(seconds)
    threads = [
        threading.Thread(target=send_costly_requests, args=(url, loud, end, statuses), daemon=True)
        for _ in range(int(connections))
    ]
    for thread in threads:
        thread.start()
    time.sleep(2)
    with first_page.running(), health.running():
        time.sleep(max(0.0, end - time.monotonic()))
    print(f"{first_page}\n{health}\nthe other tenant's requests by status: {dict(statuses)}")
    return int(bool(first_page.failures or health.failures))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
