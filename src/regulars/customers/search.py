"""The search of the list: from its words to what the indexes are asked, and to what is compared."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal_column, or_, text

from regulars.db.tables import SEARCH_ROWS_PER_TENANT, customers, customers_search
from regulars.folding import search_words

TRIGRAM = 3
TELLING = 6
"""Of a word so many letters are looked up in the index; what they find is compared with the whole word anyway."""

Words = tuple[tuple[bool, bool], ...]
"""For each word of a search: whether the index can find it, and whether it has a second form."""


def words_of(search: str) -> list[tuple[str, str]]:
    """The words of `search`, each in its two forms: as it is, and as digits where it may be part of a phone number."""
    return search_words(search) if search else []


def kinds_of(words: Sequence[tuple[str, str]]) -> Words:
    """All of `words` that makes a difference to the SQL."""
    return tuple((min(len(word), len(digits)) >= TRIGRAM, word != digits) for word, digits in words)


def values_of(dialect: str, tenant_id: int, words: Sequence[tuple[str, str]]) -> dict[str, str | int]:
    """The values that `only_matching` takes."""
    values: dict[str, str | int] = {}
    for number, (word, digits) in enumerate(words):
        values[f"word_{number}"] = word
        values[f"digits_{number}"] = digits
        values[f"like_{number}"] = f"%{_escaped(_telling(word))}%"
        values[f"like_digits_{number}"] = f"%{_escaped(_telling(digits))}%"
    if words and dialect == "sqlite":
        values["match"] = _match(words)
        values["rows_after"] = tenant_id * SEARCH_ROWS_PER_TENANT
        values["rows_before"] = (tenant_id + 1) * SEARCH_ROWS_PER_TENANT
    return values


def only_matching(dialect: str, query: Select[tuple[int]], words: Words) -> Select[tuple[int]]:
    """`query`, on customers, for those alone that every word occurs in; the index finds what is long enough for it."""
    for number, (indexed, two_forms) in enumerate(words):
        query = query.where(_contains(dialect, number, indexed=indexed, two_forms=two_forms))
    if dialect == "sqlite" and any(indexed for indexed, _ in words):
        row = customers_search.c.rowid
        query = query.select_from(
            customers_search.join(customers, customers.c.id == row - bindparam("rows_after"))
        ).where(
            text("customers_search MATCH :match").bindparams(bindparam("match")),
            row > bindparam("rows_after"),
            row < bindparam("rows_before"),
        )
    return query


def _telling(word: str) -> str:
    """The part of a word by which an index finds few: its end, and of an e-mail address what stands before the @.

    Each trigram that is looked up costs a list to read, and most customers share those of a domain's name.
    """
    local_part = word.partition("@")[0]
    return (local_part if len(local_part) >= TRIGRAM else word)[-TELLING:]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _match(words: Sequence[tuple[str, str]]) -> str:
    """The search in FTS5's language: of every word that is long enough, its trigrams."""
    wanted = []
    for word, digits in words:
        if min(len(word), len(digits)) >= TRIGRAM:
            forms = [f"({' AND '.join(_trigrams(_telling(form)))})" for form in dict.fromkeys((word, digits))]
            wanted.append(f"({' OR '.join(forms)})")
    return " AND ".join(wanted)


def _trigrams(word: str) -> list[str]:
    every = dict.fromkeys(word[start : start + TRIGRAM] for start in range(len(word) - TRIGRAM + 1))
    return ['"' + trigram.replace('"', '""') + '"' for trigram in every]


def _contains(dialect: str, number: int, *, indexed: bool, two_forms: bool) -> ColumnElement[bool]:
    """Whether the search text contains a word. PostgreSQL's index serves LIKE, with the telling part of the word;
    SQLite's has found the trigrams already."""
    searched = customers.c.search_text
    found: list[ColumnElement[bool]] = []
    for form, like in (("word", "like"), ("digits", "like_digits"))[: 1 + two_forms]:
        position = func.instr if dialect == "sqlite" else func.strpos
        contains = position(searched, bindparam(f"{form}_{number}")) > literal_column("0")
        if indexed and dialect == "postgresql":
            contains = and_(searched.like(bindparam(f"{like}_{number}"), escape="\\"), contains)
        found.append(contains)
    return or_(*found)
