"""Fold text, to search and sort without regard to case and accents.

Text is folded here and not in the database, so that results do not depend on the database or its locale. `İ`, `I`, `ı`
and `i` become the same letter, `ß` becomes `ss`, `Ş` becomes `s`, and combining marks are removed (Unicode Standard,
section 3.13, "Default Case Algorithms", and Annex 15).
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers

# Letters that Unicode does not decompose, such as ligatures and letters with a stroke.
UNDECOMPOSED_LETTERS = str.maketrans(
    {
        "ı": "i",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ŧ": "t",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ŋ": "n",
        "ĸ": "k",
        "ə": "e",
    }
)
FIELD_SEPARATOR = "\n"
FOLDED_NAME_END = "\x01"
PHONE_LIKE = re.compile(r"[0-9+()./\-]*[0-9][0-9+()./\-]*")
NOT_DIGITS = re.compile(r"[^0-9]")


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Return `text` without the differences that a search ignores, such as case, accents and the dot of an i."""
    return fold_uncached(text)


def fold_uncached(text: str) -> str:
    """Return the same as `fold`, but without a cache: for passwords, which must not stay in memory."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text.casefold()).casefold()
    folded = unicodedata.normalize("NFKD", folded.translate(UNDECOMPOSED_LETTERS))
    return unicodedata.normalize("NFC", "".join(map(_fold_letter, folded)))


def _fold_letter(letter: str) -> str:
    if letter < "\x80":
        return letter
    if unicodedata.category(letter)[0] == "M":
        return ""
    digit = unicodedata.decimal(letter, None)
    return letter if digit is None else str(digit)


def sort_key(text: str | None) -> str | None:
    """Return the sort key of a name: the folded name, then the name as written.

    Return None for an empty name; lists put it last.
    """
    if text is None or not text.strip():
        return None
    return f"{fold(text)}{FOLDED_NAME_END}{text}"


def search_words(text: str) -> list[tuple[str, str]]:
    """Return the folded words of a search without repetitions, each as a pair of forms.

    A word is found if one of its forms occurs in the `search_text`. The first form is the word itself. If the word
    looks like part of a phone number, such as `(532)`, the second form has only its digits; otherwise both are equal.
    """
    words = dict.fromkeys(fold(text).split())
    return [(word, NOT_DIGITS.sub("", word) if PHONE_LIKE.fullmatch(word) else word) for word in words]


def search_text(
    first_name: str | None,
    last_name: str | None,
    phone_number: str | None,
    email: str | None,
    identity_number: str | None,
) -> str:
    """Return the text in which a search looks for its words: the folded fields and `phone_forms`, one per line."""
    parts = (first_name, last_name, email, identity_number)
    lines = [fold(part) for part in parts if part]
    if phone_number:
        lines += phone_forms(phone_number)
    return FIELD_SEPARATOR.join(" ".join(line.split()) for line in lines)


def phone_forms(phone_number: str) -> list[str]:
    """Return the digits of an E.164 number in two forms that people write: with the prefix 00, and national.

    The national form is left out if the first form contains it.
    """
    international = "00" + NOT_DIGITS.sub("", phone_number)
    national = national_digits(phone_number)
    return [international] if national in international else [international, national]


def national_digits(phone_number: str) -> str:
    """Return the digits of an E.164 number as dialled within its country, with the country's trunk prefix, if any.

    Return all digits if the calling code is unknown.
    """
    digits = NOT_DIGITS.sub("", phone_number)
    for length in (1, 2, 3):
        prefix = _national_prefix(digits[:length])
        if prefix is not None:
            national_number = digits[length:]
            return national_number if national_number.startswith(prefix) else prefix + national_number
    return digits


@lru_cache(maxsize=2_000)
def _national_prefix(calling_code: str) -> str | None:
    """Return the trunk prefix of a calling code: "0" for 90, "" if it has none, None if there is no such code."""
    if not calling_code or int(calling_code) not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        return None
    region = phonenumbers.region_code_for_country_code(int(calling_code))
    return phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""
