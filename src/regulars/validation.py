"""Check and quote input: functions that several packages need."""

import json
import re
from urllib.parse import urlsplit

from regulars.i18n import _

MAX_NAME_LENGTH = 255
MAX_QUOTE_LENGTH = 50
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# Characters without a visible form: those that Unicode lists as Default_Ignorable_Code_Point, some format characters,
# and the blank Braille pattern. Both Python and JSON Schema accept these ranges in a character class.
INVISIBLE = (
    "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f"
    "\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb"
)
VISIBLE_CHARACTER = re.compile(rf"[^\s{INVISIBLE}\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")


def trim(text: str) -> str:
    """Return the text without surrounding white space, or an empty text if it has no visible character."""
    text = text.strip()
    return text if text.isascii() or VISIBLE_CHARACTER.search(text) else ""


def quote(value: object) -> str:
    """Return a JSON value in the form in which a message can contain it.

    Text is in quotes, without control characters, and shortened. Lists and objects are only named.
    """
    if isinstance(value, dict):
        return _("an object")
    if isinstance(value, list | tuple):
        return _("a list")
    if isinstance(value, str):
        return '"' + _shorten(without_control_characters(value)) + '"'
    return _shorten(json.dumps(value))


def in_range(number: int | None, low: int, high: int | None, *, given: object) -> int:
    """Return `number`, which was read from the value `given`.

    Raise ValueError with a rule to append to the field's name if it is None, below `low` or above `high`.
    """
    if number is None or number < low or (high is not None and number > high):
        raise ValueError(
            _("must be an integer of at least {low}, not {value}", low=low, value=quote(given))
            if high is None
            else _("must be an integer from {low} to {high}, not {value}", low=low, high=high, value=quote(given))
        )
    return number


def without_control_characters(text: str) -> str:
    """Return the text with each control character replaced, so that it can be printed on a terminal."""
    return CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text)


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_QUOTE_LENGTH else text[:MAX_QUOTE_LENGTH] + "…"


def read_name(text: str, at_most: int = MAX_NAME_LENGTH) -> str:
    """Return the name of a user, tenant or channel without surrounding white space.

    Raise ValueError with a rule to append to the field's name if it is empty, invisible, too long or has control
    characters.
    """
    name = trim(text)
    if not 1 <= len(name) <= at_most or not name.isprintable():
        raise ValueError(_("must have 1 to {limit} printable characters", limit=at_most))
    return name


def read_https_url(text: str) -> str:
    """Return `text` unchanged if it is an https:// URL with a host.

    Otherwise raise ValueError with a rule to append to the field's name.
    """
    try:
        parts = urlsplit(text)
        is_valid = parts.scheme == "https" and bool(parts.hostname) and len(text.split()) == 1 and text.isprintable()
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError(_("must be an address that starts with https://, not {value}", value=quote(text)))
    return text
