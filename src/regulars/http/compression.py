"""Compression of responses, in a coding that the client accepts (RFC 9110, section 12.5.3)."""

import threading
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache, partial

import brotli
import falcon
import zstandard

from regulars.i18n import parse_accept

WORTHWHILE_BYTES = 1_400
"""Smaller bodies fit into one packet and are not compressed."""
CACHE_SIZE = 1_000


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
"""Fastest first, measured with a page of customers (see docs/performance.md)."""
SMALLEST: Mapping[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "zstd": lambda body: zstandard.ZstdCompressor(level=19).compress(body),
    "gzip": partial(zlib.compress, level=9, wbits=31),
}
"""Smallest result first. These are slow: a style sheet of 50 KB takes a tenth of a second."""
BALANCED: Mapping[str, Callable[[bytes], bytes]] = {
    "br": partial(brotli.compress, quality=6),
    "zstd": lambda body: zstandard.ZstdCompressor(level=9).compress(body),
    "gzip": partial(zlib.compress, level=6, wbits=31),
}
"""A fifth larger than `SMALLEST`, in a fortieth of the time, for large bodies."""


@lru_cache(maxsize=CACHE_SIZE)
def preferred_coding(accept: str, codings: tuple[str, ...] = tuple(CODINGS)) -> str | None:
    """Return the content coding to which an Accept-Encoding header gives the highest weight.

    Return the first in `codings` of several with the same weight, and None if the client accepts none of them or gives
    a higher weight to `identity`.
    """
    weights = dict(parse_accept(accept))
    anything = weights.get("*", 0.0)
    best = max(codings, key=lambda name: weights.get(name, anything))
    weight = weights.get(best, anything)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def negotiate(
    request: falcon.Request, response: falcon.Response, size: int, codings: tuple[str, ...] = tuple(CODINGS)
) -> str | None:
    """Return the one of `codings` for a body of `size` bytes, or None for no compression.

    For large bodies, also set `Vary: Accept-Encoding`. Do not use this for pages that contain both a secret and input
    from a visitor: the compressed length would reveal the secret (BREACH).
    """
    if size < WORTHWHILE_BYTES:
        return None
    response.append_header("Vary", "Accept-Encoding")
    accept = request.env.get("HTTP_ACCEPT_ENCODING")
    return preferred_coding(accept, codings) if accept else None


def send(request: falcon.Request, response: falcon.Response, body: bytes) -> None:
    """Send `body`, compressed if it is large enough and the client accepts a coding."""
    send_coded(response, body, negotiate(request, response, len(body)))


def send_coded(response: falcon.Response, body: bytes, coding: str | None) -> None:
    """Send `body`, compressed with `coding` unless that is None."""
    if coding is None:
        response.data = body
    else:
        response.set_header("Content-Encoding", coding)
        response.data = CODINGS[coding](body)


class StaticBody:
    """A body that never changes. It is compressed once in each coding, as small as possible, when first requested.

    Other `codings` are for a body that is so large that this takes too long.
    """

    def __init__(self, content: bytes, codings: Mapping[str, Callable[[bytes], bytes]] = SMALLEST) -> None:
        self.content = content
        self._codings = codings
        self._coded: dict[str, bytes] = {}

    def send(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send the body, compressed if it is large enough and the client accepts a coding."""
        coding = negotiate(request, response, len(self.content), tuple(self._codings))
        if coding is None:
            response.data = self.content
            return
        if coding not in self._coded:
            self._coded[coding] = self._codings[coding](self.content)
        response.set_header("Content-Encoding", coding)
        response.data = self._coded[coding]
