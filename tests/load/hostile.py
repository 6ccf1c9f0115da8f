"""Requests of every role that Schemathesis generates, with cut-off and slow bodies mixed in, on both databases.

python -m tests.load.hostile [REQUESTS]

No response may be a 5xx other than a 503 that explains itself.
"""

import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

from regulars.accounts.memberships import add_member
from regulars.accounts.users import create_user
from regulars.db.migrate import migrate
from regulars.permissions import Role
from regulars.scopes import SCOPES
from tests.support import ROOT, postgres
from tests.support.server import Server, running
from tests.support.world import LIST, World

BODIES = (
    "Content-Length: 1000\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3e8\r\n",
)
TARGETS = (
    (LIST, "application/json", b'{"first_name": "Ay\xc5\x9fe"'),
    ("/oauth/token", "application/x-www-form-urlencoded", b"grant_type=authorization_code&code=1"),
    ("/sign-in", "application/x-www-form-urlencoded", b"email=a@example.com&password=1"),
)
SLOW_SHARE = 0.05
CUTTERS = 4
MAX_ROUNDS = 100


def token_of(world: World, role: Role, number: int) -> str:
    """Return an access token with all scopes of a new member with this role."""
    email = f"{role.value}{number}@hostile.example.com"
    user = create_user(world.database, email=email, name=role.value, password="correct horse battery")
    add_member(world.database, world.clinic, email, role)
    return world.token(user.id, list(SCOPES))


def send_broken_bodies(server: Server, token: str, end: threading.Event, sent: Counter[str]) -> None:
    """Send requests whose bodies are cut off, and now and then one that is slow."""
    draw = random.Random()
    while not end.is_set():
        path, media_type, body = draw.choice(TARGETS)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n"
        head += f"Authorization: Bearer {token}\r\n"
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
            connection.sendall((head + draw.choice(BODIES)).encode() + body[: draw.randrange(len(body) + 1)])
            if draw.random() < SLOW_SHARE:
                sent["slow"] += 1
                connection.recv(1000)
            else:
                sent["cut off"] += 1
                connection.shutdown(draw.choice((socket.SHUT_WR, socket.SHUT_RDWR)))
        time.sleep(0.02)


def run_schemathesis(server: Server, token: str, seed: int) -> None:
    """Send generated requests. What it reports is not of interest here; the log has the statuses."""
    command = [
        *(str(Path(sys.executable).with_name("st")), f"--config-file={ROOT}/tests/support/schemathesis.toml", "run"),
        f"{server.url}/api/openapi.json",
        f"--header=Authorization: Bearer {token}",
        *("--checks=not_a_server_error", "--phases=examples,coverage,fuzzing,stateful", "--max-examples=60"),
        *(f"--seed={seed}", "--no-color", "--continue-on-failure"),
        # Otherwise the member soon removes itself, and gets only 401.
        *(["--exclude-path-regex=/(users|tenants)/"] if seed % 5 else []),
    ]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def hostile(world: World, requests: int) -> Counter[object]:
    """Send at least this number of requests. Return their number by status, and log events that must not be."""
    sent: Counter[str] = Counter()
    end = threading.Event()
    with running(world, "--workers", "2") as server:
        owner = world.token(world.alice, list(SCOPES))
        threads = [threading.Thread(target=send_broken_bodies, args=(server, owner, end, sent)) for _ in range(CUTTERS)]
        for thread in threads:
            thread.start()
        for seed in range(MAX_ROUNDS):
            role = list(Role)[seed % len(Role)]
            run_schemathesis(server, token_of(world, role, seed), seed)
            lines = server.log_lines
            if sum(line["event"] == "request" for line in lines) >= requests:
                break
        end.set()
        for thread in threads:
            thread.join()
        lines = server.log_lines
    found: Counter[object] = Counter(line["status"] for line in lines if line["event"] == "request")
    found.update(f"{line['event']} {line.get('reason', '')}" for line in lines if line["event"] != "request")
    found.update(sent)
    return found


def main(requests: str = "100000") -> int:
    """Print the figures of both databases. Return 1 if there was a 5xx other than 503."""
    worst = 0
    with ExitStack() as stack:
        server = stack.enter_context(postgres.running_server())
        server.execute("CREATE DATABASE hostile")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for url in (f"sqlite:///{folder}/regulars.db", f"{server.url}/hostile"):
            migrate(url)
            with World.on(url) as world:
                world.add_customers()
                found = hostile(world, int(requests) // 2)
            print(url.partition(":")[0], dict(found))
            worst = max([worst, *(status for status in found if isinstance(status, int) and status != 503)])
    return int(worst >= 500)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
