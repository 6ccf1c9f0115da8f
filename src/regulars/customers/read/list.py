"""The customer list: queries, and the pages that answer them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isqrt
from typing import Any

from sqlalchemy import ColumnElement

from regulars.customers.counts.page_checkpoints import CHECKPOINT_DISTANCE, LIST_START, MIN_CHECKPOINT_TOTAL
from regulars.customers.counts.totals import birth_date_values
from regulars.customers.read.filter_sql import days_between
from regulars.customers.read.list_sql import (
    KEY,
    TOTAL,
    QueryShape,
    SortBy,
    SortOrder,
    Start,
    page_statement,
    stream_statement,
    total_statement,
)
from regulars.customers.read.search import has_impossible_word, plan_search, rare_trigrams, search_values, words_of
from regulars.customers.schemas import Customer, customer_of
from regulars.customers.validation import Gender
from regulars.db.database import Database
from regulars.db.statement import Row

MAX_OFFSET = 2**62
FIRST_INVALID_ID = 2**63
NO_FILTERS: frozenset[str] = frozenset()
FEW_MATCHES = 1_000
"""A search with at most this many matches (more in a large tenant) finds, counts and sorts all of them in one query."""
SCANNED_PER_FOUND = 20
"""Reading one customer by SQLite's index costs about as much as scanning this many in order."""
MAX_FORWARD_OFFSET = 1_000
"""Up to this offset a page is read from the start of the list, without reading the total first."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: after the row with this sort key and id or, if `backward`, before it."""

    backward: bool
    key: str | date | datetime | None
    id: int


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """Filters, order and page of a customer list.

    With a `cursor`, the page starts (or ends) there, and `page` is ignored.
    """

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
    uncounted_filters: Mapping[str, Any] | None = None
    """The values of some `UNCOUNTED_FILTERS`, by name.

    That of `birthday` is the first and the last day, such as `12-20`; that of a filter by empty values is True.
    """
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list, the total of all pages, and the cursors to the pages before and after it."""

    customers: list[Customer]
    total: int
    before: Cursor | None = None
    after: Cursor | None = None


def fetch_page(database: Database, tenant_id: int, query: CustomerQuery, today: date) -> Page:
    """Return the page for a query. `today` is the date in the tenant's time zone.

    This takes one statement, unless the total is needed first: for a page far from the start, which is read from the
    nearest known position; for a search, and for ages on SQLite, to choose a plan; and for an empty page.
    """
    shape, values = _shape(database.dialect, tenant_id, query, today)
    if _has_impossible_id(query):
        return Page([], 0)
    if shape.is_counted and not shape.has_ids:
        return _search(database, tenant_id, shape, values, query)
    if shape.is_planned_by_count:
        unfiltered = shape._replace(born_until=False, born_after=False)
        total, customer_count = (_total(database, each, values) for each in (shape, unfiltered))
        shape = shape._replace(in_order=total > isqrt((values["offset"] + shape.rows) * customer_count))
    return _read(database, shape, values, query)


def stream_customers(
    database: Database, tenant_id: int, query: CustomerQuery, today: date, columns: Sequence[ColumnElement[Any]]
) -> Iterator[Row]:
    """Yield `columns` of the customers on all pages of the list, in its order, from one snapshot.

    The page and the cursor of the query are ignored. `columns` can be of `CUSTOMER_TABLES`.
    """
    if not _has_impossible_id(query):
        shape, values = _shape(database.dialect, tenant_id, query, today)
        yield from database.stream(stream_statement(shape, columns), values)


def count_customers(database: Database, tenant_id: int, query: CustomerQuery, today: date) -> int:
    """Return the number of customers on all pages of the list."""
    if _has_impossible_id(query):
        return 0
    return _total(database, *_shape(database.dialect, tenant_id, query, today))


def _has_impossible_id(query: CustomerQuery) -> bool:
    return query.user_id is not None and query.user_id >= FIRST_INVALID_ID


def _search(
    database: Database, tenant_id: int, shape: QueryShape, values: dict[str, Any], query: CustomerQuery
) -> Page:
    """Return a page of a search or of a filter whose matches must be counted.

    If there are few matches, one query finds, counts and sorts all of them. If there are many, it is faster to scan
    customers in order until the page is full, and to count the matches separately.
    """
    customer_count = _total(database, shape._replace(words=(), uncounted_filters=NO_FILTERS), values)
    if shape.has_only_short_words:
        words = words_of(query.search)
        trigrams = rare_trigrams(database, words, max(FEW_MATCHES, customer_count // SCANNED_PER_FOUND))
        if has_impossible_word(words, trigrams):
            return Page([], 0)
        shape = shape._replace(words=plan_search(shape.dialect, words, trigrams))
        values |= search_values(shape.dialect, tenant_id, words, trigrams)
    few = max(FEW_MATCHES, isqrt((values["offset"] + shape.rows) * customer_count))
    page = _read(database, shape._replace(few=True), values | {"few": few + 1}, query)
    if page.total <= few:
        return page
    return _read(database, shape._replace(in_order=True), values, query, _total(database, shape, values))


def _read(
    database: Database, shape: QueryShape, values: dict[str, Any], query: CustomerQuery, total: int | None = None
) -> Page:
    if query.cursor is not None:
        return _page_by_cursor(database, shape, values, query, query.cursor, total)
    return _page_by_number(database, shape, values, query, total)


def _page_by_number(
    database: Database, shape: QueryShape, values: dict[str, Any], query: CustomerQuery, total: int | None
) -> Page:
    offset: int = values["offset"]
    if offset > MAX_FORWARD_OFFSET and not shape.is_counted:
        total = _total(database, shape, values)
        if offset >= total:
            return Page([], total)
        shape = shape._replace(start=_nearest_start(shape, offset, total))
    rows = database.fetch_all(page_statement(shape), values)
    if not rows:
        return Page([], total or (_total(database, shape, values) if query.page > 1 else 0))
    # If both totals are known, prefer the one from the same snapshot as the rows.
    total = rows[0][TOTAL] if rows[0][TOTAL] is not None else total or 0
    return Page(
        [customer_of(row) for row in rows],
        total,
        before=_cursor(rows[0], backward=True) if query.page > 1 else None,
        after=_cursor(rows[-1]) if offset + query.per_page < total else None,
    )


def _nearest_start(shape: QueryShape, offset: int, total: int) -> Start:
    is_filtered = shape.trashed or shape.gender or shape.user_id or shape.has_ages
    has_checkpoints = shape.sort_by == "created_at" and not is_filtered and total >= MIN_CHECKPOINT_TOTAL
    if has_checkpoints and CHECKPOINT_DISTANCE < offset < total - CHECKPOINT_DISTANCE:
        return "page by checkpoint"
    return "page" if offset <= total - offset else "page from the end"


def _page_by_cursor(
    database: Database,
    shape: QueryShape,
    values: dict[str, Any],
    query: CustomerQuery,
    cursor: Cursor,
    total: int | None,
) -> Page:
    """Return the page after or before a cursor. Read one row more, to find out whether there is another page."""
    where: Start = "before" if cursor.backward else "after"
    if cursor.key is None:
        where = "before empty" if cursor.backward else "after empty"
    uncounted_filters = shape._replace(start=where, rows=query.per_page + 1)
    values |= {"cursor_key": cursor.key, "cursor_id": cursor.id}
    rows = database.fetch_all(page_statement(uncounted_filters), values)
    if not rows:
        back = Cursor(not cursor.backward, cursor.key, cursor.id)
        total = total if total is not None else _total(database, shape, values)
        return Page([], total, **({"after": back} if cursor.backward else {"before": back}))
    total = rows[0][TOTAL] if rows[0][TOTAL] is not None else total or 0
    is_more = len(rows) > query.per_page
    rows = rows[-query.per_page :] if cursor.backward else rows[: query.per_page]
    return Page(
        [customer_of(row) for row in rows],
        total,
        before=_cursor(rows[0], backward=True) if is_more or not cursor.backward else None,
        after=_cursor(rows[-1]) if is_more or cursor.backward else None,
    )


def _cursor(row: Row, *, backward: bool = False) -> Cursor:
    return Cursor(backward, row[KEY], row[0])


def _total(database: Database, shape: QueryShape, values: Mapping[str, Any]) -> int:
    ((total,),) = database.fetch_all(total_statement(shape), values)
    return int(total)


def _shape(dialect: str, tenant_id: int, query: CustomerQuery, today: date) -> tuple[QueryShape, dict[str, Any]]:
    words = words_of(query.search)
    born_until_date = None if query.min_age is None else born_until(today, query.min_age)
    born_after_date = None if query.max_age is None else born_until(today, query.max_age + 1)
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "trashed": int(query.trashed),
        "gender": query.gender,
        "user_id": query.user_id,
        "born_until": born_until_date,
        "born_after": born_after_date,
        "beginning": LIST_START,
        "offset": 0 if query.cursor else min((query.page - 1) * query.per_page, MAX_OFFSET),
        **(birth_date_values(born_after_date, born_until_date) if born_until_date or born_after_date else {}),
        **search_values(dialect, tenant_id, words, {}),
    }
    for name, value in (query.uncounted_filters or {}).items():
        values[name] = list(value) if name.endswith("ids") else value
        if name == "birthday":
            values[name] = days_between(*value)
    shape = QueryShape(
        dialect=dialect,
        rows=query.per_page,
        sort_by=query.sort_by,
        sort_order=query.sort_order,
        trashed=query.trashed,
        gender=query.gender is not None,
        user_id=query.user_id is not None,
        born_until=query.min_age is not None,
        born_after=query.max_age is not None,
        words=plan_search(dialect, words, {}),
        uncounted_filters=frozenset(query.uncounted_filters or ()),
    )
    return shape, values


def born_until(today: date, age: int) -> date:
    """Return the latest date of birth of people who are at least `age` years old today.

    In a common year, people born on 29 February turn a year older on 1 March.
    """
    year = today.year - age
    if year < 1:
        return date.min
    try:
        return today.replace(year=year)
    except ValueError:  # today is 29 February of a leap year, and `year` is a common year
        return date(year, 2, 28)
