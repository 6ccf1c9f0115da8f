"""Complete request bodies: with a deadline, a minimum rate, a maximum size, and nothing missing."""

import asyncio
from typing import Any

from granian._granian import RSGIProtocolClosed as ProtocolClosed

from regulars.errors import Malformed, RegularsError, RequestTimeout, TooLarge
from regulars.i18n import _

MAX_BODY_BYTES = 4 * 1024 * 1024
"""No operation accepts a larger body."""
START_SECONDS = 10.0
MIN_BYTES_PER_SECOND = 8_192


def has_body(headers: Any) -> bool:
    """Tell whether the headers announce a body (RFC 9112, section 6.3)."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def read_body(headers: Any, protocol: Any) -> bytes:
    """Return the body.

    Raise `TooLarge`, `RequestTimeout` if it does not arrive in time, and `Malformed` if the connection ended before.
    """
    try:
        if "transfer-encoding" in headers:
            return await _read_chunks(protocol)
        length = int(headers.get("content-length"))
        if length > MAX_BODY_BYTES:
            raise _too_large()
        async with asyncio.timeout(START_SECONDS + length / MIN_BYTES_PER_SECOND):
            body: bytes = await protocol()
    except TimeoutError:
        raise RequestTimeout(_("The body of the request did not arrive in time.")) from None
    except ProtocolClosed:
        raise _incomplete() from None
    if len(body) != length:
        raise _incomplete()
    return body


async def _read_chunks(protocol: Any) -> bytes:
    """Return a body of unknown length (RFC 9112, section 7.1)."""
    body = bytearray()
    empty_chunks = 0
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(START_SECONDS) as deadline:
        async for chunk in protocol:
            # Granian ends every body with one empty chunk, and yields another one for an error.
            empty_chunks += not chunk
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _too_large()
            deadline.reschedule(started + START_SECONDS + len(body) / MIN_BYTES_PER_SECOND)
    if empty_chunks != 1:
        raise _incomplete()
    return bytes(body)


def _too_large() -> RegularsError:
    return TooLarge(_("The body must have at most {limit} bytes.", limit=MAX_BODY_BYTES))


def _incomplete() -> RegularsError:
    return Malformed(_("The body of the request is incomplete."))
