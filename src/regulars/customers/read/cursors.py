"""Cursors of the customer list: encrypted, so that clients cannot read, change or make them.

A cursor contains the sort key of a customer, which may be a name. It must not be readable in logs, nor be accepted for
another list.
"""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime

import msgspec

from regulars.customers.read.list import Cursor, CustomerQuery
from regulars.errors import Invalid
from regulars.i18n import _
from regulars.security.encryption import Cipher
from regulars.settings import Settings

MAX_AGE_DAYS = 30
SECONDS_PER_DAY = 86_400
INVALID_CURSOR = _(
    "cursor does not belong to this list. Take it from a response to the same search, filters and order of the last"
    " {days} days, or leave it out.",
    days=MAX_AGE_DAYS,
)


Content = tuple[bool, str | None, int, int]
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Content).decode


class Cursors:
    """Encrypts and decrypts cursors."""

    def __init__(self, settings: Settings) -> None:
        self._cipher = Cipher(settings, "cursors")

    def write(self, cursor: Cursor | None, tenant_id: int, query: CustomerQuery) -> str | None:
        """Return the encrypted text of a cursor, or None for None. It is valid for this tenant and all pages of this
        query.

        The text contains the date and is otherwise always the same, so the ETag of an unchanged page changes once a
        day.
        """
        if cursor is None:
            return None
        key = cursor.key
        if isinstance(key, date):
            key = key.isoformat().replace("+00:00", "Z")
        content = encode((cursor.backward, key, cursor.id, _today()))
        return urlsafe_b64encode(self._cipher.seal(content, _list_identity(tenant_id, query))).rstrip(b"=").decode()

    def read(self, text: str, tenant_id: int, query: CustomerQuery) -> Cursor:
        """Return the cursor that `write` encrypted.

        Raise `Invalid` if the text was changed, has expired, or is for another tenant or query.
        """
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            content = self._cipher.unseal(sealed, _list_identity(tenant_id, query))
        except ValueError:
            content = None
        if content is None:
            raise Invalid({"cursor": [INVALID_CURSOR]})
        backward, key, customer_id, day = decode(content)
        if _today() - day > MAX_AGE_DAYS:
            raise Invalid({"cursor": [INVALID_CURSOR]})
        return Cursor(backward, None if key is None else _key(query, key), customer_id)


def _today() -> int:
    return int(time.time()) // SECONDS_PER_DAY


def _key(query: CustomerQuery, key: str) -> str | date | datetime:
    if query.sort_by in {"created_at", "updated_at"}:
        return datetime.fromisoformat(key)
    return date.fromisoformat(key) if query.sort_by == "date_of_birth" else key


def _list_identity(tenant_id: int, query: CustomerQuery) -> bytes:
    """Return everything that identifies a list. A cursor can be decrypted only for the same list."""
    return repr(
        (
            tenant_id,
            query.search,
            query.sort_by,
            query.sort_order,
            query.gender,
            query.min_age,
            query.max_age,
            query.user_id,
            query.trashed,
            *(sorted(query.uncounted_filters.items()) if query.uncounted_filters else ()),
        )
    ).encode("utf-8", "surrogatepass")
