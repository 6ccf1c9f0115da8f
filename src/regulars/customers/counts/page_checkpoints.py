"""Milestones: every so many customers of a long list one is marked, with how many there are up to the next.

So the page with a given number is found from the nearest checkpoint, in any part of the list, instead of being counted
from its end. They cover the unfiltered list, ordered by creation
and then id, and are kept by the same deltas as the customer counts.
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

from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import count_deltas, customers, page_checkpoints

STEP = 10_000
LONG = 100_000
"""From so many customers on a list has page_checkpoints."""
WORN_OUT = 50_000
"""With so many customers from one checkpoint to the next, they are set anew."""

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

OF_TENANT = page_checkpoints.c.tenant_id == bindparam("tenant_id")
NOTED = (count_deltas.c.tenant_id == bindparam("tenant_id"), count_deltas.c.trashed == literal_column("0"))
FORGET = Statement(delete(page_checkpoints).where(OF_TENANT))
HOW_MANY = Statement(
    select(
        select(func.count()).where(OF_TENANT).scalar_subquery(),
        select(func.coalesce(func.max(page_checkpoints.c.count), literal_column("0")))
        .where(OF_TENANT)
        .scalar_subquery(),
        select(func.count()).where(*NOTED).scalar_subquery(),
    )
)


def _setting() -> Statement:
    """Mark the beginning, and every `STEP`-th customer."""
    order = (customers.c.created_at, customers.c.id)
    listed = (
        select(*order, (func.row_number().over(order_by=order) - literal_column("1")).label("place"))
        .where(customers.c.tenant_id == bindparam("tenant_id"), customers.c.deleted_at.is_(None))
        .subquery("listed")
    )
    place = listed.c.place
    is_first = place == literal_column("0")
    following = func.lead(place).over(order_by=place)
    rows = select(
        cast(bindparam("tenant_id"), BigInteger),
        case((is_first, bindparam("beginning", type_=page_checkpoints.c.created_at.type)), else_=listed.c.created_at),
        case((is_first, literal_column("0")), else_=listed.c.id),
        func.coalesce(following, cast(bindparam("total"), BigInteger)) - place,
    ).where(place % cast(bindparam("step"), BigInteger) == literal_column("0"))
    return Statement(insert(page_checkpoints).from_select(["tenant_id", "created_at", "customer_id", "count"], rows))


SET = _setting()


def set_page_checkpoints(database: Database, tenant_id: int, total: int) -> None:
    """Set the tenant's page_checkpoints anew, where its list, of `total` customers, is long enough for them.

    Belongs in a transaction that sees one moment, and no deltas that are not in `total`.
    """
    database.execute(FORGET, {"tenant_id": tenant_id})
    if total >= LONG:
        database.execute(SET, {"tenant_id": tenant_id, "total": total, "step": STEP, "beginning": BEGINNING})


def _nearest(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of the checkpoint that the customer of a delta lies behind."""
    reached = tuple_(page_checkpoints.c.created_at, page_checkpoints.c.customer_id) <= tuple_(
        count_deltas.c.created_at, count_deltas.c.customer_id
    )
    backward = (page_checkpoints.c.created_at.desc(), page_checkpoints.c.customer_id.desc())
    return select(column).where(OF_TENANT, reached).order_by(*backward).limit(literal_column("1")).scalar_subquery()


def _addition() -> Statement:
    noted = (
        select(
            _nearest(page_checkpoints.c.created_at).label("created_at"),
            _nearest(page_checkpoints.c.customer_id).label("customer_id"),
            count_deltas.c.change,
        )
        .where(*NOTED)
        .subquery("noted")
    )
    place = (noted.c.created_at, noted.c.customer_id)
    change = cast(func.sum(noted.c.change), BigInteger)
    rows = select(cast(bindparam("tenant_id"), BigInteger), *place, change).where(text("true")).group_by(*place)
    adding = upsert(page_checkpoints)
    into = adding.from_select(["tenant_id", "created_at", "customer_id", "count"], rows)
    return Statement(
        into.on_conflict_do_update(
            index_elements=list(page_checkpoints.primary_key.columns),
            set_={"count": page_checkpoints.c.count + adding.excluded.count},
        )
    )


ADD_TO_CHECKPOINTS = _addition()


def add_to_page_checkpoints(database: Database, tenant_id: int, total: int) -> None:
    """Bring the tenant's deltas into its page_checkpoints, or set them anew; `total` has the deltas in it already."""
    values = {"tenant_id": tenant_id}
    ((number, most, noted),) = database.fetch_all(HOW_MANY, values)
    if number and most <= WORN_OUT and noted <= WORN_OUT:
        database.execute(ADD_TO_CHECKPOINTS, values)
    elif number or total >= LONG:
        set_page_checkpoints(database, tenant_id, total)


def checkpoint_before(skipped: ColumnElement[int]) -> FromClause:
    """The last checkpoint with at most so many customers before it: `created_at`, `customer_id`, and `before`, how many
    they are; no row where there are no page_checkpoints."""
    pending = (
        select(
            _nearest(page_checkpoints.c.customer_id).label("customer_id"),
            count_deltas.c.change,
        )
        .where(*NOTED)
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
    counted = (
        select(*order, before.label("before"))
        .select_from(page_checkpoints.outerjoin(changes, changes.c.customer_id == page_checkpoints.c.customer_id))
        .where(OF_TENANT)
        .subquery("counted_checkpoints")
    )
    backward = (counted.c.created_at.desc(), counted.c.customer_id.desc())
    return (
        select(counted)
        .where(counted.c.before <= skipped)
        .order_by(*backward)
        .limit(literal_column("1"))
        .cte("checkpoint")
    )
