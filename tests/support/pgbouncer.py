"""PgBouncer in transaction mode, in front of a PostgreSQL server of the tests."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.postgres import USER, Server, free_port, ordinary_user

SESSIONS = 3
"""Number of PostgreSQL sessions: few, so that almost every transaction of a client uses a different one."""


@contextmanager
def running_pgbouncer(server: Server) -> Iterator[str]:
    """Run PgBouncer in front of `server`; yield its URL without a database name."""
    folder, port = Path(tempfile.mkdtemp(prefix="regulars-pgbouncer-")), free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port} user={USER}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = {SESSIONS}\nserver_round_robin = 1\n"
        "query_wait_timeout = 2\nserver_login_retry = 1\n"
    )
    user = ordinary_user(folder)
    process = subprocess.Popen(
        [shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") or "pgbouncer", "-q", configuration],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user,
        group=user,
    )
    try:
        url = f"postgresql://{USER}@127.0.0.1:{port}"
        _wait(f"{url}/postgres")
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
