"""Other people's requests during the import of a large file, and the rate of the import.

python -m tests.load.large_import URL TOKEN TENANT OTHER_TENANT [ROWS]

The token belongs to a member of both tenants, with the scopes customers:read and customers:write. A server with
`regulars serve` runs the jobs. First, the requests are sent for ten seconds without an import.
"""

import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO

import httpx

from tests.load.probe import TIMEOUT_SECONDS, Probe

LIST, IMPORTS = "/api/v1/customers", "/api/v1/imports"
FIRST_NAMES = ("Ayşe", "Mehmet", "Fatma", "Ali", "İnci", "Mustafa", "Elif", "Hüseyin", "Merve", "Emre", "Büşra")
LAST_NAMES = ("Yılmaz", "Kaya", "Demir", "Şahin", "Çelik", "Yıldız", "Öztürk", "Aydın", "Özdemir", "Arslan", "Doğan")
QUIET_SECONDS = 10


def write_people(file: IO[bytes], rows: int) -> None:
    """Write a CSV file as a clinic's program would."""
    draw = random.Random(1)
    file.write("Ad Soyad;Telefon;E-posta;Doğum Tarihi;Cinsiyet;T.C. Kimlik No;Adres;Meslek\r\n".encode())
    for number in range(rows):
        cells = (
            f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}",
            f"05{draw.randint(300_000_000, 559_999_999)}",
            f"musteri{number}.{draw.randint(0, 9999)}@example.com",
            f"{draw.randint(1, 28):02}.{draw.randint(1, 12):02}.{draw.randint(1940, 2010)}",
            draw.choice(("Kadın", "Erkek")),
            str(draw.randint(10**10, 10**11 - 1)),
            f"Bağdat Caddesi {draw.randint(1, 500)} Kadıköy İstanbul",
            draw.choice(("Öğretmen", "Doktor", "Esnaf", "Memur")),
        )
        file.write((";".join(cells) + "\r\n").encode())
    file.seek(0)


def wait(client: httpx.Client, import_id: str) -> dict[str, str]:
    """Wait until no job works on the import, and return it."""
    while True:
        found: dict[str, str] = client.get(f"{IMPORTS}/{import_id}").json()["data"]
        if not found["state"].endswith("ing"):
            return found
        time.sleep(0.5)


def probes(url: str, token: str, tenants: Sequence[str]) -> list[Probe]:
    """Return requests for the first page, and creations of customers, in each tenant."""
    found = []
    for tenant in tenants:
        headers = {"Authorization": f"Bearer {token}", "X-Tenant": tenant}
        found += [Probe(url, LIST, headers), Probe(url, LIST, headers, {"first_name": "Deniz", "last_name": "Kaya"})]
    return found


def measured(url: str, token: str, tenants: Sequence[str], client: httpx.Client, import_id: str) -> None:
    """Print the figures of others' requests without and during an import."""
    quiet = probes(url, token, tenants)
    with ExitStack() as stack:
        for probe in quiet:
            stack.enter_context(probe.running())
        time.sleep(QUIET_SECONDS)
    print("without an import:", *quiet, sep="\n  ")
    busy = probes(url, token, tenants)
    with ExitStack() as stack:
        for probe in busy:
            stack.enter_context(probe.running())
        started = time.monotonic()
        client.post(f"{IMPORTS}/{import_id}/start").raise_for_status()
        found = wait(client, import_id)
        seconds = time.monotonic() - started
    print("during the import:", *busy, sep="\n  ")
    print(f"{found['state']} in {seconds:.0f} seconds: {found['result']}")


def main(url: str, token: str, tenant: str, other_tenant: str, rows: str = "1000000") -> int:
    """Print the figures."""
    headers = {"Authorization": f"Bearer {token}", "X-Tenant": tenant}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS) as client, TemporaryFile() as file:
        write_people(file, int(rows))
        answer = client.post(IMPORTS, files={"file": ("people.csv", file)}, timeout=600)
        import_id = answer.raise_for_status().json()["data"]["id"]
        wait(client, import_id)
        client.patch(f"{IMPORTS}/{import_id}", json={"match_by": "email"}).raise_for_status()
        wait(client, import_id)
        measured(url, token, (tenant, other_tenant), client, import_id)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
