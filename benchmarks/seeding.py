"""The databases that are measured: one great tenant, and many of a thousand customers."""

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.cases import Asker
from benchmarks.postgres import make_empty
from benchmarks.servers import ISSUER, SECRET_KEY, environment
from regulars.accounts.users import get_user_by_email
from regulars.db.engine import is_embedded, open_database
from regulars.oauth.tokens import issue_access_token
from regulars.settings import Settings

SMALL = 1_000
BIG_TENANT = 1
SMALL_TENANT = 2
A_DAY = 86_400


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


def asker(url: str, tenant_id: int) -> Asker:
    """The owner of a tenant, with an access token as applications have it, a JWT."""
    settings = Settings(database=url, public_url=ISSUER, secret_key=SECRET_KEY)
    database = open_database(url)
    try:
        owner = get_user_by_email(database, f"owner{tenant_id}@example.com")
        token = issue_access_token(database, settings, owner.id, ["customers:read"], lifetime=A_DAY)
    finally:
        database.close()
    return Asker(tenant_id, {"Authorization": f"Bearer {token}", "X-Tenant": str(tenant_id)})


def run(arguments: list[str], folder: Path) -> str:
    """What the `regulars` command prints."""
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
