"""The SQL of the customer list: one statement for each combination of filters, order and start (`QueryShape`)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from regulars.customers.counts.page_checkpoints import last_checkpoint
from regulars.customers.counts.totals import total_expression
from regulars.customers.read.filter_sql import FILTER_ORDER, TIME_FILTERS, filter_condition
from regulars.customers.read.search import Words, filter_by_text, filter_without_index
from regulars.customers.schemas import CUSTOMER_COLUMNS, CUSTOMER_TABLES
from regulars.db.dialects import without_index
from regulars.db.statement import Statement
from regulars.db.tables import countries, customers, users

SortBy = Literal["first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at"]
SortOrder = Literal["asc", "desc"]
Start = Literal["page", "page from the end", "page by checkpoint", "after", "after empty", "before", "before empty"]
"""The way to find the start of a page: by an offset from the start of the list, from its end or from a checkpoint; or
next to the row of a cursor, whose sort key may be empty."""

SORT_KEYS: Mapping[SortBy, ColumnElement[Any]] = {
    "first_name": customers.c.first_name_key,
    "last_name": customers.c.last_name_key,
    "date_of_birth": customers.c.date_of_birth,
    "gender": customers.c.gender,
    "created_at": customers.c.created_at,
    "updated_at": customers.c.updated_at,
}
NULLABLE_KEYS = {"last_name", "date_of_birth", "gender"}

KEY, TOTAL = len(CUSTOMER_COLUMNS), len(CUSTOMER_COLUMNS) + 1


class QueryShape(NamedTuple):
    """Everything in a query that changes its SQL. Values are bound as parameters.

    `rows`, the maximum number of rows, is part of the SQL because PostgreSQL plans a literal LIMIT better.
    """

    dialect: str
    rows: int
    sort_by: SortBy
    sort_order: SortOrder
    trashed: bool
    gender: bool
    user_id: bool
    born_until: bool
    born_after: bool
    words: Words
    start: Start = "page"
    in_order: bool = False
    """Scan customers in the order of the list and skip those that do not match, instead of finding and sorting all
    matches."""
    few: bool = False
    """Find and count at most as many matches as the parameter `few`."""
    uncounted_filters: frozenset[str] = frozenset()

    @property
    def is_counted(self) -> bool:
        """Tell whether the matches must be counted, because the customer counts do not cover the filters."""
        return bool(self.words or self.uncounted_filters)

    @property
    def has_ids(self) -> bool:
        """Tell whether the query asks for given ids. These few customers are found by id and checked one by one."""
        return "ids" in self.uncounted_filters

    @property
    def has_ages(self) -> bool:
        """Tell whether the query filters by age."""
        return self.born_until or self.born_after

    @property
    def is_planned_by_count(self) -> bool:
        """Tell whether the plan depends on the number of matches, because SQLite plans without the values."""
        return self.dialect == "sqlite" and self.has_ages and not self.has_ids

    @property
    def has_only_short_words(self) -> bool:
        """Tell whether SQLite's trigram index cannot find any of the words."""
        return self.dialect == "sqlite" and bool(self.words) and not any(map(all, self.words))

    @property
    def has_cursor(self) -> bool:
        """Tell whether the page is next to the row of a cursor."""
        return not self.start.startswith("page")

    @property
    def is_backward(self) -> bool:
        """Tell whether rows are read in the opposite order of the list."""
        return self.start in {"page from the end", "before", "before empty"}


@lru_cache(maxsize=2_000)
def page_statement(shape: QueryShape) -> Statement:
    """Return the statement for a page: `CUSTOMER_COLUMNS`, the sort key and the total in every row, in the order of the
    list.

    It first finds the ids of the page, and then reads and joins only their rows. The total is null if the matches must
    be counted and `in_order` is set.
    """
    key = SORT_KEYS[shape.sort_by].label("key")
    if shape.is_counted and not shape.in_order:
        source = _matches(shape).add_columns(key).cte("matches").prefix_with("MATERIALIZED", dialect="postgresql")
        total: FromClause = select(func.count().label("total")).select_from(source).cte("counted")
        matching: Select[Any] = select(source.c.id, source.c.key)
        page = _page(shape, matching, source.c.id, source.c.key, total)
    else:
        counted_total = null() if shape.is_counted else _total_from_counts(shape)
        total = select(counted_total.label("total")).cte("counted")
        matching = filter_without_index(shape.dialect, select(customers.c.id, key).where(*_filters(shape)), shape.words)
        page = _page(shape, matching, customers.c.id, SORT_KEYS[shape.sort_by], total)
    custom_plan = shape.is_counted or shape.has_ages
    return Statement(
        _read(shape, page, total),
        custom_plan=custom_plan,
        rows_as_json=True,
        replica_ok=True,
        dialect=shape.dialect,
    )


