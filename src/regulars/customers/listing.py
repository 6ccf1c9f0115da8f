"""The customer list: its parameters, and the one statement for each shape of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import Select, and_, bindparam, func, literal_column, or_, select, text
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from regulars.customers.counts import EVERYONE, total_of
from regulars.customers.schemas import Customer, Gender, customer_of
from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import (
    SEARCH_ROWS_PER_TENANT,
    countries,
    customer_counts,
    customers,
    customers_search,
    users,
)
from regulars.folding import search_words

SortBy = Literal["first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at"]
SortOrder = Literal["asc", "desc"]

FARTHEST = 2**62
TRIGRAM = 3
TELLING = 6
"""Of a word so many letters are looked up in the index; what they find is compared with the whole word anyway."""

KEYS: Mapping[SortBy, ColumnElement[Any]] = {
    "first_name": customers.c.first_name_key,
    "last_name": customers.c.last_name_key,
    "date_of_birth": customers.c.date_of_birth,
    "gender": customers.c.gender,
    "created_at": customers.c.created_at,
    "updated_at": customers.c.updated_at,
}
MAY_BE_EMPTY = {"last_name", "date_of_birth", "gender"}

FIELDS = (
    customers.c.id,
    customers.c.first_name,
    customers.c.last_name,
    customers.c.phone_number,
    customers.c.email,
    customers.c.date_of_birth,
    customers.c.gender,
    countries.c.name.label("country_name"),
    customers.c.identity_number,
    customers.c.job,
    customers.c.address,
    customers.c.default_channel_id,
    customers.c.avatar_url,
    users.c.id.label("user_id"),
    users.c.name.label("user_name"),
    customers.c.created_at,
    customers.c.updated_at,
    customers.c.deleted_at,
)
"""What is read of a customer, in the order that `schemas.customer_of` takes."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Which customers of a tenant are wanted, in which order, and which page of them."""

    search: str = ""
    page: int = 1
    per_page: int = 15
    sort_by: SortBy = "created_at"
    sort_order: SortOrder = "desc"
    gender: Gender | None = None
    min_age: int | None = None
    max_age: int | None = None
    user_id: int | None = None
    trashed: bool = False


class Shape(NamedTuple):
    """All of a listing that makes a difference to its SQL.

    `per_page` is part of it, since PostgreSQL plans well only if it knows how few rows are wanted. `words` has for each
    word of the search: whether the index can find it, and whether it has a second form.
    """

    dialect: str
    per_page: int
    sort_by: SortBy
    sort_order: SortOrder
    trashed: bool
    gender: bool
    user_id: bool
    born_until: bool
    born_after: bool
    words: tuple[tuple[bool, bool], ...]
    in_order: bool = False
    """SQLite: read customers in their order and leave out others, rather than find all that match and sort them."""

    @property
    def is_counted(self) -> bool:
        """Whether the total is kept in `customer_counts`."""
        return not (self.words or self.born_until or self.born_after)


def fetch_page(database: Database, tenant_id: int, listing: Listing, today: date) -> tuple[list[Customer], int]:
    """The customers on the wanted page, and how many there are on all pages.

    `today` is the date in the tenant's time zone. One statement, but for a page past the end, which needs another for
    the total, and for ages on SQLite, where the way to read them is chosen by counts.
    """
    shape, values = _shape(database.dialect, tenant_id, listing, today)
    if values["user_id"] is not None and values["user_id"] >= 2**63:
        return [], 0
    values["offset"] = min((listing.page - 1) * listing.per_page, FARTHEST)
    if shape.dialect == "sqlite" and not shape.words and not shape.is_counted:
        shape = shape._replace(in_order=_is_quicker_in_order(database, shape, values))
    rows = database.fetch_all(page_statement(shape), values)
    if rows:
        return [customer_of(row) for row in rows], int(rows[0][len(FIELDS)])
    if listing.page == 1:
        return [], 0
    row = database.fetch_one(total_statement(shape), values)
    return [], int(row[0]) if row else 0


def _is_quicker_in_order(database: Database, shape: Shape, values: Mapping[str, Any]) -> bool:
    """Whether fewer customers are read in order until the page is full than match in all.

    SQLite cannot know: it plans a statement without its values. Both counts are read from an index alone.
    """
    everyone = shape._replace(born_until=False, born_after=False)
    (matching,), (among,) = (database.fetch_all(total_statement(each), values)[0] for each in (shape, everyone))
    return bool((values["offset"] + shape.per_page) * among < matching * matching)


def _shape(dialect: str, tenant_id: int, listing: Listing, today: date) -> tuple[Shape, dict[str, Any]]:
    words = search_words(listing.search) if listing.search else []
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "trashed": int(listing.trashed),
        "gender": listing.gender,
        "user_id": listing.user_id,
        "counted_user_id": EVERYONE if listing.user_id is None else listing.user_id,
        "born_until": None if listing.min_age is None else born_until(today, listing.min_age),
        "born_after": None if listing.max_age is None else born_until(today, listing.max_age + 1),
    }
    for number, (word, digits) in enumerate(words):
        values[f"word_{number}"] = word
        values[f"digits_{number}"] = digits
        values[f"like_{number}"] = f"%{_escaped(_telling(word))}%"
        values[f"like_digits_{number}"] = f"%{_escaped(_telling(digits))}%"
    shape = Shape(
        dialect,
        listing.per_page,
        listing.sort_by,
        listing.sort_order,
        listing.trashed,
        listing.gender is not None,
        listing.user_id is not None,
        listing.min_age is not None,
        listing.max_age is not None,
        tuple((min(len(word), len(digits)) >= TRIGRAM, word != digits) for word, digits in words),
    )
    if words and dialect == "sqlite":
        values["match"] = _match(words)
        values["rows_after"] = tenant_id * SEARCH_ROWS_PER_TENANT
        values["rows_before"] = (tenant_id + 1) * SEARCH_ROWS_PER_TENANT
    return shape, values


