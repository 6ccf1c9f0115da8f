"""The search of the customer list: choosing an index for each word, and the conditions and values for it.

A customer matches if its `search_text` contains every word, in one of the word's forms (`regulars.text.search_words`).
An index finds candidates by parts of a word, and then the whole word is compared with the text.

SQLite has an FTS5 index of trigrams. It finds words of three letters or more. Words of one or two letters are found by
the trigrams that begin with them, if these are rare. PostgreSQL has three indexes: of trigrams, of words' parts of one
or two letters (`search_letters`), and of runs (`search_runs`): six digits in a row or six letters before an @.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, cast, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, array

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import SEARCH_ROWS_PER_TENANT, customers, customers_search, customers_search_trigrams


class Index(Enum):
    """The index that finds a form of a word."""

    NONE = auto()
    LETTERS = auto()
    TRIGRAMS = auto()
    RUNS = auto()


TRIGRAM_LENGTH = 3
RUN_LENGTH = 6
"""Few customers have the same run, however large the tenant is."""
MAX_INDEXED_LETTERS = 6
"""The number of letters of a word that are looked up by trigrams. Fewer lists of the index are read this way."""
DIGIT_RUN = re.compile(r"[0-9]+")
LAST_CHARACTER = "\U0010ffff"
TRIGRAM_BATCH_SIZE = 16
MAX_TRIGRAMS = 200

Word = tuple[str, str]
SearchPlan = tuple[tuple[Index, ...], ...]
"""For each word of a search: the index for each of its one or two different forms."""
Trigrams = Mapping[str, Sequence[str]]
"""For forms of one or two letters: all trigrams in the index that begin with them."""


def plan_search(dialect: str, words: Sequence[Word], trigrams: Trigrams) -> SearchPlan:
    """Choose the indexes for the words of a search. `trigrams` are those that SQLite can use for short words."""
    choose_index = _postgresql_index if dialect == "postgresql" else _sqlite_index
    return tuple(tuple(choose_index(form, trigrams) for form in dict.fromkeys(forms)) for forms in words)


def has_indexed_word(plan: SearchPlan) -> bool:
    """Return whether an index finds at least one of the words in all of its forms."""
    return any(Index.NONE not in indexes for indexes in plan)


def _postgresql_index(form: str, trigrams: Trigrams) -> Index:
    if _runs(form):
        return Index.RUNS
    if len(form) >= TRIGRAM_LENGTH:
        return Index.TRIGRAMS
    # Nearly every text contains a given letter or digit.
    is_common = len(form) == 1 and form.isascii() and form.isalnum()
    return Index.NONE if is_common else Index.LETTERS


def _sqlite_index(form: str, trigrams: Trigrams) -> Index:
    if len(form) >= TRIGRAM_LENGTH:
        return Index.TRIGRAMS
    return Index.LETTERS if form in trigrams else Index.NONE


LIST_TRIGRAMS = Statement(
    select(customers_search_trigrams)
    .where(customers_search_trigrams.c.term > bindparam("after"), customers_search_trigrams.c.term < bindparam("end"))
    .order_by(customers_search_trigrams.c.term)
    .limit(literal_column(str(TRIGRAM_BATCH_SIZE)))
)


def find_rare_trigrams(database: Database, words: Sequence[Word], limit: int) -> Trigrams:
    """Return the trigrams by which SQLite's index finds words of one or two letters, without those words that match
    more than about `limit` customers of all tenants."""
    forms = [form for word in words for form in dict.fromkeys(word) if 0 < len(form) < TRIGRAM_LENGTH]
    trigrams = {form: _trigrams_with_prefix(database, form, limit) for form in forms}
    return {form: found for form, found in trigrams.items() if found is not None}


def _trigrams_with_prefix(database: Database, prefix: str, limit: int) -> list[str] | None:
    trigrams: list[str] = []
    after = prefix
    while True:
        batch = database.fetch_all(LIST_TRIGRAMS, {"after": after, "end": prefix + LAST_CHARACTER})
        trigrams += [trigram for trigram, _ in batch]
        limit -= sum(customer_count for _, customer_count in batch)
        if limit < 0 or len(trigrams) > MAX_TRIGRAMS:
            return None
        if len(batch) < TRIGRAM_BATCH_SIZE:
            return trigrams
        after = trigrams[-1]


def is_without_match(words: Sequence[Word], trigrams: Trigrams) -> bool:
    """Return whether no customer matches, because the index has no trigram that begins with one of the words."""
    return any(all(trigrams.get(form) == [] for form in forms) for forms in words)


def search_values(dialect: str, tenant_id: int, words: Sequence[Word], trigrams: Trigrams) -> dict[str, Any]:
    """Return the values of the parameters in the conditions of `filter_by_index`."""
    values: dict[str, Any] = {}
    for number, (word, digits) in enumerate(words):
        values[f"word_{number}"] = word
        values[f"digits_{number}"] = digits
        if dialect == "postgresql":
            for name, form in (("word", word), ("digits", digits)):
                values[f"like_{name}_{number}"] = f"%{_escape_like(_indexed_part(form))}%"
                first, last = _runs(form) or ("", "")
                values[f"first_{name}_{number}"], values[f"last_{name}_{number}"] = first, last
    if words and dialect == "sqlite":
        values["match"] = _fts5_query(words, trigrams)
        values["rows_after"] = tenant_id * SEARCH_ROWS_PER_TENANT
        values["rows_before"] = (tenant_id + 1) * SEARCH_ROWS_PER_TENANT
    return values


def filter_by_text(dialect: str, query: Select[Any], plan: SearchPlan) -> Select[Any]:
    """Return `query`, on customers, limited to those that contain every word. No index is used."""
    for number, indexes in enumerate(plan):
        query = query.where(_contains_word(dialect, number, (Index.NONE,) * len(indexes)))
    return query


def filter_by_index(dialect: str, query: Select[Any], plan: SearchPlan) -> Select[Any]:
    """Return `query`, on customers, limited to those that contain every word. The indexes of `plan` find them."""
    for number, indexes in enumerate(plan):
        query = query.where(_contains_word(dialect, number, indexes))
    if dialect == "sqlite" and has_indexed_word(plan):
        row = customers_search.c.rowid
        query = query.select_from(
            customers_search.join(customers, customers.c.id == row - bindparam("rows_after"))
        ).where(
            text("customers_search MATCH :match").bindparams(bindparam("match")),
            row > bindparam("rows_after"),
            row < bindparam("rows_before"),
        )
    return query


def _indexed_part(form: str) -> str:
    """The part of a word that is looked up by trigrams: its end. Of an e-mail address, it is the end of the part before
    the @, because most customers have the trigrams of a common domain."""
    local_part = form.partition("@")[0]
    return (local_part if len(local_part) >= TRIGRAM_LENGTH else form)[-MAX_INDEXED_LETTERS:]


def _escape_like(form: str) -> str:
    return form.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _fts5_query(words: Sequence[Word], trigrams: Trigrams) -> str:
    """The query for FTS5: all trigrams of a long form, any of the trigrams of a short one."""
    conditions = []
    for forms in words:
        if all(_sqlite_index(form, trigrams) is not Index.NONE for form in forms):
            alternatives = filter(None, (_fts5_condition(form, trigrams) for form in dict.fromkeys(forms)))
            conditions.append(f"({' OR '.join(alternatives)})")
    return " AND ".join(conditions)


def _fts5_condition(form: str, trigrams: Trigrams) -> str:
    if len(form) >= TRIGRAM_LENGTH:
        return f"({' AND '.join(map(_fts5_string, _trigrams(_indexed_part(form))))})"
    return " OR ".join(map(_fts5_string, trigrams[form]))


def _trigrams(form: str) -> list[str]:
    starts = range(len(form) - TRIGRAM_LENGTH + 1)
    return list(dict.fromkeys(form[start : start + TRIGRAM_LENGTH] for start in starts))


def _fts5_string(trigram: str) -> str:
    return '"' + trigram.replace('"', '""') + '"'


def _runs(form: str) -> tuple[str, str] | None:
    """The runs of a form that the index has: the first and last six of its digits in a row, or twice the six letters
    before its @. None if it has no run."""
    digits = max((run.lstrip("0") for run in DIGIT_RUN.findall(form)), key=len, default="")
    if len(digits) >= RUN_LENGTH:
        return digits[:RUN_LENGTH], digits[-RUN_LENGTH:]
    local_part, at, _ = form.partition("@")
    run = local_part[-RUN_LENGTH:] + at
    return (run, run) if at and len(local_part) >= RUN_LENGTH else None


def _contains_word(dialect: str, number: int, indexes: tuple[Index, ...]) -> ColumnElement[bool]:
    """The condition that the search text contains the word, in one of its forms. On SQLite it uses no index: the FTS5
    query does."""
    forms = zip((f"word_{number}", f"digits_{number}"), indexes, strict=False)
    if dialect == "sqlite":
        return or_(*(_contains_on_sqlite(form) for form, _ in forms))
    return or_(*(POSTGRESQL_CONDITIONS[index](form) for form, index in forms))


def _contains_on_sqlite(form: str) -> ColumnElement[bool]:
    return func.instr(customers.c.search_text, bindparam(form)) > literal_column("0")


def _contains(form: str) -> ColumnElement[bool]:
    return func.strpos(customers.c.search_text, bindparam(form)) > literal_column("0")


def _contains_by_trigrams(form: str) -> ColumnElement[bool]:
    return and_(customers.c.search_text.like(bindparam(f"like_{form}"), escape="\\"), _contains(form))


def _contains_by_runs(form: str) -> ColumnElement[bool]:
    return and_(_has_index_keys("search_runs", f"first_{form}", f"last_{form}"), _contains(form))


def _contains_by_letters(form: str) -> ColumnElement[bool]:
    return and_(_has_index_keys("search_letters", form), _contains(form))


def _has_index_keys(function: str, *parameters: str) -> ColumnElement[bool]:
    keys: ColumnElement[Sequence[int]] = getattr(func, function)(
        customers.c.tenant_id, customers.c.search_text, type_=ARRAY(BigInteger)
    )
    return keys.contains(array(map(_index_key, parameters)))


def _index_key(parameter: str) -> ColumnElement[int]:
    """The key of a text in the indexes of letters and runs: the tenant and a hash of the text."""
    text_hash = func.hashtext(bindparam(parameter), type_=BigInteger).op("&")(literal_column("4294967295", BigInteger))
    return cast(bindparam("tenant_id"), BigInteger) * literal_column("4294967296", BigInteger) + text_hash


POSTGRESQL_CONDITIONS: Mapping[Index, Callable[[str], ColumnElement[bool]]] = {
    Index.NONE: _contains,
    Index.LETTERS: _contains_by_letters,
    Index.TRIGRAMS: _contains_by_trigrams,
    Index.RUNS: _contains_by_runs,
}
