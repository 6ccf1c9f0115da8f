"""Answers made smaller, in the way that a client likes (RFC 9110, section 12.5.3), where that pays."""

import threading
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache

import brotli
import falcon
import zstandard

WORTHWHILE_BYTES = 1_400
"""What goes into one packet anyway is sent as it is."""
MOST_REMEMBERED = 1_000


class _PerThread(threading.local):
    def __init__(self) -> None:
        self.zstd = zstandard.ZstdCompressor(level=1)


_local = _PerThread()


def _zstd(body: bytes) -> bytes:
    return _local.zstd.compress(body)


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=1))


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, 1, wbits=31)


CODINGS: Mapping[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "br": _brotli, "gzip": _gzip}
"""The quickest first, measured with a page of customers (see docs/performance.md)."""


@lru_cache(maxsize=MOST_REMEMBERED)
def preferred_coding(accept: str) -> str | None:
    """The content coding that an Accept-Encoding header likes best; of several, the quickest. None: as it is."""
    weights: dict[str, float] = {}
    for item in accept.lower().split(","):
        name, _, parameter = item.partition(";")
        try:
            weights[name.strip()] = float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
        except ValueError:
            continue
    anything = weights.get("*", 0.0)
    best = max(CODINGS, key=lambda name: weights.get(name, anything))
    weight = weights.get(best, anything)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def negotiate(request: falcon.Request, response: falcon.Response, size: int) -> str | None:
    """The coding in which a body of so many bytes is to be sent; None: as it is.

    Not for pages with a secret beside what a visitor wrote: their length would tell (the BREACH attack).
    """
    if size < WORTHWHILE_BYTES:
        return None
    response.append_header("Vary", "Accept-Encoding")
    accept = request.env.get("HTTP_ACCEPT_ENCODING")
    return preferred_coding(accept) if accept else None


def send(request: falcon.Request, response: falcon.Response, body: bytes) -> None:
    """Send `body`, compressed where that pays and the client takes it."""
    send_coded(response, body, negotiate(request, response, len(body)))


def send_coded(response: falcon.Response, body: bytes, coding: str | None) -> None:
    """Send `body` in the coding that was negotiated."""
    if coding is None:
        response.data = body
    else:
        response.set_header("Content-Encoding", coding)
        response.data = CODINGS[coding](body)
