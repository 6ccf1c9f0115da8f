"""Page checkpoints: the position of about every 10,000th customer of a long list, to find pages by their number.

A page is read from the last checkpoint before it, instead of counting all rows from an end of the list. A checkpoint
names a customer and stores the number of customers from there to the next checkpoint. Checkpoints cover the list
without filters, ordered by `created_at` and then `id`. The same deltas update them and the customer counts.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    tuple_,
)

from regulars.customers.counts.totals import IS_LISTED_DELTA
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import count_deltas, customers, page_checkpoints

CHECKPOINT_DISTANCE = 10_000
MIN_CHECKPOINT_TOTAL = 100_000
"""A shorter list has no checkpoints."""
MAX_CHECKPOINT_DISTANCE = 50_000
"""If two checkpoints are farther apart, or more deltas are to be merged, all checkpoints are set again."""

LIST_START = datetime(1, 1, 1, tzinfo=UTC)
"""The `created_at` of the first checkpoint: before that of any customer."""

CHECKPOINT_COLUMNS = ["tenant_id", "created_at", "customer_id", "count"]
IS_CHECKPOINT_OF_TENANT = page_checkpoints.c.tenant_id == bindparam("tenant_id")
DELETE_CHECKPOINTS = Statement(delete(page_checkpoints).where(IS_CHECKPOINT_OF_TENANT))
MEASURE_CHECKPOINTS = Statement(
    select(
        select(func.count()).where(IS_CHECKPOINT_OF_TENANT).scalar_subquery(),
        select(func.coalesce(func.max(page_checkpoints.c.count), literal_column("0")))
        .where(IS_CHECKPOINT_OF_TENANT)
        .scalar_subquery(),
        select(func.count()).where(*IS_LISTED_DELTA).scalar_subquery(),
    )
)
"""Returns the number of checkpoints, the greatest distance between two, and the number of deltas to merge."""


def _insert_checkpoints() -> Statement:
    """Return the statement that inserts a checkpoint for the start of the list and for every :step-th customer."""
    order = (customers.c.created_at, customers.c.id)
    listed = (
        select(*order, (func.row_number().over(order_by=order) - literal_column("1")).label("position"))
        .where(customers.c.tenant_id == bindparam("tenant_id"), customers.c.deleted_at.is_(None))
        .subquery("listed")
    )
    position = listed.c.position
    is_first = position == literal_column("0")
    next_position = func.lead(position).over(order_by=position)
    start = bindparam("list_start", type_=page_checkpoints.c.created_at.type)
    rows = select(
        cast(bindparam("tenant_id"), BigInteger),
        case((is_first, start), else_=listed.c.created_at),
        case((is_first, literal_column("0")), else_=listed.c.id),
        func.coalesce(next_position, cast(bindparam("total"), BigInteger)) - position,
    ).where(position % cast(bindparam("step"), BigInteger) == literal_column("0"))
    return Statement(insert(page_checkpoints).from_select(CHECKPOINT_COLUMNS, rows))


INSERT_CHECKPOINTS = _insert_checkpoints()


def set_page_checkpoints(database: Database, tenant_id: int, total: int) -> None:
    """Delete the tenant's checkpoints, and set new ones if its list of `total` customers is long enough.

    Call it in a transaction with one snapshot. `total` must include all deltas.
    """
    database.execute(DELETE_CHECKPOINTS, {"tenant_id": tenant_id})
    if total >= MIN_CHECKPOINT_TOTAL:
        values = {"tenant_id": tenant_id, "total": total, "step": CHECKPOINT_DISTANCE, "list_start": LIST_START}
        database.execute(INSERT_CHECKPOINTS, values)


def _preceding_checkpoint(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an expression for `column` of the last checkpoint at or before the customer of a delta."""
    is_at_or_before = tuple_(page_checkpoints.c.created_at, page_checkpoints.c.customer_id) <= tuple_(
        count_deltas.c.created_at, count_deltas.c.customer_id
    )
    backward = (page_checkpoints.c.created_at.desc(), page_checkpoints.c.customer_id.desc())
    last = select(column).where(IS_CHECKPOINT_OF_TENANT, is_at_or_before).order_by(*backward)
    return last.limit(literal_column("1")).scalar_subquery()


def _merge_deltas() -> Statement:
    deltas = (
        select(
            _preceding_checkpoint(page_checkpoints.c.created_at).label("created_at"),
            _preceding_checkpoint(page_checkpoints.c.customer_id).label("customer_id"),
            count_deltas.c.change,
        )
        .where(*IS_LISTED_DELTA)
        .subquery("deltas")
    )
    key = (deltas.c.created_at, deltas.c.customer_id)
    change = cast(func.sum(deltas.c.change), BigInteger)
    rows = select(cast(bindparam("tenant_id"), BigInteger), *key, change).where(text("true")).group_by(*key)
    insertion = upsert(page_checkpoints)
    return Statement(
        insertion.from_select(CHECKPOINT_COLUMNS, rows).on_conflict_do_update(
            index_elements=list(page_checkpoints.primary_key.columns),
            set_={"count": page_checkpoints.c.count + insertion.excluded.count},
        )
    )


MERGE_DELTAS_INTO_CHECKPOINTS = _merge_deltas()


def update_page_checkpoints(database: Database, tenant_id: int, total: int) -> None:
    """Add the tenant's deltas to its checkpoints.

    Set all checkpoints again if they are too far apart, if there are too many deltas, or if a long list has none yet.
    `total` must include the deltas.
    """
    values = {"tenant_id": tenant_id}
    ((number, distance, deltas),) = database.fetch_all(MEASURE_CHECKPOINTS, values)
    if number and distance <= MAX_CHECKPOINT_DISTANCE and deltas <= MAX_CHECKPOINT_DISTANCE:
        database.execute(MERGE_DELTAS_INTO_CHECKPOINTS, values)
    elif number or total >= MIN_CHECKPOINT_TOTAL:
        set_page_checkpoints(database, tenant_id, total)


def last_checkpoint(skipped: ColumnElement[int]) -> FromClause:
    """Return the CTE of the last checkpoint with at most `skipped` customers before it.

    Its columns are `created_at`, `customer_id` and `before`, the number of customers before the checkpoint. It has no
    row if the tenant has no checkpoints.
    """
    pending = (
        select(
            _preceding_checkpoint(page_checkpoints.c.customer_id).label("customer_id"),
            count_deltas.c.change,
        )
        .where(*IS_LISTED_DELTA)
        .subquery("pending")
    )
    changes = (
        select(pending.c.customer_id, func.sum(pending.c.change).label("change"))
        .group_by(pending.c.customer_id)
        .subquery("changes")
    )
    count = page_checkpoints.c.count + func.coalesce(changes.c.change, literal_column("0"))
    order = (page_checkpoints.c.created_at, page_checkpoints.c.customer_id)
    before = cast(func.sum(count).over(order_by=order) - count, BigInteger)
    checkpoints = (
        select(*order, before.label("before"))
        .select_from(page_checkpoints.outerjoin(changes, changes.c.customer_id == page_checkpoints.c.customer_id))
        .where(IS_CHECKPOINT_OF_TENANT)
        .subquery("checkpoints")
    )
    backward = (checkpoints.c.created_at.desc(), checkpoints.c.customer_id.desc())
    return (
        select(checkpoints)
        .where(checkpoints.c.before <= skipped)
        .order_by(*backward)
        .limit(literal_column("1"))
        .cte("checkpoint")
    )
