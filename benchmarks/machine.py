"""Description of the machine, the versions and the load."""

import os
import platform
import re
import sqlite3
from importlib.metadata import version
from pathlib import Path

import psycopg

from benchmarks.measuring import CONNECTIONS, WRK_THREADS
from benchmarks.postgres import SERVER_SETTINGS
from regulars.server import workers as server

OUR_PACKAGES = ("falcon", "granian", "msgspec", "psycopg", "sqlalchemy")


def describe(postgres_url: str, workers: int) -> list[str]:
    """Return sentences about the machine, the databases, Regulars and the load."""
    with psycopg.connect(f"{postgres_url}/postgres") as connection:
        postgres = connection.info.parameter_status("server_version")
    ours = ", ".join(f"{name} {version(name)}" for name in OUR_PACKAGES)
    return [
        f"Machine: {_processor()}, {os.cpu_count()} cores, {_memory()} of memory, {platform.system()}"
        f" {platform.release()}.",
        f"Databases: SQLite {sqlite3.sqlite_version}, PostgreSQL {postgres} with {', '.join(SERVER_SETTINGS)}.",
        f"Regulars: Python {platform.python_version()}, {ours}; {workers} workers with {server.THREADS} threads each.",
        f"Load: wrk on the same machine, {WRK_THREADS} thread, {CONNECTIONS} connections.",
    ]


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", file.read_text()) if file.exists() else None
    return model[1].strip() if model else platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"
