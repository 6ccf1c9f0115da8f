"""The search of the list: from its words to what the indexes are asked, and to what is compared."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, func, literal_column, or_, text
from sqlalchemy.dialects.postgresql import ARRAY

from regulars.db.tables import SEARCH_ROWS_PER_TENANT, customers, customers_search
from regulars.folding import search_words

TRIGRAM = 3
DIGITS = 6
"""PostgreSQL has an index of so many digits in a row, too: few customers share them, in a tenant of any size."""
TELLING = 6
"""Of a word so many letters are looked up in the index; what they find is compared with the whole word anyway."""

Words = tuple[tuple[int, ...], ...]
"""For each word of a search, in each of its one or two forms: how many characters at once an index finds of it."""


def words_of(search: str) -> list[tuple[str, str]]:
    """The words of `search`, each in its two forms: as it is, and as digits where it may be part of a phone number."""
    return search_words(search) if search else []


def kinds_of(words: Sequence[tuple[str, str]]) -> Words:
    """All of `words` that makes a difference to the SQL."""
    return tuple(tuple(_found_at_once(form) for form in dict.fromkeys(forms)) for forms in words)


def _found_at_once(form: str) -> int:
    if form.isascii() and form.isdigit() and len(form.lstrip("0")) >= DIGITS:
        return DIGITS
    return TRIGRAM if len(form) >= TRIGRAM else 0


def values_of(dialect: str, tenant_id: int, words: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The values that `only_matching` takes."""
    values: dict[str, Any] = {}
    for number, (word, digits) in enumerate(words):
        values[f"word_{number}"] = word
        values[f"digits_{number}"] = digits
        if dialect == "postgresql":
            for form, text_of_form in (("word", word), ("digits", digits)):
                values[f"like_{form}_{number}"] = f"%{_escaped(_telling(text_of_form))}%"
                values[f"runs_{form}_{number}"] = _runs(tenant_id, text_of_form)
    if words and dialect == "sqlite":
        values["match"] = _match(words)
        values["rows_after"] = tenant_id * SEARCH_ROWS_PER_TENANT
        values["rows_before"] = (tenant_id + 1) * SEARCH_ROWS_PER_TENANT
    return values


def only_containing(dialect: str, query: Select[Any], words: Words) -> Select[Any]:
    """`query`, on customers, for those alone that every word occurs in; each is looked at, and no index asked."""
    for number, forms in enumerate(words):
        query = query.where(_contains(dialect, number, (0,) * len(forms)))
    return query


def only_matching(dialect: str, query: Select[Any], words: Words) -> Select[Any]:
    """The same; the index finds what is long enough for it."""
    for number, forms in enumerate(words):
        query = query.where(_contains(dialect, number, forms))
    if dialect == "sqlite" and any(map(all, words)):
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


def _runs(tenant_id: int, form: str) -> list[int]:
    """The first and the last digits of a form that is a number, as the index has them."""
    digits = form.lstrip("0")
    if _found_at_once(form) < DIGITS:
        return []
    return [tenant_id * 10**DIGITS + int(run) for run in dict.fromkeys((digits[:DIGITS], digits[-DIGITS:]))]


def _contains(dialect: str, number: int, forms: tuple[int, ...]) -> ColumnElement[bool]:
    """Whether the search text contains a word, in one of its forms; SQLite's index has found the trigrams already."""
    named = zip((f"word_{number}", f"digits_{number}"), forms, strict=False)
    return or_(*((_is_in_text if dialect == "sqlite" else FOUND[at_once])(form) for form, at_once in named))


def _is_in_text(form: str) -> ColumnElement[bool]:
    return func.instr(customers.c.search_text, bindparam(form)) > literal_column("0")


def _is_at_a_place(form: str) -> ColumnElement[bool]:
    return func.strpos(customers.c.search_text, bindparam(form)) > literal_column("0")


def _is_like(form: str) -> ColumnElement[bool]:
    return and_(customers.c.search_text.like(bindparam(f"like_{form}"), escape="\\"), _is_at_a_place(form))


def _has_digits(form: str) -> ColumnElement[bool]:
    runs = func.search_digits(customers.c.tenant_id, customers.c.search_text, type_=ARRAY(BigInteger))
    return and_(runs.contains(bindparam(f"runs_{form}", type_=ARRAY(BigInteger))), _is_at_a_place(form))


FOUND = {0: _is_at_a_place, TRIGRAM: _is_like, DIGITS: _has_digits}
