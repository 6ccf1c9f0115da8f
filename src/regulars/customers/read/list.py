"""The customer list: what can be asked of it, and the page that answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import isqrt
from typing import Any

from regulars.customers.counts.page_checkpoints import CHECKPOINT_DISTANCE, LIST_START, MIN_CHECKPOINT_TOTAL
from regulars.customers.counts.totals import birth_date_values
from regulars.customers.read.list_sql import (
    KEY,
    TOTAL,
    QueryShape,
    SortBy,
    SortOrder,
    Start,
    UncountedFilter,
    page_statement,
    total_statement,
)
from regulars.customers.read.search import is_nowhere, kinds_of, rare_trigrams, values_of, words_of
from regulars.customers.schemas import Customer, customer_of
from regulars.customers.validation import Gender
from regulars.db.database import Database
from regulars.db.statement import Row

FARTHEST = 2**62
BEYOND = 2**63
NO_FILTERS: frozenset[UncountedFilter] = frozenset()
FEW = 1_000
"""So many matches of a search, and more in a large tenant, are found, counted and sorted at once."""
SCANNED_PER_FOUND = 20
"""To find a customer by SQLite's index costs about as much as to look at so many in their order."""
NEAR = 1_000
"""Up to so many rows from its start the list is read from there, without asking how long it is."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: just behind the row with this sort key and id or, read backward, just before it."""

    backward: bool
    key: str | date | datetime | None
    id: int


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """Which customers of a tenant are wanted, in which order, and which page of them.

    With a `cursor` the page starts (or ends) there, whatever its number is.
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
    beside: Mapping[UncountedFilter, Any] | None = None
    """Filters that the census does not count by."""
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list, how many customers are on all pages, and where the pages before and after it lie."""

    customers: list[Customer]
    total: int
    before: Cursor | None = None
    after: Cursor | None = None


def fetch_page(database: Database, tenant_id: int, listing: CustomerQuery, today: date) -> Page:
    """The wanted page. `today` is the date in the tenant's time zone.

    Runs one statement, unless the total must be known first: for a page far from the start, which is read from the
    nearer end; for a search, and for ages on SQLite, to choose a plan; and for the total of an empty page.
    """
    shape, values = _shape(database.dialect, tenant_id, listing, today)
    if _asks_for_an_id_beyond_all(listing):
        return Page([], 0)
    if shape.is_counted and not shape.has_ids:
        return _search(database, tenant_id, shape, values, listing)
    if shape.is_planned_by_count:
        everyone = shape._replace(born_until=False, born_after=False)
        total, among = (_total(database, each, values) for each in (shape, everyone))
        shape = shape._replace(in_order=total > isqrt((values["offset"] + shape.rows) * among))
    return _read(database, shape, values, listing)


def _asks_for_an_id_beyond_all(listing: CustomerQuery) -> bool:
    if listing.user_id is not None and listing.user_id >= BEYOND:
        return True
    return listing.beside is not None and any(
        value >= BEYOND for name, value in listing.beside.items() if name.endswith("_id")
    )


