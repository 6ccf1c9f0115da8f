"""The databases that are measured: one great tenant, and many of a thousand customers."""

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.cases import Asker
from benchmarks.postgres import make_empty
from benchmarks.servers import environment
from regulars.db.engine import is_embedded

SMALL = 1_000
BIG_TENANT = 1
SMALL_TENANT = 2


def seeded(url: str, customers: int, folder: Path) -> float:
    """Fill the database, unless `folder` says that it was; how many seconds it took then."""
    note = folder / f"seeded-{url.partition(':')[0]}.json"
    if note.exists():
        return float(json.loads(note.read_text())["seconds"])
    # What an interrupted run has left must not be filled a second time.
    if is_embedded(url):
        for file in folder.glob("regulars.db*"):
            file.unlink()
    else:
        make_empty(url)
    run(["migrate", "--database", url], folder)
    tenants = 1 + max(1, customers // 2 // SMALL)
    began = time.monotonic()
    run(
        ["seed", "--database", url, "--customers", str(customers), "--tenants", str(tenants), "--skewed"],
        folder,
    )
    seconds = time.monotonic() - began
    note.write_text(json.dumps({"customers": customers, "tenants": tenants, "seconds": seconds}))
    return seconds


def asker(url: str, tenant_id: int, folder: Path) -> Asker:
    """The owner of a tenant."""
    user = f"owner{tenant_id}@example.com"
    token = run(["token", "create", "--database", url, "--user", user, "--expires", "1d"], folder).strip()
    return Asker(tenant_id, {"Authorization": f"Bearer {token}", "X-Tenant": str(tenant_id)})


def run(arguments: list[str], folder: Path) -> str:
    """What the `regulars` command prints. It keeps its secret in `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "regulars", *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
