"""The databases that are measured, filled with customers that do not exist, and those who ask."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import Asker
from benchmarks.postgres import make_empty, settle
from benchmarks.servers import ISSUER, SECRET_KEY, environment
from regulars.accounts.users import get_user_by_email
from regulars.db.connect import is_embedded, open_database
from regulars.oauth.access_tokens import issue_access_token
from regulars.settings import Settings

SMALL = 1_000
BIG_TENANT = 1
SMALL_TENANT = 2
A_DAY = 86_400


def seeded_skewed(url: str, customers: int, folder: Path) -> float:
    """Fill the database with one great tenant, which has half of them, and many of a thousand; seconds it took."""
    tenants = 1 + max(1, customers // 2 // SMALL)
    return _seeded(url, ["--customers", str(customers), "--tenants", str(tenants), "--skewed"], folder)


def seeded_sizes(url: str, sizes: Sequence[int], folder: Path) -> float:
    """Fill the database with a tenant of each size, the first with the id 1; seconds it took."""
    return _seeded(url, ["--sizes", ",".join(map(str, sizes))], folder)


def _seeded(url: str, wanted: list[str], folder: Path) -> float:
    """Fill the database, unless a note in `folder` says that it was."""
    name = url.rpartition("/")[2]
    note = folder / f"seeded-{url.partition(':')[0]}-{name}.json"
    noted = json.loads(note.read_text()) if note.exists() else {}
    if noted.get("wanted") == wanted:
        return float(noted["seconds"])
    # What another run has left must not be filled a second time.
    note.unlink(missing_ok=True)
    if is_embedded(url):
        for file in folder.glob(f"{name}*"):
            file.unlink()
    else:
        make_empty(url)
    run(["migrate", "--database", url], folder)
    began = time.monotonic()
    run(["seed", "--database", url, *wanted], folder)
    seconds = time.monotonic() - began
    if not is_embedded(url):
        settle(url)
    note.write_text(json.dumps({"wanted": wanted, "seconds": seconds}))
    return seconds


def asker(url: str, tenant_id: int, *scopes: str) -> Asker:
    """The owner of a tenant, with an access token as applications have it, a JWT; without `scopes` to read."""
    settings = Settings(database=url, public_url=ISSUER, secret_key=SECRET_KEY)
    database = open_database(url)
    try:
        owner = get_user_by_email(database, f"owner{tenant_id}@example.com")
        token = issue_access_token(database, settings, owner.id, scopes or ["customers:read"], lifetime=A_DAY)
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
