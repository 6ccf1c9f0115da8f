"""Text search in the customer list: chooses an index for each word, and builds the conditions of the statement."""

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, cast, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, array

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import SEARCH_ROWS_PER_TENANT, customers, customers_search, customers_search_trigrams
from regulars.text import search_words

TRIGRAM = 3
RUN = 6
"""Length of an entry in PostgreSQL's index of runs: digits in a row, or letters before an @. Few customers share an
entry, even in a large tenant."""
PROBE_LENGTH = 6
"""Maximum number of letters of a word that are looked up in the index. The whole word is compared afterwards."""
DIGIT_RUN = re.compile(r"[0-9]+")
LAST_CHARACTER = "\U0010ffff"
TRIGRAMS_PER_QUERY = 16
MAX_TRIGRAMS = 200


class TextIndex(IntEnum):
    """The index that finds the candidates for a word."""

    NONE = 0
    LETTERS = 1
    """Words of one or two letters."""
    TRIGRAMS = 3
    RUNS = 6


Words = tuple[tuple[TextIndex, ...], ...]
"""For each word of a search, the index for each of its one or two forms."""
Trigrams = Mapping[str, Sequence[str]]
"""The trigrams that start with a word of one or two letters, by word."""


def words_of(search: str) -> list[tuple[str, str]]:
    """Return the folded words of `search`, each as it is and, if it may be part of a phone number, as digits."""
    return search_words(search) if search else []


def plan_search(dialect: str, words: Sequence[tuple[str, str]], trigrams: Trigrams) -> Words:
    """Return the index for each form of each word. Searches with the same result have the same SQL."""
    choose_index = _choose_postgresql_index if dialect == "postgresql" else _choose_sqlite_index
    return tuple(tuple(choose_index(form, trigrams) for form in dict.fromkeys(forms)) for forms in words)


def _choose_postgresql_index(form: str, trigrams: Trigrams) -> TextIndex:
    if _runs(form):
        return TextIndex.RUNS
    if len(form) >= TRIGRAM:
        return TextIndex.TRIGRAMS
    # The index of letters has no entries for single ASCII letters and digits, which nearly every search text contains.
    is_in_most_texts = len(form) == 1 and form.isascii() and form.isalnum()
    return TextIndex.NONE if is_in_most_texts else TextIndex.LETTERS


def _choose_sqlite_index(form: str, trigrams: Trigrams) -> TextIndex:
    if len(form) >= TRIGRAM:
        return TextIndex.TRIGRAMS
    return TextIndex.LETTERS if form in trigrams else TextIndex.NONE


FIND_TRIGRAMS = Statement(
    select(customers_search_trigrams)
    .where(customers_search_trigrams.c.term > bindparam("after"), customers_search_trigrams.c.term < bindparam("end"))
    .order_by(customers_search_trigrams.c.term)
    .limit(literal_column(str(TRIGRAMS_PER_QUERY)))
)


def rare_trigrams(database: Database, words: Sequence[tuple[str, str]], limit: int) -> Trigrams:
    """Return the trigrams in SQLite's index that start with each word of one or two letters.

    A word is left out if its trigrams occur in more than about `limit` customers of all tenants, or if it has too many.
    """
    short = [form for forms in words for form in dict.fromkeys(forms) if 0 < len(form) < TRIGRAM]
    found = {form: _trigrams_from(database, form, limit) for form in short}
    return {form: trigrams for form, trigrams in found.items() if trigrams is not None}


def _trigrams_from(database: Database, form: str, limit: int) -> list[str] | None:
    found: list[str] = []
    after = form
    while True:
        some = database.fetch_all(FIND_TRIGRAMS, {"after": after, "end": form + LAST_CHARACTER})
        found += [trigram for trigram, _ in some]
        limit -= sum(customer_count for _, customer_count in some)
        if limit < 0 or len(found) > MAX_TRIGRAMS:
            return None
        if len(some) < TRIGRAMS_PER_QUERY:
            return found
        after = found[-1]


def has_impossible_word(words: Sequence[tuple[str, str]], trigrams: Trigrams) -> bool:
    """Tell whether no customer can match, because no trigram starts with one of the words."""
    return any(all(trigrams.get(form) == [] for form in forms) for forms in words)


def search_values(dialect: str, tenant_id: int, words: Sequence[tuple[str, str]], trigrams: Trigrams) -> dict[str, Any]:
    """Return the values of the parameters of `filter_by_text`."""
    values: dict[str, Any] = {}
    for number, (word, digits) in enumerate(words):
        values[f"word_{number}"] = word
        values[f"digits_{number}"] = digits
        if dialect == "postgresql":
            for form, text_of_form in (("word", word), ("digits", digits)):
                values[f"like_{form}_{number}"] = f"%{_escape_like(_selective_part(text_of_form))}%"
                first, last = _runs(text_of_form) or ("", "")
                values[f"first_{form}_{number}"], values[f"last_{form}_{number}"] = first, last
    if words and dialect == "sqlite":
        values["match"] = _match(words, trigrams)
        values["rows_after"] = tenant_id * SEARCH_ROWS_PER_TENANT
        values["rows_before"] = (tenant_id + 1) * SEARCH_ROWS_PER_TENANT
    return values


