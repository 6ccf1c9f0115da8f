"""Tokens that mean nothing but to this service: random, with a prefix that says what they are, kept as digests alone.

    rgl_<kind>_<43 letters and digits of randomness><6 of a checksum>

The prefix and the CRC-32 at the end let a scanner for secrets tell one from a random word without asking anybody (the
form that GitHub described in 2021).
"""

import hashlib
import secrets
import string
import time
import uuid
import zlib
from enum import StrEnum

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LETTERS = 43  # of 62: 256 bits
CHECK_LETTERS = 6


class Kind(StrEnum):
    """What a token is for."""

    CODE = "code"
    REFRESH_TOKEN = "refresh"  # noqa: S105 - a name
    DEVICE_CODE = "device"
    CLIENT_SECRET = "secret"  # noqa: S105 - a name
    PERSONAL_TOKEN = "pat"  # noqa: S105 - a name
    SESSION = "session"
    CHALLENGE = "challenge"


def new_token(kind: Kind) -> str:
    """A new token of this kind, with 256 bits of randomness."""
    body = f"rgl_{kind}_" + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LETTERS))
    return body + _checksum(body)


def is_token(text: str, kind: Kind) -> bool:
    """Whether `text` has the form of a token of this kind; any other need not be looked up."""
    if not text.startswith(f"rgl_{kind}_") or len(text) != len(f"rgl_{kind}_") + RANDOM_LETTERS + CHECK_LETTERS:
        return False
    return text.isascii() and text[-CHECK_LETTERS:] == _checksum(text[:-CHECK_LETTERS])


def digest(token: str) -> str:
    """What is kept of a token: its SHA-256, in hexadecimal. (It is random enough that nobody can search for it.)"""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_id() -> str:
    """A UUID of version 7: its beginning is the time, so that ids sort as they were made (RFC 9562, section 5.7)."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    number = number & ~(0xF000 << 64) | 0x7000 << 64
    number = number & ~(0b11 << 62) | 0b10 << 62
    return str(uuid.UUID(int=number))


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode("ascii", "replace"))
    letters = ""
    for _ in range(CHECK_LETTERS):
        number, rest = divmod(number, len(ALPHABET))
        letters = ALPHABET[rest] + letters
    return letters
