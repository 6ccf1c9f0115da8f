"""Full names, split into a first and a last name."""

import re
from typing import NamedTuple

PARTICLES = frozenset(
    "van von der den de da di del della dela dello degli la le lo bin ibn bint el al ten ter zu zum zur vom dos das du"
    " des st".split()
)
SUFFIXES = frozenset("jr sr ii iii iv".split())
TITLES = (
    r"prof|professor|doç|doc|dr|med|dent|öğr|gör|yrd|uzm|op|ord|av|dt|dyt|fzt|psk|ecz|müh|mag|ing|dipl\.?-ing"
    r"|bay|bayan|sn|sayın|sayin|hr|fr|herr|herrn|frau|mr|mrs|ms|miss|sir|mme|mlle|monsieur|madame|mademoiselle"
)
LEADING_TITLES = re.compile(rf"(?:(?:{TITLES})(?:\.\s*|\s+))+(?=\w)", re.IGNORECASE)
LEADING_MONSIEUR = re.compile(r"M\.\s*(?=\w)")
ONLY_TITLES = re.compile(rf"(?:(?:{TITLES}|md|phd|mba|msc)\.?\s*)+", re.IGNORECASE)
TRAILING_TITLE = re.compile(r"(?<=\w)\s+(?:bey|hanım|hanim)\Z", re.IGNORECASE)
WORDS_OF_TITLES = frozenset(re.findall(r"\w+", TITLES.replace("ı", "i"))) | {"bey", "hanim", "md", "phd", "mba", "msc"}
COUNTRIES_WITH_FRENCH = frozenset("FR BE CH LU MC".split())


class SplitName(NamedTuple):
    """The parts of a full name. A name of one word has no last name."""

    first: str
    last: str


def split_name(text: str, country: str) -> SplitName:
    """Return the first and the last name of a full name, without titles.

    The last name is the last word with particles such as "van" before it, or what is before a comma. In a country where
    French is spoken, it may be the first words in capitals (DUPONT Jean), and "M." is Monsieur; elsewhere it is an
    initial, in Türkiye of Mehmet or Mustafa.
    """
    if _is_plain(text):
        words, start = text.split(), 0
    else:
        words, start = _words(text, country)
    if not start and country in COUNTRIES_WITH_FRENCH:
        start = _count_capitals(words)
    return _reversed(words, start) if start else _split_at(words, _start_of_last_name(words))


def split_reversed_name(text: str, country: str) -> SplitName:
    """Return the first and the last name of a full name that starts with the last name, without titles."""
    words, start = _words(text, country)
    return _reversed(words, start or _count_capitals(words) or _end_of_last_name(words))


def _is_plain(text: str) -> bool:
    """Tell whether a name has only words that are no titles. Most names do, and this is the fastest way to tell."""
    if "." in text or "," in text:
        return False
    # I, İ and ı are the same letter to regular expressions that ignore case.
    return WORDS_OF_TITLES.isdisjoint(text.lower().replace("i̇", "i").replace("ı", "i").split())


def _words(text: str, country: str) -> tuple[list[str], int]:
    """Return the words of a name without titles, and how many of them are before a comma, 0 if there is none."""
    parts = [_without_titles(part.strip(), country) for part in text.split(",")]
    parts = [part for part in parts if part and not ONLY_TITLES.fullmatch(part)] or [text.replace(",", " ")]
    return " ".join(parts).split(), len(parts[0].split()) if len(parts) > 1 else 0


def _reversed(words: list[str], start: int) -> SplitName:
    """Return the parts of a name whose first name starts at a word. A single word is a first name."""
    return (
        SplitName(" ".join(words[start:]), " ".join(words[:start])) if start < len(words) else _split_at(words, start)
    )


def _split_at(words: list[str], start: int) -> SplitName:
    return SplitName(" ".join(words[:start]), " ".join(words[start:]))


def _without_titles(text: str, country: str) -> str:
    found = LEADING_TITLES.match(text)
    rest = text[found.end() :] if found else text
    if country in COUNTRIES_WITH_FRENCH:
        rest = LEADING_MONSIEUR.sub("", rest, count=1) if rest.startswith("M.") else rest
    return TRAILING_TITLE.sub("", rest)


def _count_capitals(words: list[str]) -> int:
    """Return the number of words in capitals with which a name starts, 0 if there are no other words."""
    count = next((at for at, word in enumerate(words) if not word.isupper() or "." in word), 0)
    is_last_name = any(len(word) > 2 for word in words[:count]) and not any(map(str.isupper, words[count:]))
    return count if is_last_name else 0


def _start_of_last_name(words: list[str]) -> int:
    if len(words) < 3:
        return 1
    # A note after the name, such as (Komşu), stays with the last name.
    start = next((at for at, word in enumerate(words) if at > 1 and word[0] in "([-/"), len(words)) - 1
    if start > 1 and _plain(words[start]) in SUFFIXES:
        start -= 1
    while start > 1 and _plain(words[start - 1]) in PARTICLES:
        start -= 1
    return max(start, 1)


def _end_of_last_name(words: list[str]) -> int:
    """Return the number of words of a last name with which a name starts: particles, and a word."""
    particles = next(
        (at for at, word in enumerate(words[:-2]) if _plain(word) not in PARTICLES), max(len(words) - 2, 0)
    )
    return particles + 1


def _plain(word: str) -> str:
    return word.rstrip(".").lower()