@lru_cache(maxsize=2_000)
def total_statement(shape: QueryShape) -> Statement:
    """Return the statement for the number of matches on all pages."""
    if shape.is_counted:
        counted = select(func.count()).select_from(_matches(shape).subquery("matches"))
        return Statement(counted, custom_plan=True, replica_ok=True, dialect=shape.dialect)
    return Statement(select(_total_from_counts(shape)), replica_ok=True, dialect=shape.dialect)


def stream_statement(shape: QueryShape, columns: Sequence[ColumnElement[Any]]) -> Statement:
    """Return the statement for `columns` of the customers on all pages, in the order of the list.

    SQLite reads the customers in this order from an index, because it would sort millions of rows in memory; it sorts
    only given ids, and the trash in another order than the default. PostgreSQL sorts on disk, so it may find the
    customers by the filters.
    """
    in_order = shape._replace(in_order=True)
    only = filter_by_text if shape.dialect == "postgresql" else filter_without_index
    rows = select(*columns).select_from(CUSTOMER_TABLES).where(*_filters(in_order))
    order = _order(shape, customers.c.id, SORT_KEYS[shape.sort_by], backward=False)
    return Statement(only(shape.dialect, rows, shape.words).order_by(*order), dialect=shape.dialect)


def _total_from_counts(shape: QueryShape) -> ColumnElement[int]:
    return total_expression(by_user=shape.user_id, by_gender=shape.gender, by_birth_date=shape.has_ages)


def _read(shape: QueryShape, page: FromClause, total: FromClause) -> Select[Any]:
    key = SORT_KEYS[shape.sort_by]
    joined = (
        page.join(customers, and_(customers.c.tenant_id == bindparam("tenant_id"), customers.c.id == page.c.id))
        .outerjoin(countries, countries.c.id == customers.c.country_id)
        .outerjoin(users, users.c.id == customers.c.user_id)
    )
    counted = select(total.c.total).scalar_subquery()
    rows = select(*CUSTOMER_COLUMNS, key.label("key"), counted.label("total")).select_from(joined)
    return rows.order_by(*_order(shape, customers.c.id, key, backward=False))


def _page(shape: QueryShape, matching: Select[Any], row_id: Any, key: Any, total: FromClause) -> FromClause:
    """Return the query for the ids of the page, at most `shape.rows`."""
    limit: ColumnElement[int] = literal_column(str(shape.rows))
    order = _order(shape, row_id, key, backward=shape.is_backward)
    if shape.start == "page":
        return matching.order_by(*order).limit(limit).offset(bindparam("offset")).subquery("page")
    if shape.start == "page by checkpoint":
        return _page_by_checkpoint(shape, matching, total)
    if shape.start == "page from the end":
        skipped, found = _from_the_end(shape, total)
        backward = matching.order_by(*order).limit(found).offset(skipped).subquery("backward")
        # PostgreSQL overestimates a computed LIMIT.
        return select(backward.c.id).limit(limit).subquery("page")
    parts = [
        select(matching.where(*part).order_by(*order).limit(limit).subquery())
        for part in _after_cursor(shape, row_id, key)
    ]
    if len(parts) == 1:
        return parts[0].subquery("page")
    either = union_all(*parts).subquery("either")
    order = _order(shape, either.c.id, either.c.key, backward=shape.is_backward)
    return select(either.c.id).order_by(*order).limit(limit).subquery("page")


