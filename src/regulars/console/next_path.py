"""The path to which the sign-in page redirects, as the parameter `next` of its address.

An authorization request can be 8,192 characters long, the longest query that this service reads. Escaped once more, it
would be longer. Long paths are therefore compressed.
"""

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

MIN_PACKED_LENGTH = 1000
MAX_LENGTH = 16_384
PREFIX = "z."


def pack(path: str) -> str:
    """Return the parameter for a path: the path itself if it is short."""
    if len(path) < MIN_PACKED_LENGTH:
        return path
    return PREFIX + urlsafe_b64encode(zlib.compress(path.encode(), 9)).decode().rstrip("=")


def unpack(parameter: str) -> str:
    """Return the path of a parameter, or an empty string if it was not made by `pack` or is too long."""
    if not parameter.startswith(PREFIX):
        return parameter
    packed = parameter.removeprefix(PREFIX)
    try:
        data = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        decompressor = zlib.decompressobj()
        path = decompressor.decompress(data, MAX_LENGTH).decode()
        # A truncated path would be that of another page.
        return path if decompressor.eof else ""
    except (binascii.Error, zlib.error, ValueError):
        return ""
