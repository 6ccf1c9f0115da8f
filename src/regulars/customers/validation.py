"""What a value of each customer field must be, and how it is read from text.

Every `read_` function takes trimmed text that is not empty and gives the value as it is stored; it raises ValueError
with the rest of a sentence that begins with the field's name ("must be …").
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES
from phonenumbers import PhoneMetadata, PhoneNumberFormat

from regulars.customers.write.storage import HIGHEST_ID
from regulars.validation import CONTROL_CHARACTERS, quote

Reader = Callable[[str], Any]

GENDERS = ("male", "female", "other")
EARLIEST = date(1900, 1, 1)
LONGEST_NUMBER = 20
LONGEST_EMAIL = 255

UNWANTED_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
NEW_LINES = re.compile(r"\r\n?")
WHOLE_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?", re.ASCII)
# Letters would be taken for an extension, which E.164 cannot keep, or for the keys of a telephone.
DIALLED = re.compile(r"[+＋]?[\d\s()./\-‐-―]+")
SEPARATORS = str.maketrans("", "", " -().")
PLAIN_NUMBER = re.compile(r"\+?[0-9]{6,17}", re.ASCII)
PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9_+\-]+(\.[A-Za-z0-9_+\-]+)*", re.ASCII)
LONGEST_LOCAL_PART = 64
MOST_PLAIN_EMAIL = 200


def read_text(text: str, at_most: int) -> str:
    """One line of at most so many characters."""
    if len(text) > at_most:
        raise ValueError(f"must have at most {at_most} characters, not {len(text)}")
    if not text.isprintable() and CONTROL_CHARACTERS.search(text):
        raise ValueError("must not contain control characters")
    return text


def read_lines(text: str, at_most: int) -> str:
    """Text of at most so many characters that may have more than one line."""
    text = NEW_LINES.sub("\n", text)
    if len(text) > at_most:
        raise ValueError(f"must have at most {at_most} characters, not {len(text)}")
    if not text.isprintable() and UNWANTED_IN_LINES.search(text):
        raise ValueError("must not contain control characters")
    return text


def read_phone_number(text: str, region: str) -> str:
    """A phone number as E.164; without an international prefix it is one of `region` (ISO 3166-1 alpha-2)."""
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"must have at most {LONGEST_NUMBER} characters, not {len(text)}")
    plain = text.translate(SEPARATORS)
    if PLAIN_NUMBER.fullmatch(plain):
        quick = _international(plain[1:]) if plain[0] == "+" else _national(plain, region)
        if quick is not None:
            return quick
    if not DIALLED.fullmatch(text):
        raise ValueError(f"must be a phone number such as +90 532 111 22 33, not {quote(text)}")
    return _parsed_number(text, region)


@lru_cache(maxsize=20_000)
def _parsed_number(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError(f"must be a phone number that exists, such as +90 532 111 22 33, not {quote(text)}")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


# `phonenumbers.parse` takes 40 µs, most of what a row of an import costs. The two functions below say the same for the
# numbers that need none of its guesses, and None for the others; a test compares them.


def _international(digits: str) -> str | None:
    """The number of which `digits` stand after a plus sign."""
    if digits[0] == "0":
        return None
    for length in (1, 2, 3):
        plan = _plan(digits[:length])
        if plan is not None:
            national = digits[length:]
            possible = len(national) in plan[1] and not (plan[2] and plan[2].match(national))
            return f"+{digits}" if possible else None
    return None


def _national(digits: str, region: str) -> str | None:
    """The number that `digits` mean when dialled in `region`, with or without its trunk prefix."""
    plan = _plan(region)
    if plan is None:
        return None
    calling_code, lengths, trunk, abroad, pattern = plan
    if digits.startswith(calling_code) or abroad.match(digits):
        return None
    prefix = trunk.match(digits) if trunk else None
    if prefix is not None:
        # One with a group in it is rewritten rather than taken off.
        if prefix.re.groups or not pattern.fullmatch(digits, prefix.end()):
            return None
        digits = digits[prefix.end() :]
    return f"+{calling_code}{digits}" if len(digits) in lengths and digits[0] != "0" else None


Plan = tuple[str, frozenset[int], re.Pattern[str] | None, re.Pattern[str], re.Pattern[str]]
"""Calling code, lengths of a national number, trunk prefix, prefix to dial abroad, a national number."""


@lru_cache(maxsize=2_000)
def _plan(code: str) -> Plan | None:
    """The numbering plan of a region (TR) or of a calling code (90); None where there is none of its own."""
    region = phonenumbers.region_code_for_country_code(int(code)) if code.isdigit() else code
    known = None if region in {"ZZ", "001"} else PhoneMetadata.metadata_for_region(region, None)
    if known is None or known.general_desc is None or known.general_desc.possible_length is None:
        return None
    return (
        str(known.country_code),
        frozenset(known.general_desc.possible_length),
        re.compile(known.national_prefix_for_parsing) if known.national_prefix_for_parsing else None,
        re.compile(known.international_prefix or "00"),
        re.compile(known.general_desc.national_number_pattern or ""),
    )


def read_email(text: str) -> str:
    """An e-mail address, with its domain in lower case."""
    local_part, _, domain = text.rpartition("@")
    # Checking a whole address takes 70 µs, and most addresses share their domain with others. A test compares.
    if _is_plain(local_part) and domain.isascii() and len(text) <= MOST_PLAIN_EMAIL:
        return local_part + _checked_email("a@" + domain, text)[1:]
    return _checked_email(text, text)


def _is_plain(local_part: str) -> bool:
    """Whether this part of an address is good whatever the domain is, and stays as it is written."""
    return (
        len(local_part) <= LONGEST_LOCAL_PART
        and PLAIN_LOCAL_PART.fullmatch(local_part) is not None
        and local_part.lower() not in CASE_INSENSITIVE_MAILBOX_NAMES
    )


def _checked_email(address: str, text: str) -> str:
    normalised = _normalised_email(address)
    if normalised is None:
        raise ValueError(f"must be an e-mail address such as ayse@example.com, not {quote(text)}")
    if len(normalised) > LONGEST_EMAIL:
        raise ValueError(f"must have at most {LONGEST_EMAIL} characters, not {len(normalised)}")
    return normalised


@lru_cache(maxsize=20_000)
def _normalised_email(address: str) -> str | None:
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


@lru_cache(maxsize=50_000)
def read_date_of_birth(text: str, today: date) -> date:
    """A day from 1900 until `today`; of a date with a time the day as it is written."""
    match = DAY.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day = date.fromisoformat(match[1])
        if match[1] != text:
            datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"must be a date such as 1990-05-01, not {quote(text)}") from None
    if not EARLIEST <= day <= today:
        raise ValueError(f"must be a day from {EARLIEST} until today, not {quote(text)}")
    return day


def read_gender(text: str) -> str:
    """male, female or other."""
    gender = text.lower()
    if gender not in GENDERS:
        raise ValueError(f"must be one of {', '.join(GENDERS)}, not {quote(text)}")
    return gender


def read_avatar_url(text: str) -> str:
    """An https:// address of at most 2048 characters."""
    read_text(text, 2048)
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and bool(parts.hostname) and len(text.split()) == 1
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"must be an address that starts with https://, not {quote(text)}")
    return text


