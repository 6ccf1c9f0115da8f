"""Readers of a tenant's settings.

A reader returns the value to store. It raises ValueError if the value is not valid. The message continues the name of
the setting: "must be …".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from regulars.errors import Invalid
from regulars.i18n import _
from regulars.validation import quote, read_name

LOCALE_PATTERN = "[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?"
LOCALE = re.compile(LOCALE_PATTERN)
UNIQUE = ("phone_number", "email", "identity_number")
"""The fields that a tenant may make unique among its customers."""
MAX_URL_LENGTH = 2048


@cache
def time_zones() -> set[str]:
    """Return the names of all time zones."""
    return available_timezones()


def read_time_zone(text: str) -> str:
    """Read the name of a time zone."""
    if text not in time_zones():
        raise ValueError(_("must be an IANA time zone such as Europe/Istanbul, not {value}", value=quote(text)))
    return text


def read_locale(text: str) -> str:
    """Read a language tag with an optional script and country."""
    if not LOCALE.fullmatch(text):
        raise ValueError(_("must be a language such as tr or tr-TR, not {value}", value=quote(text)))
    return text


def read_logo_url(text: str) -> str | None:
    """Read the URL of an image. Return None for empty text."""
    url = text.strip()
    try:
        is_address = urlsplit(url).scheme == "https" and bool(urlsplit(url).hostname)
    except ValueError:
        is_address = False
    if url and (not is_address or len(url) > MAX_URL_LENGTH or not url.isprintable() or set(url) & set(" \"'<>\\`")):
        raise ValueError(
            _("must be an address that starts with https:// and has at most {limit} characters", limit=MAX_URL_LENGTH)
        )
    return url or None


def read_unique_fields(names: Sequence[Any]) -> list[str]:
    """Read the names of unique fields. Return them in the order of `UNIQUE`, without duplicates."""
    unknown = [name for name in names if name not in UNIQUE]
    if unknown:
        raise ValueError(
            _("must be names among {options}, not {value}", options=", ".join(UNIQUE), value=quote(unknown[0]))
        )
    return [name for name in UNIQUE if name in names]


Readers = Mapping[str, Callable[[Any], Any]]


def readers(read_country: Callable[[str], str]) -> Readers:
    """Return the reader of each setting, by name. `read_country` is the reader of country codes."""
    return {
        "name": read_name,
        "timezone": read_time_zone,
        "locale": read_locale,
        "country": read_country,
        "logo_url": read_logo_url,
        "unique_fields": read_unique_fields,
    }


def read_settings(given: Mapping[str, Any], how: Readers) -> dict[str, Any]:
    """Return the values of the `given` settings, read with the readers in `how`. Raise `Invalid` with every fault."""
    read: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    for name, value in given.items():
        try:
            read[name] = how[name](value)
        except ValueError as error:
            faults[name] = [_("{field} {rule}.", field=name, rule=error.args[0])]
    if faults:
        raise Invalid(faults)
    return read
