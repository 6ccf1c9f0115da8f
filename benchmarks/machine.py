"""What was measured on, and with which versions."""

import os
import platform
import re
import sqlite3
from importlib.metadata import version
from pathlib import Path

import psycopg

from benchmarks.measuring import CONNECTIONS, THREADS
from benchmarks.postgres import SETTINGS
from regulars import server

OURS = ("falcon", "granian", "msgspec", "psycopg", "sqlalchemy")


def describe(postgres_url: str, workers: int) -> list[str]:
    """Lines for a reader: the machine, the databases, our service, the load."""
    with psycopg.connect(f"{postgres_url}/postgres") as connection:
        postgres = connection.info.parameter_status("server_version")
    ours = ", ".join(f"{name} {version(name)}" for name in OURS)
    return [
        f"Machine: {_processor()}, {os.cpu_count()} cores, {_memory()} of memory, {platform.system()}"
        f" {platform.release()}.",
        f"Databases: SQLite {sqlite3.sqlite_version}, PostgreSQL {postgres} with {', '.join(SETTINGS)}.",
        f"Ours: Python {platform.python_version()}, {ours}; {workers} workers of {server.THREADS} threads.",
        f"The load: wrk on the same machine, {THREADS} thread, {CONNECTIONS} connections.",
    ]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", information.read_text()) if information.exists() else None
    return found[1].strip() if found else platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"