def _search(
    database: Database, tenant_id: int, shape: QueryShape, values: dict[str, Any], listing: CustomerQuery
) -> Page:
    """The page where customers must be counted: few matches are found, counted and sorted at once; where there are
    more, a page is full sooner if customers are read in order and others left out, and the matches only counted."""
    among = _total(database, shape._replace(words=(), beside=NO_FILTERS), values)
    if shape.has_only_short_words:
        words = words_of(listing.search)
        trigrams = rare_trigrams(database, words, max(FEW, among // SCANNED_PER_FOUND))
        if is_nowhere(words, trigrams):
            return Page([], 0)
        shape = shape._replace(words=kinds_of(shape.dialect, words, trigrams))
        values |= values_of(shape.dialect, tenant_id, words, trigrams)
    few = max(FEW, isqrt((values["offset"] + shape.rows) * among))
    page = _read(database, shape._replace(few=True), values | {"few": few + 1}, listing)
    if page.total <= few:
        return page
    return _read(database, shape._replace(in_order=True), values, listing, _total(database, shape, values))


def _read(
    database: Database, shape: QueryShape, values: dict[str, Any], listing: CustomerQuery, total: int | None = None
) -> Page:
    if listing.cursor is not None:
        return _page_beside(database, shape, values, listing, listing.cursor, total)
    return _page_by_number(database, shape, values, listing, total)


def _page_by_number(
    database: Database, shape: QueryShape, values: dict[str, Any], listing: CustomerQuery, total: int | None
) -> Page:
    offset: int = values["offset"]
    if offset > NEAR and not shape.is_counted:
        total = _total(database, shape, values)
        if offset >= total:
            return Page([], total)
        shape = shape._replace(start=_nearest_start(shape, offset, total))
    rows = database.fetch_all(page_statement(shape), values)
    if not rows:
        return Page([], total or (_total(database, shape, values) if listing.page > 1 else 0))
    # Where both are known, the total as of the same moment as the rows.
    total = rows[0][TOTAL] if rows[0][TOTAL] is not None else total or 0
    return Page(
        [customer_of(row) for row in rows],
        total,
        before=_cursor(rows[0], backward=True) if listing.page > 1 else None,
        after=_cursor(rows[-1]) if offset + listing.per_page < total else None,
    )


def _nearest_start(shape: QueryShape, offset: int, total: int) -> Start:
    is_filtered = shape.trashed or shape.gender or shape.user_id or shape.has_ages
    is_marked = shape.sort_by == "created_at" and not is_filtered and total >= MIN_CHECKPOINT_TOTAL
    if is_marked and CHECKPOINT_DISTANCE < offset < total - CHECKPOINT_DISTANCE:
        return "page by checkpoint"
    return "page" if offset <= total - offset else "page from the end"


def _page_beside(
    database: Database,
    shape: QueryShape,
    values: dict[str, Any],
    listing: CustomerQuery,
    cursor: Cursor,
    total: int | None,
) -> Page:
    """One row more is read than is shown, to see whether there is another page."""
    where: Start = "before" if cursor.backward else "after"
    if cursor.key is None:
        where = "before empty" if cursor.backward else "after empty"
    beside = shape._replace(start=where, rows=listing.per_page + 1)
    values |= {"cursor_key": cursor.key, "cursor_id": cursor.id}
    rows = database.fetch_all(page_statement(beside), values)
    if not rows:
        behind = Cursor(not cursor.backward, cursor.key, cursor.id)
        total = total if total is not None else _total(database, shape, values)
        return Page([], total, **({"after": behind} if cursor.backward else {"before": behind}))
    total = rows[0][TOTAL] if rows[0][TOTAL] is not None else total or 0
    is_more = len(rows) > listing.per_page
    rows = rows[-listing.per_page :] if cursor.backward else rows[: listing.per_page]
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


def _shape(dialect: str, tenant_id: int, listing: CustomerQuery, today: date) -> tuple[QueryShape, dict[str, Any]]:
    words = words_of(listing.search)
    older = None if listing.min_age is None else born_until(today, listing.min_age)
    younger = None if listing.max_age is None else born_until(today, listing.max_age + 1)
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "trashed": int(listing.trashed),
        "gender": listing.gender,
        "user_id": listing.user_id,
        "born_until": older,
        "born_after": younger,
        "beginning": LIST_START,
        "offset": 0 if listing.cursor else min((listing.page - 1) * listing.per_page, FARTHEST),
        **(birth_date_values(younger, older) if older or younger else {}),
        **values_of(dialect, tenant_id, words, {}),
    }
    if listing.beside:
        values.update(listing.beside.items())
        if "ids" in listing.beside:
            values["ids"] = list(listing.beside["ids"])
    shape = QueryShape(
        dialect,
        listing.per_page,
        listing.sort_by,
        listing.sort_order,
        listing.trashed,
        listing.gender is not None,
        listing.user_id is not None,
        listing.min_age is not None,
        listing.max_age is not None,
        kinds_of(dialect, words, {}),
        beside=frozenset(listing.beside) if listing.beside else NO_FILTERS,
    )
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
