"""The statements of the list: one for each shape of what can be asked of it."""

from collections.abc import Callable, Mapping, Sequence
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
from regulars.customers.read.search import Words, only_containing, only_matching
from regulars.customers.schemas import CUSTOMER_COLUMNS
from regulars.db.dialects import one_of, without_index
from regulars.db.statement import Statement
from regulars.db.tables import countries, customer_tags, customers, users

SortBy = Literal["first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at"]
SortOrder = Literal["asc", "desc"]
Start = Literal["page", "page from the end", "page by checkpoint", "after", "after empty", "before", "before empty"]
"""Where a page begins: a number of rows after the start of the list, before its end or after a checkpoint; or next to
the row that a cursor names, whose sort field may be empty."""

UncountedFilter = Literal["updated_since", "tag_id", "channel_id", "country_id", "ids"]
"""Filters that the census does not count by."""
ALONG: Mapping[str, SortBy] = {
    "updated_at": "updated_at",
    "default_channel_id": "created_at",
    "country_id": "created_at",
}
"""Columns of such filters whose index has the customers in an order of the list."""

KEYS: Mapping[SortBy, ColumnElement[Any]] = {
    "first_name": customers.c.first_name_key,
    "last_name": customers.c.last_name_key,
    "date_of_birth": customers.c.date_of_birth,
    "gender": customers.c.gender,
    "created_at": customers.c.created_at,
    "updated_at": customers.c.updated_at,
}
MAY_BE_EMPTY = {"last_name", "date_of_birth", "gender"}

KEY, TOTAL = len(CUSTOMER_COLUMNS), len(CUSTOMER_COLUMNS) + 1


class QueryShape(NamedTuple):
    """All of a listing that makes a difference to its SQL.

    `rows`, how many are read at most, is part of it, since PostgreSQL plans well only if it knows how few are wanted.
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
    """Read customers in their order and leave out others, rather than find all that match and sort them."""
    few: bool = False
    """Where it is counted: look for no more than `few` matches (a value), and take those for all."""
    beside: frozenset[UncountedFilter] = frozenset()

    @property
    def is_counted(self) -> bool:
        """Whether the census does not know how many there are."""
        return bool(self.words or self.beside)

    @property
    def has_ids(self) -> bool:
        """Whether only customers of some ids are wanted: so few that they are always found by these, and each looked
        at."""
        return "ids" in self.beside

    @property
    def has_ages(self) -> bool:
        """Whether only customers of some ages are wanted."""
        return self.born_until or self.born_after

    @property
    def is_planned_by_count(self) -> bool:
        """Whether the matches must be counted to choose the way to read them: SQLite plans a statement without its
        values."""
        return self.dialect == "sqlite" and self.has_ages and not self.has_ids

    @property
    def has_only_short_words(self) -> bool:
        """Whether SQLite's index of trigrams finds none of the words as they are."""
        return self.dialect == "sqlite" and bool(self.words) and not any(map(all, self.words))

    @property
    def is_backward(self) -> bool:
        """Whether the rows are found in the opposite order."""
        return self.start in {"page from the end", "before", "before empty"}


@lru_cache(maxsize=2_000)
def page_statement(shape: QueryShape) -> Statement:
    """The statement for a page: `CUSTOMER_COLUMNS`, the sort key and the total in every row, in the order of the list.

    The page is found by an index alone, and only its own rows are read and joined. Where they must be counted the total
    is there only if the matches are few.
    """
    key = KEYS[shape.sort_by].label("key")
    if shape.is_counted and not shape.in_order:
        source = _matches(shape).add_columns(key).cte("matches").prefix_with("MATERIALIZED", dialect="postgresql")
        total: FromClause = select(func.count().label("total")).select_from(source).cte("counted")
        wanted: Select[Any] = select(source.c.id, source.c.key)
        page = _page(shape, wanted, source.c.id, source.c.key, total)
    else:
        kept = null() if shape.is_counted else _kept_total(shape)
        total = select(kept.label("total")).cte("counted")
        wanted = only_containing(shape.dialect, select(customers.c.id, key).where(*_filters(shape)), shape.words)
        page = _page(shape, wanted, customers.c.id, KEYS[shape.sort_by], total)
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
    """The statement for the total alone."""
    if shape.is_counted:
        counted = select(func.count()).select_from(_matches(shape).subquery("matches"))
        return Statement(counted, custom_plan=True, replica_ok=True, dialect=shape.dialect)
    return Statement(select(_kept_total(shape)), replica_ok=True, dialect=shape.dialect)


