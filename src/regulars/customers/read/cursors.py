"""Cursors as clients see them: a place in one list, sealed, so that nobody can read, change or make one.

A cursor names a customer's sort key, which may be a name: it must be neither read in a log nor good for another list.
"""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime

import msgspec

from regulars.customers.read.list import Cursor, CustomerQuery
from regulars.errors import Invalid
from regulars.security.encryption import Cipher
from regulars.settings import Settings

GOOD_DAYS = 30
A_DAY = 86_400
NO_GOOD = (
    "The cursor is not one of this list: take it from an answer to the same search, filters and order, given in the"
    f" last {GOOD_DAYS} days, or start again without it."
)

Content = tuple[bool, str | None, int, int]
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Content).decode


class Cursors:
    """Writes and reads cursors."""

    def __init__(self, settings: Settings) -> None:
        self._cipher = Cipher(settings, "cursors")

    def write(self, cursor: Cursor | None, tenant_id: int, listing: CustomerQuery) -> str | None:
        """The text of a cursor, good for this tenant and this listing alone, whatever its page; None for None.

        It is the same for a whole day, and with it the ETag of what it is part of.
        """
        if cursor is None:
            return None
        key = cursor.key
        if isinstance(key, date):
            key = key.isoformat().replace("+00:00", "Z")
        content = encode((cursor.backward, key, cursor.id, _today()))
        return urlsafe_b64encode(self._cipher.seal(content, _about(tenant_id, listing))).rstrip(b"=").decode()

    def read(self, text: str, tenant_id: int, listing: CustomerQuery) -> Cursor:
        """The cursor that was written as `text` for this tenant and listing. Raises `Invalid` for any other."""
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            content = self._cipher.unseal(sealed, _about(tenant_id, listing))
        except ValueError:
            content = None
        if content is None:
            raise Invalid({"cursor": [NO_GOOD]})
        backward, key, customer_id, day = decode(content)
        if _today() - day > GOOD_DAYS:
            raise Invalid({"cursor": [NO_GOOD]})
        return Cursor(backward, None if key is None else _key(listing, key), customer_id)


def _today() -> int:
    return int(time.time()) // A_DAY


def _key(listing: CustomerQuery, key: str) -> str | date | datetime:
    if listing.sort_by in {"created_at", "updated_at"}:
        return datetime.fromisoformat(key)
    return date.fromisoformat(key) if listing.sort_by == "date_of_birth" else key


def _about(tenant_id: int, listing: CustomerQuery) -> bytes:
    """All that makes it this list."""
    return repr(
        (
            tenant_id,
            listing.search,
            listing.sort_by,
            listing.sort_order,
            listing.gender,
            listing.min_age,
            listing.max_age,
            listing.user_id,
            listing.trashed,
            *(sorted(listing.beside.items()) if listing.beside else ()),
        )
    ).encode("utf-8", "surrogatepass")
