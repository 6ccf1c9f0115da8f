"""200 connections with slow headers, bodies and readers for three minutes, and other requests beside them.

python -m tests.load.slow_clients URL TOKEN TENANT [SECONDS]
"""

import asyncio
import sys
import time
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

from tests.load.probe import Probe

CONNECTIONS = 200
LIST = "/api/v1/customers"
MAX_CUT_SECONDS = 60
"""A slow connection must have ended after this time."""


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
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
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
        while time.monotonic() < end:
            if not await reader.read(1):
                return
            await asyncio.sleep(1)


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


async def hold(clients: list[SlowClient], seconds: float) -> None:
    """Run all clients for `seconds`."""
    end = time.monotonic() + seconds
    await asyncio.gather(*(client.run(end) for client in clients))


def main(url: str, token: str, tenant: str, seconds: str = "180") -> int:
    """Print the figures. Return 1 if a slow client was not cut or other requests suffered."""
    headers = {"Authorization": f"Bearer {token}", "X-Tenant": tenant}
    before, beside = Probe(url, LIST, headers), Probe(url, LIST, headers)
    health = Probe(url, "/healthz", {})
    with before.running():
        time.sleep(20)
    clients = slow_clients(urlsplit(url).port or 80, token, tenant)
    with beside.running(), health.running():
        asyncio.run(hold(clients, float(seconds)))
    print(f"before: {before}\nbeside: {beside}\nbeside: {health}")
    cuts, lives = Counter[str](), dict[str, float]()
    for client in clients:
        cuts[client.kind] += len(client.lives)
        lives[client.kind] = max([lives.get(client.kind, 0.0), *client.lives])
    uncut = [client.kind for client in clients if not client.lives and float(seconds) > MAX_CUT_SECONDS]
    for kind, count in cuts.items():
        print(f"{kind}: cut {count} times, after at most {lives[kind]:.1f} s")
    print(f"never cut: {Counter(uncut)}")
    return int(bool(uncut or beside.failures or health.failures or max(lives.values()) > MAX_CUT_SECONDS))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