def _kept_total(shape: QueryShape) -> ColumnElement[int]:
    return total_expression(by_user=shape.user_id, by_gender=shape.gender, by_birth_date=shape.has_ages)


def _read(shape: QueryShape, page: FromClause, total: FromClause) -> Select[Any]:
    key = KEYS[shape.sort_by]
    joined = (
        page.join(customers, and_(customers.c.tenant_id == bindparam("tenant_id"), customers.c.id == page.c.id))
        .outerjoin(countries, countries.c.id == customers.c.country_id)
        .outerjoin(users, users.c.id == customers.c.user_id)
    )
    counted = select(total.c.total).scalar_subquery()
    rows = select(*CUSTOMER_COLUMNS, key.label("key"), counted.label("total")).select_from(joined)
    return rows.order_by(*_order(shape, customers.c.id, key, backward=False))


def _page(shape: QueryShape, wanted: Select[Any], row_id: Any, key: Any, total: FromClause) -> FromClause:
    """The ids of the page's rows, at most `shape.rows`."""
    most: ColumnElement[int] = literal_column(str(shape.rows))
    order = _order(shape, row_id, key, backward=shape.is_backward)
    if shape.start == "page":
        return wanted.order_by(*order).limit(most).offset(bindparam("offset")).subquery("page")
    if shape.start == "page by checkpoint":
        return _page_by_checkpoint(shape, wanted, total)
    if shape.start == "page from the end":
        skipped, found = _from_the_end(shape, total)
        backward = wanted.order_by(*order).limit(found).offset(skipped).subquery("backward")
        # Of a limit that is computed PostgreSQL thinks that it were a great one.
        return select(backward.c.id).limit(most).subquery("page")
    parts = [
        select(wanted.where(*part).order_by(*order).limit(most).subquery()) for part in _beside(shape, row_id, key)
    ]
    if len(parts) == 1:
        return parts[0].subquery("page")
    either = union_all(*parts).subquery("either")
    order = _order(shape, either.c.id, either.c.key, backward=shape.is_backward)
    return select(either.c.id).order_by(*order).limit(most).subquery("page")


def _page_by_checkpoint(shape: QueryShape, wanted: Select[Any], total: FromClause) -> FromClause:
    """Read upward from the last checkpoint before the page, in either order of the list."""
    skipped, found = _from_the_end(shape, total)
    if shape.sort_order == "asc":
        skipped, found = bindparam("offset"), literal_column(str(shape.rows))
    checkpoint = last_checkpoint(skipped)
    at = [select(checkpoint.c[name]).scalar_subquery() for name in ("created_at", "customer_id")]
    # Where there is none, everything is behind it.
    behind = tuple_(customers.c.created_at, customers.c.id) >= tuple_(
        func.coalesce(at[0], bindparam("beginning", type_=customers.c.created_at.type)),
        func.coalesce(at[1], literal_column("0")),
    )
    before = func.coalesce(select(checkpoint.c.before).scalar_subquery(), literal_column("0"))
    upward = wanted.where(behind).order_by(customers.c.created_at, customers.c.id).limit(found).offset(skipped - before)
    # Of a limit that is computed PostgreSQL thinks that it were a great one.
    return select(upward.subquery("upward").c.id).limit(literal_column(str(shape.rows))).subquery("page")


