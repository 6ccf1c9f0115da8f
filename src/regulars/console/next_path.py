"""Encode the path to which the sign-in page redirects, for the parameter `next` of its address.

The path can be an authorization request of up to 8,192 characters, which is the longest query that this service reads.
Escaping the path for the parameter would exceed this limit, so long paths are compressed.
"""

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

MIN_PACKED_LENGTH = 1000
MAX_LENGTH = 16_384
PREFIX = "z."


def pack(path: str) -> str:
    """Return the value of the parameter: the path itself if it is short, otherwise compressed text."""
    if len(path) < MIN_PACKED_LENGTH:
        return path
    return PREFIX + urlsafe_b64encode(zlib.compress(path.encode(), 9)).decode().rstrip("=")


def unpack(parameter: str) -> str:
    """Return the path that `pack` encoded. Return an empty string if it is malformed or longer than `MAX_LENGTH`."""
    if not parameter.startswith(PREFIX):
        return parameter
    packed = parameter.removeprefix(PREFIX)
    try:
        data = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        decompressor = zlib.decompressobj()
        path = decompressor.decompress(data, MAX_LENGTH).decode()
        # Without the end of the data, the path is cut off at MAX_LENGTH and could be that of another page.
        return path if decompressor.eof else ""
    except (binascii.Error, zlib.error, ValueError):
        return ""