def read_time(text: str) -> datetime:
    """A moment with its zone, in UTC and whole seconds."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        moment = moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise ValueError(f"must be a time with its zone, such as 2026-11-23T09:30:00Z, not {quote(text)}") from None
    if moment.year < EARLIEST.year:
        raise ValueError(f"must be a time after {EARLIEST}, not {quote(text)}")
    return moment


def read_id(text: str) -> int:
    """A customer's id."""
    number = int(text) if WHOLE_NUMBER.fullmatch(text) else 0
    if not 1 <= number <= HIGHEST_ID:
        raise ValueError(f"must be a whole number from 1 to {HIGHEST_ID}, not {quote(text)}")
    return number


def field_readers(region: str, today: date) -> Mapping[str, Reader]:
    """How each field that stands for itself is read, in a tenant of `region` where it is `today`."""
    return {
        "id": read_id,
        "first_name": partial(read_text, at_most=255),
        "last_name": partial(read_text, at_most=255),
        "phone_number": partial(read_phone_number, region=region),
        "phone_number_as_typed": partial(read_text, at_most=LONGEST_NUMBER),
        "email": read_email,
        "date_of_birth": partial(read_date_of_birth, today=today),
        "gender": read_gender,
        "identity_number": partial(read_text, at_most=64),
        "job": partial(read_text, at_most=255),
        "address": partial(read_lines, at_most=1000),
        "avatar_url": read_avatar_url,
        "created_at": read_time,
        "updated_at": read_time,
        "deleted_at": read_time,
    }
