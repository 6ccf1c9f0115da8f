"""Receives complete request bodies, with a deadline, a minimum rate and a maximum size."""

import asyncio
from io import BytesIO
from typing import Any, BinaryIO

from granian._granian import RSGIProtocolClosed

from regulars.api.customers.batch import MAX_BODY_BYTES as MAX_BATCH_BYTES
from regulars.errors import Malformed, RegularsError, RequestTimeout, TooLarge, Unavailable
from regulars.http.json_body import MAX_BODY_BYTES
from regulars.i18n import _

LARGE_BODIES = {"/api/v1/customers/batch": MAX_BATCH_BYTES}
MAX_HELD_BYTES = 128 * 1024 * 1024
"""The limit for all bodies of a worker together, while they are received and their requests wait or run."""
SMALL_BODY_BYTES = 16 * 1024
START_SECONDS = 10.0
MIN_BYTES_PER_SECOND = 8_192


def has_body(headers: Any) -> bool:
    """Tell whether the headers announce a body (RFC 9112, section 6.3)."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


class Body:
    """The body of a request, kept in memory from `receive` to `release`."""

    held_bytes = 0
    """The size of all bodies of this process together. Only the event loop changes it."""

    def __init__(self, scope: Any) -> None:
        self.limit = LARGE_BODIES.get(scope.path, MAX_BODY_BYTES)
        length = scope.headers.get("content-length")
        self.length = None if length is None else int(length)
        self.size = 0
        """The number of received bytes."""
        self._content = bytearray()

    async def receive(self, protocol: Any) -> None:
        """Receive the whole body.

        Raise `TooLarge` if it is too large, `RequestTimeout` if it does not arrive in time, `Malformed` if it is
        incomplete, and `Unavailable` if all bodies of this process together are too large.
        """
        if (self.length or 0) > self.limit:
            raise self._too_large()
        try:
            if self.length is not None and self.length <= SMALL_BODY_BYTES:
                await self._receive_at_once(protocol)
            else:
                await self._receive_chunks(protocol)
        except TimeoutError:
            raise RequestTimeout(_("The body of the request did not arrive in time.")) from None
        if self.length not in {None, self.size}:
            raise _incomplete()

    def open(self) -> BinaryIO:
        """Return the received body as a file."""
        return BytesIO(self._content)

    def release(self) -> None:
        """Free the memory of the body."""
        Body.held_bytes -= len(self._content)
        self._content.clear()

    async def _receive_at_once(self, protocol: Any) -> None:
        """Receive a small body in one step, which is faster."""
        try:
            async with asyncio.timeout(START_SECONDS + SMALL_BODY_BYTES / MIN_BYTES_PER_SECOND):
                content = await protocol()
        except RSGIProtocolClosed:
            raise _incomplete() from None
        await self._keep(content)

    async def _receive_chunks(self, protocol: Any) -> None:
        ends = 0
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.timeout(START_SECONDS) as deadline:
            async for chunk in protocol:
                ends += not chunk
                if self.size + len(chunk) > self.limit:
                    raise self._too_large()
                await self._keep(chunk)
                deadline.reschedule(started + START_SECONDS + self.size / MIN_BYTES_PER_SECOND)
        # Granian ends every body with one empty chunk, and yields another one for an error.
        if ends != 1:
            raise _incomplete()

    async def _keep(self, chunk: bytes) -> None:
        """Store a part of the body."""
        self.size += len(chunk)
        self._content += chunk
        Body.held_bytes += len(chunk)
        if Body.held_bytes > MAX_HELD_BYTES:
            raise Unavailable(_("Too many requests are waiting. Try again later."), retry_after=2)

    def _too_large(self) -> RegularsError:
        return TooLarge(_("The body must have at most {limit} bytes.", limit=self.limit))


def _incomplete() -> Malformed:
    return Malformed(_("The body of the request is incomplete."))
