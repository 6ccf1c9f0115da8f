"""Write rates of single creates, batches and a CSV import, compared with bare inserts of the same rows."""

import csv
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.cases import PATH
from benchmarks.measuring import CONNECTIONS, TIMEOUT, Load, post
from benchmarks.plan import Plan, log_progress
from benchmarks.results import WriteRate
from benchmarks.seeding import run, seeded_sizes, tenant_owner
from benchmarks.servers import running_regulars
from regulars.customers.write.storage import COLUMNS
from regulars.db.connect import is_embedded, open_database, sqlite_path
from regulars.db.postgres_session import SessionSettings, configure_session
from regulars.db.sqlite import PRAGMAS
from regulars.db.tables import customers

TENANT = 1
BATCH_SIZE = 1_000
CSV_ROWS = 50_000
FIRST_NAMES = ("Ayşe", "Mehmet", "Fatma", "Ali", "Zeynep", "Mustafa", "Elif", "Hüseyin", "Merve", "Emre", "Büşra")
LAST_NAMES = ("Yılmaz", "Kaya", "Demir", "Şahin", "Çelik", "Yıldız", "Öztürk", "Aydın", "Özdemir", "Arslan", "Doğan")
UNUSED_ID_OFFSET = 2**39
"""Offset of the ids of bare inserts; it is far above all ids in use."""

Row = tuple[Any, ...]


def measure_writing(url: str, plan: Plan) -> list[WriteRate]:
    """Seed a database with one tenant, which has a tenth of the customers, and measure writes to it."""
    size = max(1_000, plan.customers // 10)
    log_progress(f"Seeding a tenant of {size:,} customers for the writes")
    seeded_sizes(url, [size], plan.folder)
    writer = tenant_owner(url, TENANT, "customers:write")
    rows = min(CSV_ROWS, 5 * size)
    with running_regulars(url, plan.workers, plan.folder) as ours:
        body = json.dumps(_person("#"), ensure_ascii=False)
        creates = post(ours.address, PATH, writer.headers, body, Load(plan.seconds, plan.workers))
        batches = _batched_rows_per_second(ours.address, writer.headers, plan.seconds)
    file = plan.folder / "people.csv"
    _write_people(file, rows)
    imported = rows / _seconds(
        lambda: run(["import", str(file), "--tenant", str(TENANT), "--database", url], plan.folder)
    )
    sample = _stored(url, rows)
    bulk = len(sample) / _seconds(lambda: _load(url, sample))
    single = _single_inserts_per_second(url, sample, plan.seconds)
    rates = [
        WriteRate(f"single creates, {CONNECTIONS} clients", creates.rate, single),
        WriteRate(f"creates in batches of {BATCH_SIZE:,}, one client", batches, bulk),
        WriteRate(f"import of a CSV file with {rows:,} rows", imported, bulk),
    ]
    for rate in rates:
        log_progress(f"  {rate.name}: {rate.ours:,.0f} rows/s; bare inserts {rate.limit:,.0f}")
    return rates


def _person(number: object) -> dict[str, str]:
    seed = number if isinstance(number, int) else 0
    return {
        "first_name": FIRST_NAMES[seed % len(FIRST_NAMES)],
        "last_name": f"{LAST_NAMES[seed // 7 % len(LAST_NAMES)]} {number}",
        "email": f"musteri.{number}@example.com",
        "date_of_birth": f"{1940 + seed % 70}-{1 + seed % 12:02}-{1 + seed % 28:02}",
        "gender": ("female", "male", "other")[seed % 3],
        "identity_number": f"TR{number}",
        "job": "Öğretmen",
        "address": f"Bağdat Caddesi {number}, İstanbul",
    }


def _write_people(file: Path, rows: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, [*_person(0), "phone_number", "country_code"])
        writer.writeheader()
        for number in range(rows):
            extra = {"phone_number": f"0{5_300_000_000 + number * 2_399}", "country_code": "TR"}
            writer.writerow(_person(number * 7_919 % 1_000_003) | extra)


def _batched_rows_per_second(address: str, headers: Mapping[str, str], seconds: float) -> float:
    connection = HTTPConnection(address, timeout=TIMEOUT)
    all_headers = dict(headers) | {"Content-Type": "application/json"}
    created, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        people = [_person(10**6 + created + number) for number in range(BATCH_SIZE)]
        operations = [{"action": "create", "customer": person} for person in people]
        connection.request("POST", f"{PATH}/batch", json.dumps({"operations": operations}), all_headers)
        response = json.loads(connection.getresponse().read())
        assert response["meta"]["succeeded"] == BATCH_SIZE, response
        created += BATCH_SIZE
    connection.close()
    return created / elapsed


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def _sqlite(url: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(sqlite_path(url), isolation_level=None, timeout=TIMEOUT)
    for pragma in PRAGMAS:
        connection.execute(pragma)
    yield connection
    connection.close()


@contextmanager
def _postgres(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        configure_session(connection, SessionSettings())
        yield connection


def _stored(url: str, rows: int) -> list[Row]:
    """Return the newest rows of the tenant in the order of their ids, with all columns and with unused ids."""
    query = f"SELECT {', '.join(COLUMNS)} FROM customers WHERE tenant_id = {TENANT} ORDER BY id DESC LIMIT {rows}"
    with _sqlite(url) if is_embedded(url) else _postgres(url) as connection:
        return [(row[0], row[1] + UNUSED_ID_OFFSET, *row[2:]) for row in reversed(connection.execute(query).fetchall())]


SQLITE_INSERT = f"INSERT INTO customers ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
POSTGRES_INSERT = f"INSERT INTO customers ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"


def _load(url: str, rows: Sequence[Row]) -> None:
    """Insert all rows in one transaction, in the fastest way: COPY, or statements with many rows on SQLite."""
    database = open_database(url)
    database.load(customers, COLUMNS, rows)
    database.close()


def _single_inserts_per_second(url: str, rows: Sequence[Row], seconds: float) -> float:
    """Insert each row in its own transaction; PostgreSQL uses as many connections as the measurement of the service."""
    remaining = iter([(row[0], row[1] + UNUSED_ID_OFFSET // 4, *row[2:]) for row in rows])
    iterator_lock = threading.Lock()
    deadline = time.perf_counter() + seconds

    def insert(execute: Callable[[Row], object]) -> int:
        inserted = 0
        while time.perf_counter() < deadline:
            with iterator_lock:
                row = next(remaining, None)
            if row is None:
                break
            execute(row)
            inserted += 1
        return inserted

    counts: list[int] = []
    started = time.perf_counter()
    if is_embedded(url):
        with _sqlite(url) as connection:
            counts.append(insert(lambda row: connection.execute(SQLITE_INSERT, row)))
        return sum(counts) / (time.perf_counter() - started)

    def run_client() -> None:
        with _postgres(url) as connection:
            counts.append(insert(lambda row: connection.execute(POSTGRES_INSERT.encode(), row)))

    threads = [threading.Thread(target=run_client) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)
