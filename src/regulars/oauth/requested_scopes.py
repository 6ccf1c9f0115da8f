"""Check the scopes that an application requests (RFC 6749, section 3.3)."""

import re
from collections.abc import Collection

from authlib.oauth2.rfc6749 import InvalidScopeError

MAX_NAMED_LENGTH = 100
NOT_IN_DESCRIPTIONS = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def check_requested_scope(asked: Collection[str], allowed: Collection[str]) -> None:
    """Raise `InvalidScopeError` if any scope in `asked` is not in `allowed`. The message names these scopes."""
    wrong = " ".join(name for name in asked if name not in allowed)
    if wrong:
        raise InvalidScopeError(f"These scopes cannot be requested: {_printable(wrong)}. Allowed: {' '.join(allowed)}.")


def _printable(text: str) -> str:
    """Return the first `MAX_NAMED_LENGTH` characters of a text.

    Characters that are not allowed in an error_description are replaced with "?" (RFC 6749, section 5.2).
    """
    return NOT_IN_DESCRIPTIONS.sub("?", text[:MAX_NAMED_LENGTH])
