"""Customers written: one by one, in batches and from a file, beside what the database alone takes the same rows in."""

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
from benchmarks.findings import Written
from benchmarks.measuring import CONNECTIONS, TIMEOUT, Load, post
from benchmarks.plan import Plan, tell
from benchmarks.seeding import asker, run, seeded_sizes
from benchmarks.servers import running_regulars
from regulars.customers.write.storage import COLUMNS
from regulars.db.connect import is_embedded, open_database, sqlite_path
from regulars.db.postgres import FOR_SESSION
from regulars.db.sqlite import PRAGMAS
from regulars.db.tables import customers

TENANT = 1
BATCH = 1_000
ROWS = 50_000
FIRST = ("Ayşe", "Mehmet", "Fatma", "Ali", "Zeynep", "Mustafa", "Elif", "Hüseyin", "Merve", "Emre", "Büşra")
LAST = ("Yılmaz", "Kaya", "Demir", "Şahin", "Çelik", "Yıldız", "Öztürk", "Aydın", "Özdemir", "Arslan", "Doğan")
# A bare insert takes new ids, far above those that there are.
FREE_IDS = 2**39

Row = tuple[Any, ...]


def measure_writing(url: str, plan: Plan) -> list[Written]:
    """On a database with one tenant, of a tenth of the customers."""
    size = max(1_000, plan.customers // 10)
    tell(f"Seeding {size:,} customers to write beside")
    seeded_sizes(url, [size], plan.folder)
    writer = asker(url, TENANT, "customers:write")
    rows = min(ROWS, 5 * size)
    with running_regulars(url, plan.workers, plan.folder) as ours:
        body = json.dumps(_person("#"), ensure_ascii=False)
        creates = post(ours.address, PATH, writer.headers, body, Load(plan.seconds, plan.workers))
        batches = _batches_per_second(ours.address, writer.headers, plan.seconds)
    file = plan.folder / "people.csv"
    _write_people(file, rows)
    imported = rows / _seconds(
        lambda: run(["import", str(file), "--tenant", str(TENANT), "--database", url], plan.folder)
    )
    sample = _stored(url, rows)
    bulk = len(sample) / _seconds(lambda: _load(url, sample))
    single = _single_inserts_per_second(url, sample, plan.seconds)
    found = [
        Written(f"customers created one by one, {CONNECTIONS} clients", creates.rate, single),
        Written(f"customers created in batches of {BATCH:,}, one client", batches, bulk),
        Written(f"rows of a CSV file of {rows:,}", imported, bulk),
    ]
    for one in found:
        tell(f"  {one.name}: {one.ours:,.0f} a second; the database alone {one.limit:,.0f}")
    return found


def _person(number: object) -> dict[str, str]:
    seed = number if isinstance(number, int) else 0
    return {
        "first_name": FIRST[seed % len(FIRST)],
        "last_name": f"{LAST[seed // 7 % len(LAST)]} {number}",
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
            more = {"phone_number": f"0{5_300_000_000 + number * 2_399}", "country_code": "TR"}
            writer.writerow(_person(number * 7_919 % 1_000_003) | more)


def _batches_per_second(address: str, headers: Mapping[str, str], seconds: float) -> float:
    connection = HTTPConnection(address, timeout=TIMEOUT)
    sent = dict(headers) | {"Content-Type": "application/json"}
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        operations = [{"action": "create", "customer": _person(10**6 + done + number)} for number in range(BATCH)]
        connection.request("POST", f"{PATH}/batch", json.dumps({"operations": operations}), sent)
        answer = json.loads(connection.getresponse().read())
        assert answer["meta"]["succeeded"] == BATCH, answer
        done += BATCH
    connection.close()
    return done / passed


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


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
        connection.execute(FOR_SESSION.encode())
        yield connection


def _stored(url: str, rows: int) -> list[Row]:
    """The newest rows of the tenant, all columns, with ids that are free, in their order."""
    query = f"SELECT {', '.join(COLUMNS)} FROM customers WHERE tenant_id = {TENANT} ORDER BY id DESC LIMIT {rows}"
    with _sqlite(url) if is_embedded(url) else _postgres(url) as connection:
        return [(row[0], row[1] + FREE_IDS, *row[2:]) for row in reversed(connection.execute(query).fetchall())]


INSERT = f"INSERT INTO customers ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
INSERT_ONE = f"INSERT INTO customers ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"


def _load(url: str, rows: Sequence[Row]) -> None:
    """All of them in one transaction, in the quickest way: COPY, and on SQLite as many in a statement as it takes."""
    database = open_database(url)
    database.load(customers, COLUMNS, rows)
    database.close()


def _single_inserts_per_second(url: str, rows: Sequence[Row], seconds: float) -> float:
    """Each in a transaction of its own; PostgreSQL on as many connections as there are clients."""
    again = iter([(row[0], row[1] + FREE_IDS // 4, *row[2:]) for row in rows])
    took = threading.Lock()
    stop = time.perf_counter() + seconds

    def insert(execute: Callable[[Row], object]) -> int:
        done = 0
        while time.perf_counter() < stop:
            with took:
                row = next(again, None)
            if row is None:
                break
            execute(row)
            done += 1
        return done

    counts: list[int] = []
    began = time.perf_counter()
    if is_embedded(url):
        with _sqlite(url) as connection:
            counts.append(insert(lambda row: connection.execute(INSERT, row)))
        return sum(counts) / (time.perf_counter() - began)

    def work() -> None:
        with _postgres(url) as postgres:
            counts.append(insert(lambda row: postgres.execute(INSERT_ONE.encode(), row)))

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)
