"""Refuse passwords that are easy to guess (NIST SP 800-63B, section 3.1.1.2).

These are common passwords, and passwords that consist of the user's name or address.
"""

from functools import cache

from regulars.i18n import _
from regulars.text import fold, fold_uncached

SERVICE_NAME = "regulars"
MIN_WORD_LENGTH = 4
"""Shorter words of a name or an address are not checked, because many good passwords contain them by chance."""


def common_password_fault(password: str, *, email: str = "", name: str = "") -> str | None:
    """Return why a password is easy to guess, as a sentence, or None if it is not.

    A password must not be one of the 30,000 most common ones. It must not be the user's name or address, a part of one
    of them, or the name of this service; digits before and after it, and signs anywhere, make no difference.
    """
    folded = fold_uncached(password)
    if folded in _common_passwords():
        return _("This password is one of the most common. Choose another one.")
    core = "".join(filter(str.isalnum, folded)).strip("0123456789")
    if folded == fold(email) or core in _own_words(email, name):
        return _("The password must not be your name or e-mail address. Choose another one.")
    return None


def _own_words(email: str, name: str) -> set[str]:
    parts = [
        *fold(name).split(),
        *fold(email).replace("@", " ").replace(".", " ").split(),
        fold(email).partition("@")[0],
    ]
    whole = [fold(name), fold(email)]
    words = {"".join(filter(str.isalnum, word)).strip("0123456789") for word in (*parts, *whole)}
    return {word for word in words if len(word) >= MIN_WORD_LENGTH} | {SERVICE_NAME}


@cache
def _common_passwords() -> frozenset[str]:
    # Imported here, because loading the list takes 60 ms and only changes of passwords need it.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