def filter_without_index(dialect: str, query: Select[Any], words: Words) -> Select[Any]:
    """Return `query` with the condition that the search text contains every word. No index is used."""
    for number, forms in enumerate(words):
        query = query.where(_contains(dialect, number, (TextIndex.NONE,) * len(forms)))
    return query


def filter_by_text(dialect: str, query: Select[Any], words: Words) -> Select[Any]:
    """Return `query` with the conditions of `filter_without_index`, but let the indexes in `words` find the
    candidates."""
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


def _selective_part(word: str) -> str:
    """Return the most selective part of a word: its end or, for an e-mail address, the end of the local part.

    Each trigram costs a lookup, and the trigrams of a domain name match most customers.
    """
    local_part = word.partition("@")[0]
    return (local_part if len(local_part) >= TRIGRAM else word)[-PROBE_LENGTH:]


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _match(words: Sequence[tuple[str, str]], trigrams: Trigrams) -> str:
    """Return the search as an FTS5 query: all trigrams of each long word, and any of the trigrams of each short word.

    Words that no index can find are left out.
    """
    wanted = []
    for forms in words:
        if all(_choose_sqlite_index(form, trigrams) for form in forms):
            found = filter(None, (_trigram_query(form, trigrams) for form in dict.fromkeys(forms)))
            wanted.append(f"({' OR '.join(found)})")
    return " AND ".join(wanted)


def _trigram_query(form: str, trigrams: Trigrams) -> str:
    if len(form) >= TRIGRAM:
        return f"({' AND '.join(map(_quote_fts, _trigrams(_selective_part(form))))})"
    return " OR ".join(map(_quote_fts, trigrams[form]))


def _trigrams(word: str) -> list[str]:
    return list(dict.fromkeys(word[start : start + TRIGRAM] for start in range(len(word) - TRIGRAM + 1)))


def _quote_fts(trigram: str) -> str:
    return '"' + trigram.replace('"', '""') + '"'


def _runs(form: str) -> tuple[str, str] | None:
    """Return two entries for a form in the index of runs, or None if it is too short.

    For digits, they are the first six and the last six. For an e-mail address, both are the end of its local part with
    the @.
    """
    digits = max((run.lstrip("0") for run in DIGIT_RUN.findall(form)), key=len, default="")
    if len(digits) >= RUN:
        return digits[:RUN], digits[-RUN:]
    local_part, at, _ = form.partition("@")
    before = local_part[-RUN:] + at
    return (before, before) if at and len(local_part) >= RUN else None


def _contains(dialect: str, number: int, forms: tuple[TextIndex, ...]) -> ColumnElement[bool]:
    """Return the condition that the search text contains a word in one of its forms."""
    named = zip((f"word_{number}", f"digits_{number}"), forms, strict=False)
    if dialect == "sqlite":
        return or_(*(_contains_sqlite(form) for form, _index in named))
    return or_(*(POSTGRESQL_CONDITIONS[index](form) for form, index in named))


def _contains_sqlite(form: str) -> ColumnElement[bool]:
    return func.instr(customers.c.search_text, bindparam(form)) > literal_column("0")


def _contains_postgresql(form: str) -> ColumnElement[bool]:
    return func.strpos(customers.c.search_text, bindparam(form)) > literal_column("0")


def _matches_trigrams(form: str) -> ColumnElement[bool]:
    return and_(customers.c.search_text.like(bindparam(f"like_{form}"), escape="\\"), _contains_postgresql(form))


def _matches_runs(form: str) -> ColumnElement[bool]:
    return and_(_has("search_runs", f"first_{form}", f"last_{form}"), _contains_postgresql(form))


def _matches_letters(form: str) -> ColumnElement[bool]:
    return and_(_has("search_letters", form), _contains_postgresql(form))


def _has(function: str, *letters: str) -> ColumnElement[bool]:
    keys: ColumnElement[Sequence[int]] = getattr(func, function)(
        customers.c.tenant_id, customers.c.search_text, type_=ARRAY(BigInteger)
    )
    return keys.contains(array(map(_index_entry, letters)))


def _index_entry(letters: str) -> ColumnElement[int]:
    """Return the expression for the number that stands for letters of the tenant in the indexes of runs and letters."""
    number = func.hashtext(bindparam(letters), type_=BigInteger).op("&")(literal_column("4294967295", BigInteger))
    return cast(bindparam("tenant_id"), BigInteger) * literal_column("4294967296", BigInteger) + number


POSTGRESQL_CONDITIONS = {
    TextIndex.NONE: _contains_postgresql,
    TextIndex.LETTERS: _matches_letters,
    TextIndex.TRIGRAMS: _matches_trigrams,
    TextIndex.RUNS: _matches_runs,
}