def _page_by_checkpoint(shape: QueryShape, matching: Select[Any], total: FromClause) -> FromClause:
    """Return the query for the ids of the page, read in ascending order from the last checkpoint before it."""
    skipped, found = _from_the_end(shape, total)
    if shape.sort_order == "asc":
        skipped, found = bindparam("offset"), literal_column(str(shape.rows))
    checkpoint = last_checkpoint(skipped)
    at = [select(checkpoint.c[name]).scalar_subquery() for name in ("created_at", "customer_id")]
    # Without a checkpoint, read from the start.
    from_checkpoint = tuple_(customers.c.created_at, customers.c.id) >= tuple_(
        func.coalesce(at[0], bindparam("beginning", type_=customers.c.created_at.type)),
        func.coalesce(at[1], literal_column("0")),
    )
    before = func.coalesce(select(checkpoint.c.before).scalar_subquery(), literal_column("0"))
    upward = (
        matching.where(from_checkpoint)
        .order_by(customers.c.created_at, customers.c.id)
        .limit(found)
        .offset(skipped - before)
    )
    # PostgreSQL overestimates a computed LIMIT.
    return select(upward.subquery("upward").c.id).limit(literal_column(str(shape.rows))).subquery("page")


def _from_the_end(shape: QueryShape, total: FromClause) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return expressions for the numbers of rows to skip from the end and to read. The last page may be shorter."""
    offset, limit = cast(bindparam("offset"), BigInteger), literal_column(str(shape.rows), BigInteger)
    rest = total.c.total - offset
    nothing = literal_column("0", BigInteger)
    skipped = case((rest > limit, rest - limit), else_=nothing)
    found = case((rest > limit, limit), (rest > nothing, rest), else_=nothing)
    return select(skipped).scalar_subquery(), select(found).scalar_subquery()


def _after_cursor(shape: QueryShape, row_id: Any, key: Any) -> Sequence[list[ColumnElement[bool]]]:
    """Return the conditions for the rows beyond the cursor: one list for each range of an index, nearest first.

    Empty sort keys come last in both orders, and are ordered by id among themselves.
    """
    upward = (shape.sort_order == "asc") != shape.is_backward
    cursor_id: ColumnElement[int] = bindparam("cursor_id")
    id_beyond = row_id > cursor_id if upward else row_id < cursor_id
    if shape.start in {"after empty", "before empty"}:
        among_empty = [key.is_(None), id_beyond]
        return [among_empty, [key.is_not(None)]] if shape.is_backward else [among_empty]
    row, cursor = tuple_(key, row_id), tuple_(bindparam("cursor_key", type_=SORT_KEYS[shape.sort_by].type), cursor_id)
    beyond = [row > cursor if upward else row < cursor]
    return [beyond, [key.is_(None)]] if shape.sort_by in NULLABLE_KEYS and not shape.is_backward else [beyond]


def _order(shape: QueryShape, row_id: Any, key: Any, *, backward: bool) -> tuple[Any, Any]:
    upward = (shape.sort_order == "asc") != backward
    ordered = key.asc() if upward else key.desc()
    if shape.sort_by in NULLABLE_KEYS:
        ordered = ordered.nulls_first() if backward else ordered.nulls_last()
    return ordered, row_id.asc() if upward else row_id.desc()


def _filters(shape: QueryShape) -> list[ColumnElement[bool]]:
    def column(name: str) -> ColumnElement[Any]:
        is_checked = shape.has_ids or shape.in_order
        return without_index(customers.c[name]) if is_checked else customers.c[name]

    def filter_column(name: str) -> ColumnElement[Any]:
        return customers.c[name]

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
    check_each = shape.in_order or shape.has_ids or any(map(all, shape.words))
    for name in sorted(shape.uncounted_filters):
        from_index = filter_column if _leads_to_page(shape, name) else column
        found.append(filter_condition(name, from_index, check_each=check_each))
    return found


def _leads_to_page(shape: QueryShape, name: str) -> bool:
    """Tell whether the index of an uncounted filter has the order of the list, so that reading in order can use it.

    The place of a cursor is within the range of times. SQLite would start reading at the limit of the range instead.
    """
    if shape.has_ids or FILTER_ORDER.get(name) != shape.sort_by:
        return False
    is_upward = (shape.sort_order == "asc") != shape.is_backward
    is_start = name in TIME_FILTERS and name.endswith("_since" if is_upward else "_until")
    return not (is_start and shape.has_cursor)


def _matches(shape: QueryShape) -> Select[Any]:
    """Return the query for the ids of all matches or, with `shape.few`, of at most as many as the parameter `few`."""
    only = filter_without_index if shape.has_ids else filter_by_text
    found = only(shape.dialect, select(customers.c.id).where(*_filters(shape)), shape.words)
    return found.limit(bindparam("few")) if shape.few else found