def _from_the_end(shape: QueryShape, total: FromClause) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """How many rows to leave out from the end, and how many to take: the last page may be a short one."""
    offset, most = cast(bindparam("offset"), BigInteger), literal_column(str(shape.rows), BigInteger)
    rest = total.c.total - offset
    nothing = literal_column("0", BigInteger)
    skipped = case((rest > most, rest - most), else_=nothing)
    found = case((rest > most, most), (rest > nothing, rest), else_=nothing)
    return select(skipped).scalar_subquery(), select(found).scalar_subquery()


def _beside(shape: QueryShape, row_id: Any, key: Any) -> Sequence[list[ColumnElement[bool]]]:
    """The conditions for what lies beyond the cursor's row: parts that an index finds each, the nearest first.

    Empty values come last in both orders, and among themselves in the order of the ids.
    """
    upward = (shape.sort_order == "asc") != shape.is_backward
    cursor_id: ColumnElement[int] = bindparam("cursor_id")
    id_beyond = row_id > cursor_id if upward else row_id < cursor_id
    if shape.start in {"after empty", "before empty"}:
        among_empty = [key.is_(None), id_beyond]
        return [among_empty, [key.is_not(None)]] if shape.is_backward else [among_empty]
    row, cursor = tuple_(key, row_id), tuple_(bindparam("cursor_key", type_=KEYS[shape.sort_by].type), cursor_id)
    beyond = [row > cursor if upward else row < cursor]
    return [beyond, [key.is_(None)]] if shape.sort_by in MAY_BE_EMPTY and not shape.is_backward else [beyond]


def _order(shape: QueryShape, row_id: Any, key: Any, *, backward: bool) -> tuple[Any, Any]:
    upward = (shape.sort_order == "asc") != backward
    ordered = key.asc() if upward else key.desc()
    if shape.sort_by in MAY_BE_EMPTY:
        ordered = ordered.nulls_first() if backward else ordered.nulls_last()
    return ordered, row_id.asc() if upward else row_id.desc()


def _filters(shape: QueryShape) -> list[ColumnElement[bool]]:
    def column(name: str) -> ColumnElement[Any]:
        has_order = shape.beside and ALONG.get(name) == shape.sort_by
        if shape.has_ids or (shape.in_order and not has_order):
            return without_index(customers.c[name])
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
    for name in sorted(shape.beside):
        found.append(_tagged(shape) if name == "tag_id" else _condition(shape, name, column))
    return found


def _condition(
    shape: QueryShape, name: UncountedFilter, column: Callable[[str], ColumnElement[Any]]
) -> ColumnElement[bool]:
    """Of a filter that the census does not count by."""
    if name == "ids":
        return one_of(customers.c.id, "ids")
    if name == "updated_since":
        return column("updated_at") >= bindparam("updated_since", type_=customers.c.updated_at.type)
    return column("default_channel_id" if name == "channel_id" else name) == bindparam(name)


def _tagged(shape: QueryShape) -> ColumnElement[bool]:
    """Of customers with the tag. The database may begin at either end of the join, and stop when it has enough; SQLite
    would first gather all customers of the tag for an IN. Where customers are found otherwise, each is looked at."""
    has_tag = and_(
        customer_tags.c.tenant_id == bindparam("tenant_id"),
        customer_tags.c.tag_id == bindparam("tag_id"),
        customer_tags.c.customer_id == customers.c.id,
    )
    if shape.in_order or shape.has_ids or any(map(all, shape.words)):
        return select(customer_tags.c.tag_id).where(has_tag).correlate(customers).exists()
    return has_tag


def _matches(shape: QueryShape) -> Select[Any]:
    """The ids of all customers that match, or of the first few."""
    only = only_containing if shape.has_ids else only_matching
    found = only(shape.dialect, select(customers.c.id).where(*_filters(shape)), shape.words)
    return found.limit(bindparam("few")) if shape.few else found
