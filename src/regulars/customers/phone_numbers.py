"""Phone numbers, read in any common format and stored as E.164 (ITU-T)."""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat

from regulars.i18n import _
from regulars.validation import quote

# No letters: `phonenumbers` would read them as an extension, which E.164 cannot keep, or as keys of a telephone.
PHONE_NUMBER = re.compile(r"[+＋]?[\d\s()./\-‐-―]+")
SEPARATORS = str.maketrans("", "", " -().")
DIGITS = re.compile(r"\+?[0-9]{6,17}", re.ASCII)


class NumberingPlan(NamedTuple):
    """The rules for dialling the numbers of a country."""

    calling_code: str
    lengths: frozenset[int]
    """The allowed numbers of digits of a national number."""
    trunk_prefix: re.Pattern[str] | None
    international_prefix: re.Pattern[str]
    national_number: re.Pattern[str]


def read_phone_number(text: str, region: str) -> str:
    """Return a phone number as E.164. `region` (ISO 3166-1 alpha-2) is assumed for a number without a country code.

    Raise ValueError if the number is invalid. The message completes a sentence that starts with the name of the field.
    """
    digits = text.translate(SEPARATORS)
    if DIGITS.fullmatch(digits):
        number = _read_international(digits[1:]) if digits[0] == "+" else _read_national(digits, region)
        if number is not None:
            return number
    if not PHONE_NUMBER.fullmatch(text):
        raise ValueError(_("must be a phone number such as +90 532 111 22 33, not {value}", value=quote(text)))
    return _parse(text, region)


@lru_cache(maxsize=20_000)
def _parse(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError(
            _("must be an existing phone number, such as +90 532 111 22 33, not {value}", value=quote(text))
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


# `phonenumbers.parse` takes 40 µs, most of the cost of a row of an import. The next two functions give the same result
# for numbers in a plain form, and None for all others. A test compares them with `phonenumbers.parse`.


def _read_international(digits: str) -> str | None:
    if digits[0] == "0":
        return None
    for length in (1, 2, 3):
        plan = _numbering_plan(digits[:length])
        if plan is not None:
            national = digits[length:]
            has_trunk_prefix = plan.trunk_prefix and plan.trunk_prefix.match(national)
            return f"+{digits}" if len(national) in plan.lengths and not has_trunk_prefix else None
    return None


def _read_national(digits: str, region: str) -> str | None:
    plan = _numbering_plan(region)
    if plan is None or digits.startswith(plan.calling_code) or plan.international_prefix.match(digits):
        return None
    prefix = plan.trunk_prefix.match(digits) if plan.trunk_prefix else None
    if prefix is not None:
        # If the pattern of the prefix has a group, `phonenumbers` may replace the prefix instead of removing it.
        if prefix.re.groups or not plan.national_number.fullmatch(digits, prefix.end()):
            return None
        digits = digits[prefix.end() :]
    return f"+{plan.calling_code}{digits}" if len(digits) in plan.lengths and digits[0] != "0" else None


@lru_cache(maxsize=2_000)
def _numbering_plan(code: str) -> NumberingPlan | None:
    """Return the numbering plan of a region ("TR") or of a calling code ("90"), or None if there is no plan for it."""
    region = phonenumbers.region_code_for_country_code(int(code)) if code.isdigit() else code
    metadata = None if region in {"ZZ", "001"} else PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.general_desc is None or metadata.general_desc.possible_length is None:
        return None
    return NumberingPlan(
        str(metadata.country_code),
        frozenset(metadata.general_desc.possible_length),
        re.compile(metadata.national_prefix_for_parsing) if metadata.national_prefix_for_parsing else None,
        re.compile(metadata.international_prefix or "00"),
        re.compile(metadata.general_desc.national_number_pattern or ""),
    )
