"""What happened to a tenant's customers, one after the other: written with each change, and read by those who follow.

Whoever writes a tenant's customers holds the tenant's counter (`tenants.locks.lock_customers`) until the end of the
transaction. So changes are numbered 1, 2, 3 in the order in which they can be seen: who has read up to a position
misses nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Select, bindparam, literal_column, null, select, update

from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Row, Statement
from regulars.db.tables import change_counters, customer_changes, users
from regulars.permissions import Actor

CREATED = "created"
MERGED = "merged"
UNMERGED = "unmerged"

Fields = Mapping[str, tuple[Any, Any]]
"""For each field that a change is about: its value before and afterwards."""


class Change(NamedTuple):
    """What happened to a customer: created, updated, trashed, restored, merged, unmerged, purged or erased.

    Where it was created, `fields` are simply what it is. `other_id` is the customer that was merged into it or, where
    it was trashed by that, the one that goes on.
    """

    customer_id: int
    action: str
    fields: Fields | Struct
    at: datetime
    other_id: int | None = None


class FieldChange(Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """From what to what a field was changed."""

    before: Any
    after: Any


class ChangeAuthor(Struct, frozen=True):
    """The user who did something."""

    id: Annotated[int, Meta(examples=[7])]
    name: Annotated[str, Meta(examples=["Zeynep Arslan"])]


class CustomerChange(Struct, frozen=True):
    """Something that happened to a customer."""

    position: Annotated[int, Meta(description="Counts the changes of the tenant, without gaps.", examples=[4711])]
    customer_id: Annotated[int, Meta(examples=[123])]
    action: Annotated[
        str,
        Meta(
            description="created, updated, trashed, restored, merged, unmerged, purged or erased.",
            examples=["updated"],
        ),
    ]
    fields: Annotated[
        dict[str, FieldChange] | None,
        Meta(description="From what to what, by field; null where that was erased with the customer."),
    ]
    other_customer_id: Annotated[
        int | None, Meta(description="The customer that was merged into this one, or that this one was merged into.")
    ]
    user: Annotated[ChangeAuthor | None, Meta(description="Who did it; null where it was an application by itself.")]
    client_id: Annotated[str | None, Meta(description="The application that it was done with.", examples=["personal"])]
    created_at: Annotated[datetime, Meta(description="When.", examples=["2026-11-07T05:31:56Z"])]


_first_changes = upsert(change_counters).values(tenant_id=bindparam("tenant_id"), last=bindparam("number"))
ADVANCE_COUNTER = Statement(
    _first_changes.on_conflict_do_update(
        index_elements=[change_counters.c.tenant_id],
        set_={"last": change_counters.c.last + _first_changes.excluded.last},
    ).returning(change_counters.c.last)
)
_last = select(change_counters.c.last).where(change_counters.c.tenant_id == bindparam("tenant_id"))
LAST = Statement(_last)
LAST_SEEN = Statement(_last, replica_ok=True)
COLUMNS = tuple(column.name for column in customer_changes.columns)
OF_CUSTOMER = (
    customer_changes.c.tenant_id == bindparam("of_tenant"),
    customer_changes.c.customer_id == bindparam("of_customer"),
)
FORGET = Statement(
    update(customer_changes)
    .where(*OF_CUSTOMER, customer_changes.c.position.between(bindparam("first"), bindparam("last")))
    .values(fields=null())
)
MERGES = Statement(
    select(customer_changes.c.position, customer_changes.c.customer_id, customer_changes.c.action)
    .where(
        customer_changes.c.tenant_id == bindparam("tenant_id"),
        customer_changes.c.other_id == bindparam("other_id"),
        customer_changes.c.action.in_([literal_column(f"'{action}'") for action in (MERGED, UNMERGED)]),
    )
    .order_by(customer_changes.c.position)
)
HIGHEST = 2**63 - 1


def _count(database: Database, tenant_id: int, number: int) -> int:
    ((last,),) = database.fetch_all(ADVANCE_COUNTER, {"tenant_id": tenant_id, "number": number})
    return int(last)


def record_changes(database: Database, tenant_id: int, actor: Actor, changes: Sequence[Change]) -> None:
    """Write `changes` down, in the transaction that makes them."""
    if not changes:
        return
    first = _count(database, tenant_id, len(changes)) - len(changes) + 1
    rows = [
        (
            tenant_id,
            position,
            change.customer_id,
            change.action,
            _encode(change.fields).decode(),
            change.other_id,
            actor.user_id,
            actor.client_id,
            change.at,
        )
        for position, change in enumerate(changes, first)
    ]
    database.load(customer_changes, COLUMNS, rows)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
NOT_FIELDS = {"id", "version"}


def forget_fields(database: Database, tenant_id: int, customer_id: int) -> None:
    """Keep of a customer's changes that they happened, and not from what to what."""
    _forget(database, tenant_id, customer_id, 1, HIGHEST)


