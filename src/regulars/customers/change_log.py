"""The log of changes to a tenant's customers, written in the transaction of each change.

A transaction that writes customers of a tenant locks the tenant's counter (`tenants.locks.lock_customers`) until its
end. Changes therefore become visible in the order of their positions 1, 2, 3, …, and a client that has read up to a
position has missed nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Select, bindparam, literal_column, null, select, update

from regulars.customers.validation import MAX_ADVANCING_ID
from regulars.db.database import Database
from regulars.db.dialects import greatest, one_of, upsert
from regulars.db.statement import Row, Statement
from regulars.db.tables import change_counters, customer_changes, imports, users
from regulars.permissions import Actor

CREATED = "created"
MERGED = "merged"
UNMERGED = "unmerged"

Fields = Mapping[str, tuple[Any, Any]]
"""The values before and after a change, by field."""


class Change(NamedTuple):
    """A change of a customer: created, updated, trashed, restored, merged, unmerged, purged or erased.

    The `fields` of a new customer are its values; None if they are erased. `other_id` is the customer that was merged
    into this one or, if a merge trashed this one, the customer that it was merged into.
    """

    customer_id: int
    action: str
    fields: Mapping[str, Any] | Struct | None
    at: datetime
    other_id: int | None = None


class FieldChange(Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """The values of a field before and after a change."""

    before: Any
    after: Any


class ChangeAuthor(Struct, frozen=True):
    """The user who made a change."""

    id: Annotated[int, Meta(examples=[7])]
    name: Annotated[str, Meta(examples=["Zeynep Arslan"])]


class ChangeImport(Struct, frozen=True):
    """The import that made a change."""

    id: Annotated[str, Meta(examples=["019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de"])]
    file_name: Annotated[str, Meta(examples=["customers.xlsx"])]


class CustomerChange(Struct, frozen=True, rename={"imported_from": "import"}):
    """A change of a customer."""

    position: Annotated[int, Meta(description="Number of the change in the tenant, without gaps.", examples=[4711])]
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
        Meta(description="The values before and after, by field. Null if they were erased with the customer."),
    ]
    other_customer_id: Annotated[
        int | None, Meta(description="The customer that was merged into this one, or into which this one was merged.")
    ]
    user: Annotated[
        ChangeAuthor | None, Meta(description="The user who made the change. Null if a service account made it.")
    ]
    client_id: Annotated[str | None, Meta(description="The application that made the change.", examples=["personal"])]
    created_at: Annotated[datetime, Meta(description="Time of the change.", examples=["2026-11-07T05:31:56Z"])]
    imported_from: Annotated[
        ChangeImport | None, Meta(description="The import that made the change or, by its undo, reverted it.")
    ] = None
    bulk_change_id: Annotated[
        str | None, Meta(description="The bulk change that made the change or, by its undo, reverted it.")
    ] = None


_first_changes = upsert(change_counters).values(
    tenant_id=bindparam("tenant_id"), last_position=bindparam("number"), last_customer_id=bindparam("highest_id")
)
ADVANCE_COUNTER = Statement(
    _first_changes.on_conflict_do_update(
        index_elements=[change_counters.c.tenant_id],
        set_={
            "last_position": change_counters.c.last_position + _first_changes.excluded.last_position,
            "last_customer_id": greatest(change_counters.c.last_customer_id, _first_changes.excluded.last_customer_id),
        },
    ).returning(change_counters.c.last_position)
)
_last = select(change_counters.c.last_position).where(change_counters.c.tenant_id == bindparam("tenant_id"))
LAST_POSITION = Statement(_last)
LAST_VISIBLE_POSITION = Statement(_last, replica_ok=True)
CHANGE_COLUMNS = tuple(column.name for column in customer_changes.columns)
IS_OF_CUSTOMER = (
    customer_changes.c.tenant_id == bindparam("of_tenant"),
    customer_changes.c.customer_id == bindparam("of_customer"),
)
ERASE_VALUES = Statement(
    update(customer_changes)
    .where(*IS_OF_CUSTOMER, customer_changes.c.position.between(bindparam("first"), bindparam("last")))
    .values(fields=null())
)
ERASE_ALL_VALUES = Statement(
    update(customer_changes)
    .where(customer_changes.c.tenant_id == bindparam("of_tenant"), one_of(customer_changes.c.customer_id, "ids"))
    .values(fields=null())
)
LIST_MERGES = Statement(
    select(customer_changes.c.position, customer_changes.c.customer_id, customer_changes.c.action)
    .where(
        customer_changes.c.tenant_id == bindparam("tenant_id"),
        customer_changes.c.other_id == bindparam("other_id"),
        customer_changes.c.action.in_([literal_column(f"'{action}'") for action in (MERGED, UNMERGED)]),
    )
    .order_by(customer_changes.c.position)
)
MAX_POSITION = 2**63 - 1


def _advance_counter(database: Database, tenant_id: int, changes: Sequence[Change]) -> int:
    new_ids = [change.customer_id for change in changes if change.action == CREATED]
    highest_id = max((number for number in new_ids if number <= MAX_ADVANCING_ID), default=0)
    values = {"tenant_id": tenant_id, "number": len(changes), "highest_id": highest_id}
    ((last,),) = database.fetch_all(ADVANCE_COUNTER, values)
    return int(last)


def record_changes(
    database: Database, tenant_id: int, actor: Actor, changes: Sequence[Change], source_id: str | None = None
) -> range:
    """Append `changes` to the log, in the current transaction. Return their positions.

    Also raise the tenant's last customer id to the highest new id (up to `MAX_ADVANCING_ID`), so that later customers
    get higher ids. `source_id` is the import or bulk change that makes the changes.
    """
    if not changes:
        return range(0)
    first = _advance_counter(database, tenant_id, changes) - len(changes) + 1
    rows = [
        (
            tenant_id,
            position,
            change.customer_id,
            change.action,
            None if change.fields is None else _encode(change.fields).decode(),
            change.other_id,
            actor.user_id,
            actor.client_id,
            change.at,
            source_id,
        )
        for position, change in enumerate(changes, first)
    ]
    database.load(customer_changes, CHANGE_COLUMNS, rows)
    return range(first, first + len(changes))


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
UNLOGGED_FIELDS = {"id", "version"}


def forget_fields(database: Database, tenant_id: int, customer_ids: Collection[int]) -> None:
    """Erase the values in the log entries of customers. The entries stay."""
    database.execute(ERASE_ALL_VALUES, {"of_tenant": tenant_id, "ids": list(customer_ids)})


def forget_merges(database: Database, tenant_id: int, customer_id: int) -> None:
    """Erase the values in the log of each customer into which this one was merged, directly or not.

    Only entries from the merge to its end are erased, because they can contain values of this customer.
    """
    waiting = [(customer_id, 1, MAX_POSITION)]
    while waiting:
        other_id, first, last = waiting.pop()
        for survivor_id, merged, unmerged in _merges(database, tenant_id, other_id):
            if merged <= last and unmerged >= first:
                _erase_values(database, tenant_id, survivor_id, merged, unmerged)
                waiting.append((survivor_id, merged, unmerged))


def _erase_values(database: Database, tenant_id: int, customer_id: int, first: int, last: int) -> None:
    database.execute(ERASE_VALUES, {"of_tenant": tenant_id, "of_customer": customer_id, "first": first, "last": last})


def _merges(database: Database, tenant_id: int, other_id: int) -> list[tuple[int, int, int]]:
    """Return the customers into which a customer was merged, with the positions of the merge and of its end.

    The end of a merge that was not undone is `MAX_POSITION`.
    """
    found: list[tuple[int, int, int]] = []
    for position, survivor_id, action in database.fetch_all(
        LIST_MERGES, {"tenant_id": tenant_id, "other_id": other_id}
    ):
        if action == MERGED:
            found.append((survivor_id, position, MAX_POSITION))
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
            customer_changes.c.source_id,
            imports.c.file_name,
        )
        .select_from(
            customer_changes.outerjoin(users, users.c.id == customer_changes.c.user_id).outerjoin(
                imports,
                (imports.c.tenant_id == customer_changes.c.tenant_id) & (imports.c.id == customer_changes.c.source_id),
            )
        )
        .where(*conditions)
        .order_by(customer_changes.c.position)
        .limit(bindparam("limit"))
    )


LIST_CHANGES = Statement(_changes(*SINCE), replica_ok=True)
LIST_CUSTOMER_CHANGES = Statement(
    _changes(*SINCE, customer_changes.c.customer_id == bindparam("customer_id")), replica_ok=True
)


GET_LAST_MERGE = Statement(
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
    """Return the values before and after the last merge of the other customer into this one, by field, as JSON values.

    Return an empty mapping if there was no such merge, or if its values were erased.
    """
    values = {"tenant_id": tenant_id, "customer_id": customer_id, "other_id": other_id}
    row = database.fetch_one(GET_LAST_MERGE, values)
    return _decode(row[0]) if row and row[0] else {}


def list_changes(database: Database, tenant_id: int, since: int, limit: int) -> list[CustomerChange]:
    """Return the first `limit` changes of the tenant after the position `since`."""
    rows = database.fetch_all(LIST_CHANGES, {"tenant_id": tenant_id, "since": since, "limit": limit})
    return [_change(row) for row in rows]


def list_history(database: Database, tenant_id: int, customer_id: int, since: int, limit: int) -> list[CustomerChange]:
    """Return the first `limit` changes of a customer after the position `since`."""
    values = {"tenant_id": tenant_id, "customer_id": customer_id, "since": since, "limit": limit}
    return [_change(row) for row in database.fetch_all(LIST_CUSTOMER_CHANGES, values)]


def last_position(database: Database, tenant_id: int) -> int:
    """Return the position of the tenant's last change, which is also the number of its changes."""
    row = database.fetch_one(LAST_POSITION, {"tenant_id": tenant_id})
    return int(row[0]) if row else 0


def last_seen_position(database: Database, tenant_id: int) -> int:
    """Return the position of the last change, like `last_position`, but from the same database as the customer list.

    It may be too low, because both may be read from a replica that is behind.
    """
    row = database.fetch_one(LAST_VISIBLE_POSITION, {"tenant_id": tenant_id})
    return int(row[0]) if row else 0


def _change(row: Row) -> CustomerChange:
    position, customer_id, action, fields, other_id, user_id, user_name, client_id, at, source_id, file_name = row
    changed = None
    if fields is not None:
        pairs = _decode(fields).items()
        changed = {
            name: FieldChange([] if name == "tags" else None, value) if action == CREATED else FieldChange(*value)
            for name, value in pairs
            if name not in UNLOGGED_FIELDS
        }
    author = ChangeAuthor(user_id, user_name) if user_id is not None and user_name is not None else None
    # Only imports have a file name.
    imported_from = ChangeImport(source_id, file_name) if source_id is not None and file_name is not None else None
    bulk_change_id = source_id if imported_from is None else None
    return CustomerChange(
        position, customer_id, action, changed, other_id, author, client_id, at, imported_from, bulk_change_id
    )
