"""Seeding of the databases with generated customers, and the clients that read them."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import Client
from benchmarks.postgres import checkpoint, make_empty
from benchmarks.servers import ISSUER, SECRET_KEY, TOKEN_LIFETIME_SECONDS, environment
from regulars.accounts.users import get_named_user
from regulars.db.connect import is_embedded, open_database
from regulars.oauth.access_tokens import issue_access_token
from regulars.settings import Settings

SMALL_SIZE = 1_000
BIG_TENANT = 1
SMALL_TENANT = 2


def seeded_skewed(url: str, customers: int, folder: Path) -> float:
    """Seed one tenant with half of the customers and many tenants of 1,000; return the seconds that it took."""
    tenants = 1 + max(1, customers // 2 // SMALL_SIZE)
    return _seeded(url, ["--customers", str(customers), "--tenants", str(tenants), "--skewed"], folder)


def seeded_sizes(url: str, sizes: Sequence[int], folder: Path) -> float:
    """Seed a tenant of each size, with ids starting from 1; return the seconds that it took."""
    return _seeded(url, ["--sizes", ",".join(map(str, sizes))], folder)


def _seeded(url: str, arguments: list[str], folder: Path) -> float:
    """Seed the database unless a file in `folder` records that it already was, with the same arguments."""
    name = url.rpartition("/")[2]
    record_file = folder / f"seeded-{url.partition(':')[0]}-{name}.json"
    record = json.loads(record_file.read_text()) if record_file.exists() else {}
    if record.get("arguments") == arguments:
        return float(record["seconds"])
    # If this run is interrupted, the next one must seed again.
    record_file.unlink(missing_ok=True)
    if is_embedded(url):
        for file in folder.glob(f"{name}*"):
            file.unlink()
    else:
        make_empty(url)
    run(["migrate", "--database", url], folder)
    started = time.monotonic()
    run(["seed", "--database", url, *arguments], folder)
    seconds = time.monotonic() - started
    if not is_embedded(url):
        checkpoint(url)
    record_file.write_text(json.dumps({"arguments": arguments, "seconds": seconds}))
    return seconds


def tenant_owner(url: str, tenant_id: int, *scopes: str) -> Client:
    """Return a client with an access token (a JWT) of the tenant's owner; the default scope is `customers:read`."""
    settings = Settings(
        database=url, public_url=ISSUER, secret_key=SECRET_KEY, access_token_lifetime=TOKEN_LIFETIME_SECONDS
    )
    database = open_database(url)
    try:
        owner = get_named_user(database, f"owner{tenant_id}@example.com")
        token = issue_access_token(database, settings, owner.id, scopes or ["customers:read"])
    finally:
        database.close()
    return Client(tenant_id, {"Authorization": f"Bearer {token}", "X-Tenant": str(tenant_id)})


def run(arguments: list[str], folder: Path) -> str:
    """Run a `regulars` command in `folder` and return its output."""
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
