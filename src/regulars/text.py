"""What searching and sorting take two texts to be the same by.

One function for both databases, so that neither depends on a locale: `İ`, `I`, `ı` and `i` are one letter, `ß` is
`ss`, `Ş` is `s`, and combining marks go. (Unicode Standard, chapter 3.13 "Default Case Algorithms" and Annex 15.)
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers

# Letters that carry a stroke or are two in one, which Unicode does not take apart.
LETTERS = str.maketrans(
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
BETWEEN_FIELDS = "\n"
TIE = "\x01"
PHONE_LIKE = re.compile(r"[0-9+()./\-]*[0-9][0-9+()./\-]*")
NOT_DIGITS = re.compile(r"[^0-9]")


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """`text` without the differences that a searcher does not mean: letter case, accents, dots on an i."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text.casefold()).casefold()
    folded = unicodedata.normalize("NFKD", folded.translate(LETTERS))
    return unicodedata.normalize("NFC", "".join(map(_without_mark, folded)))


def _without_mark(letter: str) -> str:
    if letter < "\x80":
        return letter
    if unicodedata.category(letter)[0] == "M":
        return ""
    digit = unicodedata.decimal(letter, None)
    return letter if digit is None else str(digit)


def sort_key(text: str | None) -> str | None:
    """What a name is sorted by: folded first, then as it is written; None (empty) sorts last."""
    if text is None or not text.strip():
        return None
    return f"{fold(text)}{TIE}{text}"


def search_words(text: str) -> list[tuple[str, str]]:
    """The words of a search, folded, each once.

    Each is a pair of what may occur in a customer's text: the word itself, and its digits where it may be a part of a
    phone number written with signs; both are the same for all other words.
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
    """All of a customer that a search looks at, folded; no word of a search goes across a line."""
    parts = (first_name, last_name, email, identity_number)
    lines = [fold(part) for part in parts if part]
    if phone_number:
        lines += phone_forms(phone_number)
    return BETWEEN_FIELDS.join(" ".join(line.split()) for line in lines)


def phone_forms(phone_number: str) -> list[str]:
    """The digits of an E.164 number as people write them: with the international prefix, and as at home."""
    international = "00" + NOT_DIGITS.sub("", phone_number)
    national = national_digits(phone_number)
    return [international] if national in international else [international, national]


def national_digits(phone_number: str) -> str:
    """An E.164 number's digits as dialled within its country, with the trunk prefix where there is one."""
    digits = NOT_DIGITS.sub("", phone_number)
    for length in (1, 2, 3):
        prefix = _national_prefix(digits[:length])
        if prefix is not None:
            rest = digits[length:]
            return rest if rest.startswith(prefix) else prefix + rest
    return digits


@lru_cache(maxsize=2_000)
def _national_prefix(calling_code: str) -> str | None:
    """The trunk prefix of a country calling code ("0" for 90), "" where there is none, None for no such code."""
    if not calling_code or int(calling_code) not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        return None
    region = phonenumbers.region_code_for_country_code(int(calling_code))
    return phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""
