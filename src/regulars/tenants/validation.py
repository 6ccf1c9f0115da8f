"""What a value of each of a tenant's settings must be.

Every `read_` function gives the value as it is kept, or raises ValueError with the rest of a sentence that begins with
the setting's name ("must be …").
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from regulars.errors import Invalid
from regulars.validation import read_name

LOCALE_PATTERN = "[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?"
LOCALE = re.compile(LOCALE_PATTERN)
UNIQUE = ("phone_number", "email", "identity_number")
"""The fields in which a tenant may ask that no two customers be the same."""
LONGEST_URL = 2048


@cache
def _time_zones() -> set[str]:
    return available_timezones()


def read_time_zone(text: str) -> str:
    """The name of a time zone."""
    if text not in _time_zones():
        raise ValueError(f"must be one of the IANA database, like Europe/Istanbul, not {text!r}")
    return text


def read_locale(text: str) -> str:
    """A language, perhaps with a script and a country."""
    if not LOCALE.fullmatch(text):
        raise ValueError(f"must look like tr or tr-TR, not {text!r}")
    return text


def read_logo_url(text: str) -> str | None:
    """An address that a browser may show; none for an empty text."""
    url = text.strip()
    try:
        is_address = urlsplit(url).scheme == "https" and bool(urlsplit(url).hostname)
    except ValueError:
        is_address = False
    if url and (not is_address or len(url) > LONGEST_URL or not url.isprintable() or set(url) & set(" \"'<>\\`")):
        raise ValueError(f"must be an address that starts with https://, of at most {LONGEST_URL} characters")
    return url or None


def read_unique_fields(names: Sequence[Any]) -> list[str]:
    """Which fields of two customers must differ, in one order."""
    unknown = [name for name in names if name not in UNIQUE]
    if unknown:
        raise ValueError(f"must be of {', '.join(UNIQUE)}, not {str(unknown[0])[:50]!r}")
    return [name for name in UNIQUE if name in names]


Readers = Mapping[str, Callable[[Any], Any]]


def readers(read_country: Callable[[str], str]) -> Readers:
    """How each setting is read; `read_country` knows which countries there are."""
    return {
        "name": read_name,
        "timezone": read_time_zone,
        "locale": read_locale,
        "country": read_country,
        "logo_url": read_logo_url,
        "unique_fields": read_unique_fields,
    }


def read_settings(given: Mapping[str, Any], how: Readers) -> dict[str, Any]:
    """The settings that are given, read. Raises `Invalid` with every fault."""
    read: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    for name, value in given.items():
        try:
            read[name] = how[name](value)
        except ValueError as error:
            faults[name] = [f"The {name} {error}."]
    if faults:
        raise Invalid(faults)
    return read