def born_until(today: date, age: int) -> date:
    """The last day on which those who are `age` or older today can have been born.

    Who was born on 29 February is a year older on 1 March of a common year.
    """
    year = today.year - age
    if year < 1:
        return date.min
    try:
        return today.replace(year=year)
    except ValueError:  # today is 29 February and that year had none
        return date(year, 2, 28)


def _telling(word: str) -> str:
    """The part of a word by which an index finds few: its end, and of an e-mail address what stands before the @.

    Each trigram that is looked up costs a list to read, and most customers share those of a domain's name.
    """
    local_part = word.partition("@")[0]
    return (local_part if len(local_part) >= TRIGRAM else word)[-TELLING:]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _match(words: list[tuple[str, str]]) -> str:
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


@lru_cache(maxsize=2_000)
def page_statement(shape: Shape) -> Statement:
    """The statement for a page: `FIELDS` and the total, in every row.

    The page is found by an index alone, and only its own rows are read and joined.
    """
    if shape.words:
        return _matched_page(shape)
    ids = _ordered(select(customers.c.id).where(*_filters(shape)), shape, customers.c)
    page = ids.limit(literal_column(str(shape.per_page))).offset(bindparam("offset")).subquery("page")
    total = _kept_total(shape) if shape.is_counted else _counted_total(shape._replace(in_order=False))
    return Statement(_read(page, total, shape), plan_each_time=not shape.is_counted)


@lru_cache(maxsize=2_000)
def total_statement(shape: Shape) -> Statement:
    """The statement for the total alone."""
    if shape.is_counted:
        return Statement(select(_kept_total(shape)))
    return Statement(select(_counted_total(shape)), plan_each_time=True)


def _matched_page(shape: Shape) -> Statement:
    """With a search: find all that match once, count them, and order them for the page."""
    matches = _matches(shape).add_columns(KEYS[shape.sort_by].label("key")).cte("matches")
    if shape.dialect == "postgresql":
        matches = matches.prefix_with("MATERIALIZED", dialect="postgresql")
    ids = _ordered(select(matches.c.id), shape, {"id": matches.c.id, "key": matches.c.key})
    page = ids.limit(literal_column(str(shape.per_page))).offset(bindparam("offset")).subquery("page")
    total = select(func.count()).select_from(matches).scalar_subquery()
    return Statement(_read(page, total, shape), plan_each_time=True)


def _read(page: FromClause, total: ColumnElement[int], shape: Shape) -> Select[Any]:
    joined = (
        page.join(customers, and_(customers.c.tenant_id == bindparam("tenant_id"), customers.c.id == page.c.id))
        .outerjoin(countries, countries.c.id == customers.c.country_id)
        .outerjoin(users, users.c.id == customers.c.user_id)
    )
    return _ordered(select(*FIELDS, total.label("total")).select_from(joined), shape, customers.c)


def _ordered(query: Select[Any], shape: Shape, columns: Any) -> Select[Any]:
    key = columns["key"] if "key" in columns else columns[KEYS[shape.sort_by].name]
    if shape.sort_order == "asc":
        return query.order_by(key.asc().nulls_last() if shape.sort_by in MAY_BE_EMPTY else key.asc(), columns["id"])
    ordered = key.desc().nulls_last() if shape.sort_by in MAY_BE_EMPTY else key.desc()
    return query.order_by(ordered, columns["id"].desc())


def _filters(shape: Shape) -> list[ColumnElement[bool]]:
    def column(name: str) -> ColumnElement[Any]:
        # To SQLite, a plus before a column says that its index is not wanted.
        return literal_column(f"+customers.{name}", customers.c[name].type) if shape.in_order else customers.c[name]

    deleted = customers.c.deleted_at
    found = [
        customers.c.tenant_id == bindparam("tenant_id"),
        deleted.is_not(None) if shape.trashed else deleted.is_(None),
    ]
    if shape.gender:
        found.append(column("gender") == bindparam("gender"))
    if shape.user_id:
        found.append(column("user_id") == bindparam("user_id"))
    if shape.born_until:
        found.append(column("date_of_birth") <= bindparam("born_until"))
    if shape.born_after:
        found.append(column("date_of_birth") > bindparam("born_after"))
    return found


def _kept_total(shape: Shape) -> ColumnElement[int]:
    conditions = [
        customer_counts.c.tenant_id == bindparam("tenant_id"),
        customer_counts.c.trashed == bindparam("trashed"),
        customer_counts.c.user_id == bindparam("counted_user_id"),
    ]
    if shape.gender:
        conditions.append(customer_counts.c.gender == bindparam("gender"))
    return total_of(conditions)


def _counted_total(shape: Shape) -> ColumnElement[int]:
    return select(func.count()).select_from(_matches(shape).subquery("counted")).scalar_subquery()


def _matches(shape: Shape) -> Select[Any]:
    """The ids of all customers that match, found by the search index where a word is long enough for it."""
    query = select(customers.c.id).where(*_filters(shape))
    for number, (indexed, two_forms) in enumerate(shape.words):
        query = query.where(_contains(shape.dialect, number, indexed=indexed, two_forms=two_forms))
    if shape.dialect == "sqlite" and any(indexed for indexed, _ in shape.words):
        row = customers_search.c.rowid
        query = query.select_from(
            customers_search.join(customers, customers.c.id == row - bindparam("rows_after"))
        ).where(
            text("customers_search MATCH :match").bindparams(bindparam("match")),
            row > bindparam("rows_after"),
            row < bindparam("rows_before"),
        )
    return query


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
