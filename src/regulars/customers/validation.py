"""Readers of a customer's fields.

A reader takes trimmed text that is not empty and a `ReadContext`, and returns the value as it is stored. It raises
ValueError with a rule to append to the field's name, such as "must be a date such as 1990-05-01". The length of the
text has been checked before (`fields.CustomerField.read_text`).
"""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

from regulars.customers.phone_numbers import read_phone_number
from regulars.i18n import _
from regulars.validation import CONTROL_CHARACTERS, quote, read_https_url

Gender = Literal["male", "female", "other"]
GENDERS: tuple[str, ...] = get_args(Gender)
EARLIEST = date(1900, 1, 1)
MAX_CUSTOMER_ID = 2**40 - 1
MAX_ADVANCING_ID = MAX_CUSTOMER_ID // 2
"""New customers get ids above the highest used id, not counting ids above this limit. Otherwise an imported customer
with the highest possible id would leave no ids for new customers."""
MAX_EMAIL_LENGTH = 255

CONTROL_CHARACTERS_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
LINE_END = re.compile(r"\r\n?")
WHOLE_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?", re.ASCII)
PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9_+\-]+(\.[A-Za-z0-9_+\-]+)*", re.ASCII)
MAX_LOCAL_PART_LENGTH = 64
MAX_PLAIN_EMAIL_LENGTH = 200
TURKISH_IDENTITY_NUMBER = re.compile(r"[1-9][0-9]{10}", re.ASCII)


class ReadContext(NamedTuple):
    """The country (ISO 3166-1 alpha-2) and the current date of a tenant, for reading phone numbers and dates."""

    region: str
    today: date


def read_line(text: str, context: ReadContext | None = None) -> str:
    """Return a single line of text."""
    if not text.isprintable() and CONTROL_CHARACTERS.search(text):
        raise ValueError(_("must not contain control characters"))
    return text


def read_lines(text: str, context: ReadContext | None = None) -> str:
    """Return text of one or more lines, with LF between them."""
    text = LINE_END.sub("\n", text)
    if not text.isprintable() and CONTROL_CHARACTERS_IN_LINES.search(text):
        raise ValueError(_("must not contain control characters"))
    return text


def read_phone(text: str, context: ReadContext) -> str:
    """Return a phone number as E.164."""
    return read_phone_number(text, context.region)


def read_email(text: str, context: ReadContext | None = None) -> str:
    """Return an e-mail address with its domain in lower case."""
    local_part, _at, domain = text.rpartition("@")
    # Checking a whole address takes 70 µs. If the local part is plain, check only the domain, which is often in the
    # cache. A test compares the two ways.
    if _is_plain_local_part(local_part) and domain.isascii() and len(text) <= MAX_PLAIN_EMAIL_LENGTH:
        return local_part + _check_email("a@" + domain, text)[1:]
    return _check_email(text, text)


def _is_plain_local_part(local_part: str) -> bool:
    """Tell whether this local part is valid in every domain, and is never normalised."""
    return (
        len(local_part) <= MAX_LOCAL_PART_LENGTH
        and PLAIN_LOCAL_PART.fullmatch(local_part) is not None
        and local_part.lower() not in CASE_INSENSITIVE_MAILBOX_NAMES
    )


def _check_email(address: str, text: str) -> str:
    normalised = _normalise_email(address)
    if normalised is None:
        raise ValueError(_("must be an e-mail address such as ayse@example.com, not {value}", value=quote(text)))
    if len(normalised) > MAX_EMAIL_LENGTH:
        raise ValueError(
            _("must have at most {limit} characters, not {count}", limit=MAX_EMAIL_LENGTH, count=len(normalised))
        )
    return normalised


@lru_cache(maxsize=20_000)
def _normalise_email(address: str) -> str | None:
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def read_date_of_birth(text: str, context: ReadContext) -> date:
    """Return a date between 1900 and today. A time after the date is checked, but ignored."""
    return _read_date(text, context.today)


@lru_cache(maxsize=50_000)
def _read_date(text: str, today: date) -> date:
    match = DATE.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day = date.fromisoformat(match[1])
        if match[1] != text:
            datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_("must be a date such as 1990-05-01, not {value}", value=quote(text))) from None
    return check_date_of_birth(day, today, text)


def check_date_of_birth(day: date, today: date, text: str) -> date:
    """Return the date. Raise ValueError, naming it as `text`, if it is not between 1900 and today."""
    if not EARLIEST <= day <= today:
        raise ValueError(_("must be a date from {first} to today, not {value}", first=EARLIEST, value=quote(text)))
    return day


def read_gender(text: str, context: ReadContext | None = None) -> str:
    """Return male, female or other, in lower case."""
    gender = text.lower()
    if gender not in GENDERS:
        raise ValueError(_("must be one of {options}, not {value}", options=", ".join(GENDERS), value=quote(text)))
    return gender


def read_url(text: str, context: ReadContext | None = None) -> str:
    """Return an https:// address."""
    return read_https_url(text)


def read_time(text: str, context: ReadContext | None = None) -> datetime:
    """Return a time with a time zone as UTC in whole seconds."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        moment = (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise ValueError(
            _("must be a time with a time zone, such as 2026-11-23T09:30:00Z, not {value}", value=quote(text))
        ) from None
    if moment.year < EARLIEST.year:
        raise ValueError(_("must be a time after {first}, not {value}", first=EARLIEST, value=quote(text)))
    return moment


def read_id(text: str, context: ReadContext | None = None) -> int:
    """Return the id of a customer."""
    number = int(text) if WHOLE_NUMBER.fullmatch(text) else 0
    if not 1 <= number <= MAX_CUSTOMER_ID:
        raise ValueError(
            _("must be a whole number from 1 to {limit}, not {value}", limit=MAX_CUSTOMER_ID, value=quote(text))
        )
    return number


def find_identity_number_fault(number: str) -> str | None:
    """Return a sentence that says why a Turkish identity number (T.C. Kimlik No) is invalid, or None if it is valid.

    A valid number has 11 digits; the last two are check digits.
    """
    if not TURKISH_IDENTITY_NUMBER.fullmatch(number):
        return "A Turkish identity number has 11 digits and does not start with 0."
    digits = [int(digit) for digit in number]
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    if digits[9] != tenth or digits[10] != sum(digits[:10]) % 10:
        return "The check digits of this Turkish identity number are wrong. Look for a mistyped digit."
    return None