def forget_merges(database: Database, tenant_id: int, customer_id: int) -> None:
    """The same for those into whom the customer was merged, and they in turn, for as long as they had its data."""
    waiting = [(customer_id, 1, HIGHEST)]
    while waiting:
        other_id, first, last = waiting.pop()
        for survivor_id, merged, unmerged in _merges(database, tenant_id, other_id):
            if merged <= last and unmerged >= first:
                _forget(database, tenant_id, survivor_id, merged, unmerged)
                waiting.append((survivor_id, merged, unmerged))


def _forget(database: Database, tenant_id: int, customer_id: int, first: int, last: int) -> None:
    database.execute(FORGET, {"of_tenant": tenant_id, "of_customer": customer_id, "first": first, "last": last})


def _merges(database: Database, tenant_id: int, other_id: int) -> list[tuple[int, int, int]]:
    """Into whom a customer was merged, and the positions of that and of when it was undone."""
    found: list[tuple[int, int, int]] = []
    for position, survivor_id, action in database.fetch_all(MERGES, {"tenant_id": tenant_id, "other_id": other_id}):
        if action == MERGED:
            found.append((survivor_id, position, HIGHEST))
        elif found:
            found[-1] = (survivor_id, found[-1][1], position)
    return found


SINCE = (customer_changes.c.tenant_id == bindparam("tenant_id"), customer_changes.c.position > bindparam("since"))


def _changes(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(
            customer_changes.c.position,
            customer_changes.c.customer_id,
            customer_changes.c.action,
            customer_changes.c.fields,
            customer_changes.c.other_id,
            customer_changes.c.user_id,
            users.c.name,
            customer_changes.c.client_id,
            customer_changes.c.created_at,
        )
        .select_from(customer_changes.outerjoin(users, users.c.id == customer_changes.c.user_id))
        .where(*conditions)
        .order_by(customer_changes.c.position)
        .limit(bindparam("limit"))
    )


ALL = Statement(_changes(*SINCE), replica_ok=True)
OF_ONE = Statement(_changes(*SINCE, customer_changes.c.customer_id == bindparam("customer_id")), replica_ok=True)


LAST_MERGE = Statement(
    select(customer_changes.c.fields)
    .where(
        customer_changes.c.tenant_id == bindparam("tenant_id"),
        customer_changes.c.customer_id == bindparam("customer_id"),
        customer_changes.c.action == MERGED,
        customer_changes.c.other_id == bindparam("other_id"),
    )
    .order_by(customer_changes.c.position.desc())
    .limit(literal_column("1"))
)


def fields_of_merge(database: Database, tenant_id: int, customer_id: int, other_id: int) -> Mapping[str, list[Any]]:
    """From what to what, as JSON has it, a customer's fields were changed when the other was last merged into it;
    nothing where that is erased."""
    values = {"tenant_id": tenant_id, "customer_id": customer_id, "other_id": other_id}
    row = database.fetch_one(LAST_MERGE, values)
    return _decode(row[0]) if row and row[0] else {}


def list_changes(database: Database, tenant_id: int, since: int, limit: int) -> list[CustomerChange]:
    """The tenant's changes after the position `since`, at most so many."""
    rows = database.fetch_all(ALL, {"tenant_id": tenant_id, "since": since, "limit": limit})
    return [_change(row) for row in rows]


def list_history(database: Database, tenant_id: int, customer_id: int, since: int, limit: int) -> list[CustomerChange]:
    """The changes of one customer after the position `since`, at most so many."""
    values = {"tenant_id": tenant_id, "customer_id": customer_id, "since": since, "limit": limit}
    return [_change(row) for row in database.fetch_all(OF_ONE, values)]


def last_position(database: Database, tenant_id: int) -> int:
    """How many changes there have been."""
    row = database.fetch_one(LAST, {"tenant_id": tenant_id})
    return int(row[0]) if row else 0


def last_seen_position(database: Database, tenant_id: int) -> int:
    """The same, as whoever reads the list sees it: where a replica is behind, both are."""
    row = database.fetch_one(LAST_SEEN, {"tenant_id": tenant_id})
    return int(row[0]) if row else 0


def _change(row: Row) -> CustomerChange:
    position, customer_id, action, fields, other_id, user_id, user_name, client_id, at = row
    changed = None
    if fields is not None:
        pairs = _decode(fields).items()
        changed = {
            name: FieldChange([] if name == "tags" else None, value) if action == CREATED else FieldChange(*value)
            for name, value in pairs
            if name not in NOT_FIELDS
        }
    author = ChangeAuthor(user_id, user_name) if user_id is not None and user_name is not None else None
    return CustomerChange(position, customer_id, action, changed, other_id, author, client_id, at)
