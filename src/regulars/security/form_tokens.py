"""Form tokens: they prove that a page of this service, and no other site, has sent a request (CSRF).

A form token is an HMAC of the browser's random token and of the session. Other sites know neither.
"""

from regulars.security.encryption import Cipher
from regulars.settings import Settings


def form_cipher(settings: Settings) -> Cipher:
    """Return the cipher that signs form tokens."""
    return Cipher(settings, "forms")


def form_token(cipher: Cipher, browser: str, session_id: str | None) -> str:
    """Return the form token of a browser. `session_id` is None if the user is not signed in."""
    return cipher.sign(_text(browser, session_id))


def is_form_token(cipher: Cipher, token: str, browser: str, session_id: str | None) -> bool:
    """Tell whether `token` is the form token of this browser and session."""
    return cipher.verify(_text(browser, session_id), token)


def _text(browser: str, session_id: str | None) -> str:
    return f"{browser} {session_id or ''}"
