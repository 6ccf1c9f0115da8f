"""200 connections with slow headers, bodies and readers for three minutes, and other requests beside them.

python -m tests.load.slow_clients URL TOKEN TENANT [SECONDS]
"""

import asyncio
import re
import socket
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.load.probe import Probe

CONNECTIONS = 200
LIST = "/api/v1/customers"


class SlowClient:
    """A client that sends or reads a byte a second, and connects again when it is cut."""

    def __init__(self, kind: str, request: bytes, port: int, *, reads: bool) -> None:
        self.kind = kind
        self.request = request
        self.port = port
        self.reads = reads
        self.lives: list[float] = []
        self.connected_at = 0.0

    async def run(self, end: float) -> None:
        """Be slow until `end`."""
        while time.monotonic() < end:
            connection = socket.socket()
            # Otherwise the system would receive the response for a client that does not read it.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", self.port))
            reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
            self.connected_at = time.monotonic()
            with suppress(ConnectionError, TimeoutError):
                await (self._read_slowly(reader, writer, end) if self.reads else self._send_slowly(reader, writer, end))
                if time.monotonic() >= end:
                    break
            self.lives.append(time.monotonic() - self.connected_at)
            writer.close()
        else:
            return
        writer.close()

    async def _send_slowly(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: float) -> None:
        writer.write(self.request)
        while time.monotonic() < end:
            writer.write(b"a")
            await writer.drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while await reader.read(1024):
                        pass
                    return

    async def _read_slowly(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: float) -> None:
        writer.write(self.request * 30)
        own_port = writer.get_extra_info("sockname")[1]
        while time.monotonic() < end and await reader.read(1) and is_connected(self.port, own_port):
            await asyncio.sleep(1)


def is_connected(server_port: int, client_port: int) -> bool:
    """Tell whether the server still has the connection. A client that does not read is not told of its end."""
    pair = re.compile(f"[0-9A-F]+:{server_port:04X} [0-9A-F]+:{client_port:04X} 01 ")
    return pair.search(Path("/proc/net/tcp").read_text("ascii")) is not None


def slow_clients(port: int, token: str, tenant: str) -> list[SlowClient]:
    """Return clients of each kind, in equal numbers."""
    head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nX-Tenant: {tenant}\r\n"
    post = f"POST {LIST} HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
    form = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    kinds = [
        ("headers", f"GET {LIST} HTTP/1.1\r\nX-Slow: ", False),
        ("JSON body", f"{post}Content-Length: 100000\r\n\r\n", False),
        ("form body", f"{form}Content-Length: 1000\r\n\r\n", False),
        ("chunked body", f"{post}Transfer-Encoding: chunked\r\n\r\n1000\r\n", False),
        ("reader", f"GET {LIST}?per_page=100 HTTP/1.1\r\n{head}\r\n", True),
    ]
    return [
        SlowClient(name, request.encode(), port, reads=reads)
        for name, request, reads in kinds
        for _ in range(CONNECTIONS // len(kinds))
    ]


def lives_of_slow_clients(port: int, token: str, tenant: str, seconds: float) -> list[tuple[str, list[float]]]:
    """Run all clients for `seconds`. Return the kind of each, and the seconds after which it was cut each time."""
    clients = slow_clients(port, token, tenant)

    async def hold() -> None:
        end = time.monotonic() + seconds
        await asyncio.gather(*(client.run(end) for client in clients))

    asyncio.run(hold())
    return [(client.kind, client.lives) for client in clients]


def main(url: str, token: str, tenant: str, seconds: str = "180") -> int:
    """Print the figures. Return 1 if a slow client was not cut or other requests failed."""
    headers = {"Authorization": f"Bearer {token}", "X-Tenant": tenant}
    before, beside = Probe(url, LIST, headers), Probe(url, LIST, headers)
    with before.running():
        time.sleep(20)
    # In a process of their own, so that the probes do not wait for them.
    with ProcessPoolExecutor(1) as pool, beside.running():
        port = urlsplit(url).port or 80
        clients = pool.submit(lives_of_slow_clients, port, token, tenant, float(seconds)).result()
    print(f"before: {before}\nbeside: {beside}")
    cuts, longest = Counter[str](), dict[str, float]()
    for kind, lives in clients:
        cuts[kind] += len(lives)
        longest[kind] = max([longest.get(kind, 0.0), *lives])
    uncut = Counter(kind for kind, lives in clients if not lives)
    for kind, count in cuts.items():
        print(f"{kind}: cut {count} times, after at most {longest[kind]:.1f} s; never cut: {uncut[kind]}")
    return int(bool(uncut or beside.failures))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
