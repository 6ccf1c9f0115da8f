"""The search of the list: from its words to what the indexes are asked, and to what is compared."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, cast, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, array

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import SEARCH_ROWS_PER_TENANT, customers, customers_search, customers_search_trigrams
from regulars.text import search_words

LETTERS = 1
"""Words of one or two letters are found as they are."""
TRIGRAM = 3
RUN = 6
"""PostgreSQL has an index of so many digits in a row, and letters before an @, too: few customers share them, in a
tenant of any size."""
TELLING = 6
"""Of a word so many letters are looked up in the index; what they find is compared with the whole word anyway."""
DIGITS_IN_A_ROW = re.compile(r"[0-9]+")
HIGHEST = "\U0010ffff"
AT_A_TIME = 16
MOST_TRIGRAMS = 200

Words = tuple[tuple[int, ...], ...]
"""For each word of a search, in each of its one or two forms: how many characters at once an index finds of it."""
Trigrams = Mapping[str, Sequence[str]]
"""For words of one or two letters: all the trigrams that begin with them."""


def words_of(search: str) -> list[tuple[str, str]]:
    """The words of `search`, each in its two forms: as it is, and as digits where it may be part of a phone number."""
    return search_words(search) if search else []


def kinds_of(dialect: str, words: Sequence[tuple[str, str]], trigrams: Trigrams) -> Words:
    """All of `words` that makes a difference to the SQL."""
    found_at_once = _found_by_postgresql if dialect == "postgresql" else _found_by_sqlite
    return tuple(tuple(found_at_once(form, trigrams) for form in dict.fromkeys(forms)) for forms in words)


def _found_by_postgresql(form: str, trigrams: Trigrams) -> int:
    if _runs(form):
        return RUN
    if len(form) >= TRIGRAM:
        return TRIGRAM
    # Nearly every text has some of these.
    is_everywhere = len(form) == 1 and form.isascii() and form.isalnum()
    return 0 if is_everywhere else LETTERS


def _found_by_sqlite(form: str, trigrams: Trigrams) -> int:
    if len(form) >= TRIGRAM:
        return TRIGRAM
    return LETTERS if form in trigrams else 0


SOME_TRIGRAMS = Statement(
    select(customers_search_trigrams)
    .where(customers_search_trigrams.c.term > bindparam("after"), customers_search_trigrams.c.term < bindparam("end"))
    .order_by(customers_search_trigrams.c.term)
    .limit(literal_column(str(AT_A_TIME)))
)


def rare_trigrams(database: Database, words: Sequence[tuple[str, str]], most: int) -> Trigrams:
    """The trigrams by which SQLite's index finds words of one or two letters, for those that are in no more than about
    `most` customers of all tenants."""
    short = [form for forms in words for form in dict.fromkeys(forms) if 0 < len(form) < TRIGRAM]
    found = {form: _trigrams_from(database, form, most) for form in short}
    return {form: trigrams for form, trigrams in found.items() if trigrams is not None}


def _trigrams_from(database: Database, form: str, most: int) -> list[str] | None:
    found: list[str] = []
    after = form
    while True:
        some = database.fetch_all(SOME_TRIGRAMS, {"after": after, "end": form + HIGHEST})
        found += [trigram for trigram, _ in some]
        most -= sum(customers_with_it for _, customers_with_it in some)
        if most < 0 or len(found) > MOST_TRIGRAMS:
            return None
        if len(some) < AT_A_TIME:
            return found
        after = found[-1]


def is_nowhere(words: Sequence[tuple[str, str]], trigrams: Trigrams) -> bool:
    """Whether a word has no trigrams, so that no customer has it."""
    return any(all(trigrams.get(form) == [] for form in forms) for forms in words)


def values_of(dialect: str, tenant_id: int, words: Sequence[tuple[str, str]], trigrams: Trigrams) -> dict[str, Any]:
    """The values that `only_matching` takes."""
    values: dict[str, Any] = {}
    for number, (word, digits) in enumerate(words):
        values[f"word_{number}"] = word
        values[f"digits_{number}"] = digits
        if dialect == "postgresql":
            for form, text_of_form in (("word", word), ("digits", digits)):
                values[f"like_{form}_{number}"] = f"%{_escaped(_telling(text_of_form))}%"
                first, last = _runs(text_of_form) or ("", "")
                values[f"first_{form}_{number}"], values[f"last_{form}_{number}"] = first, last
    if words and dialect == "sqlite":
        values["match"] = _match(words, trigrams)
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


def _match(words: Sequence[tuple[str, str]], trigrams: Trigrams) -> str:
    """The search in FTS5's language: all trigrams of every word that is long enough; of shorter ones, one of theirs."""
    wanted = []
    for forms in words:
        if all(_found_by_sqlite(form, trigrams) for form in forms):
            found = filter(None, (_by_trigrams(form, trigrams) for form in dict.fromkeys(forms)))
            wanted.append(f"({' OR '.join(found)})")
    return " AND ".join(wanted)


def _by_trigrams(form: str, trigrams: Trigrams) -> str:
    if len(form) >= TRIGRAM:
        return f"({' AND '.join(map(_quoted, _trigrams(_telling(form))))})"
    return " OR ".join(map(_quoted, trigrams[form]))


def _trigrams(word: str) -> list[str]:
    return list(dict.fromkeys(word[start : start + TRIGRAM] for start in range(len(word) - TRIGRAM + 1)))


def _quoted(trigram: str) -> str:
    return '"' + trigram.replace('"', '""') + '"'


def _runs(form: str) -> tuple[str, str] | None:
    """What the index of runs has of a form: the first and last of its digits in a row, or what stands before its @."""
    digits = max((run.lstrip("0") for run in DIGITS_IN_A_ROW.findall(form)), key=len, default="")
    if len(digits) >= RUN:
        return digits[:RUN], digits[-RUN:]
    local_part, at, _ = form.partition("@")
    before = local_part[-RUN:] + at
    return (before, before) if at and len(local_part) >= RUN else None


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


def _has_runs(form: str) -> ColumnElement[bool]:
    return and_(_has("search_runs", f"first_{form}", f"last_{form}"), _is_at_a_place(form))


def _has_letters(form: str) -> ColumnElement[bool]:
    return and_(_has("search_letters", form), _is_at_a_place(form))


def _has(function: str, *letters: str) -> ColumnElement[bool]:
    keys: ColumnElement[Sequence[int]] = getattr(func, function)(
        customers.c.tenant_id, customers.c.search_text, type_=ARRAY(BigInteger)
    )
    return keys.contains(array(map(_key, letters)))


def _key(letters: str) -> ColumnElement[int]:
    """The number that the index has for some letters of the tenant."""
    number = func.hashtext(bindparam(letters), type_=BigInteger).op("&")(literal_column("4294967295", BigInteger))
    return cast(bindparam("tenant_id"), BigInteger) * literal_column("4294967296", BigInteger) + number


FOUND = {0: _is_at_a_place, LETTERS: _has_letters, TRIGRAM: _is_like, RUN: _has_runs}
