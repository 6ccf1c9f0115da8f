"""Scopes that an application requests (RFC 6749, section 3.3)."""

from collections.abc import Collection

from authlib.oauth2.rfc6749 import InvalidScopeError


def check_requested_scope(asked: Collection[str], allowed: Collection[str]) -> None:
    """Raise `InvalidScopeError`, which names the scopes in `asked` that are not in `allowed`."""
    wrong = [_printable(name) for name in asked if name not in allowed]
    if wrong:
        raise InvalidScopeError(f"These scopes cannot be requested: {' '.join(wrong)}. Allowed: {' '.join(allowed)}.")


def _printable(text: str) -> str:
    """Return the characters that an error_description may have (RFC 6749, section 5.2)."""
    return "".join(character for character in text[:100] if character.isascii() and character not in '"\\\x7f')
