"""Opaque tokens: random text with a prefix for its kind. Only digests are stored.

    rgl_<kind>_<43 random letters and digits><6 letters of a checksum>

The prefix and the checksum (CRC-32) let secret scanners recognise a token offline. GitHub tokens have the same
structure.
"""

import hashlib
import re
import secrets
import string
import time
import uuid
import zlib
from enum import StrEnum

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 43  # from an alphabet of 62: 256 bits
CHECKSUM_LENGTH = 6
NEW_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Kind(StrEnum):
    """The kind of a token."""

    CODE = "code"
    REFRESH_TOKEN = "refresh"  # noqa: S105 - not a password
    DEVICE_CODE = "device"
    CLIENT_SECRET = "secret"  # noqa: S105 - not a password
    PERSONAL_TOKEN = "pat"  # noqa: S105 - not a password
    SESSION = "session"
    CHALLENGE = "challenge"
    INVITATION = "invitation"


def new_token(kind: Kind) -> str:
    """Return a new token with 256 bits of randomness."""
    body = f"rgl_{kind}_" + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + _checksum(body)


def is_token(text: str, kind: Kind) -> bool:
    """Tell whether `text` has the format of a token of this kind. Check this before a lookup in the database."""
    if not text.startswith(f"rgl_{kind}_") or len(text) != len(f"rgl_{kind}_") + RANDOM_LENGTH + CHECKSUM_LENGTH:
        return False
    return text.isascii() and text[-CHECKSUM_LENGTH:] == _checksum(text[:-CHECKSUM_LENGTH])


def digest(token: str) -> str:
    """Return the SHA-256 digest of a token, in hexadecimal. The database stores it instead of the token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_id() -> str:
    """Return a new UUID of version 7. It starts with the time, so that ids sort by creation (RFC 9562, section 5.7)."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    number = number & ~(0xF000 << 64) | 0x7000 << 64
    number = number & ~(0b11 << 62) | 0b10 << 62
    return str(uuid.UUID(int=number))


def is_id(text: str) -> bool:
    """Tell whether a text can be one of `new_id`. PostgreSQL raises an error for some other texts."""
    return NEW_ID.fullmatch(text) is not None


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode("ascii", "replace"))
    letters = ""
    for _ in range(CHECKSUM_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        letters = ALPHABET[rest] + letters
    return letters
