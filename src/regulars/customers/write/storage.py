"""Insert customers, and update everything derived from them in the same transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import to_builtins
from msgspec.structs import astuple

from regulars.clock import utc_now
from regulars.customers.change_log import CREATED, Change, record_changes
from regulars.customers.counts.group_counts import (
    CHANNEL,
    COUNTRY,
    CREATED_MONTH,
    TAG,
    GroupDeltas,
    add_group_deltas,
)
from regulars.customers.counts.totals import NO_USER, UNKNOWN_BIRTH_DATE, CountDelta, add_count_deltas, number_of_day
from regulars.customers.fields import STORED_FIELDS, Record
from regulars.db.database import Database
from regulars.db.statement import Row
from regulars.db.tables import customer_tags, customers
from regulars.permissions import COMMAND_LINE, Actor
from regulars.tenants.locks import lock_customers
from regulars.text import search_text, sort_key

TAG_COLUMNS = ("tenant_id", "customer_id", "tag_id")
SEARCHED_FIELDS = ("first_name", "last_name", "phone_number", "email", "identity_number")
COLUMNS = ("tenant_id", *STORED_FIELDS, "first_name_key", "last_name_key", "search_text")


def row_of(record: Record, derived: Row | None = None) -> Row:
    """Return the values of `COLUMNS` without the tenant: fields of the record, sort keys and search text.

    `derived` are the last three, if they have been computed already.
    """
    if derived is None:
        derived = derived_columns(*(getattr(record, name) for name in SEARCHED_FIELDS))
    return (*astuple(record), *derived)


def derived_columns(
    first_name: str,
    last_name: str | None,
    phone_number: str | None,
    email: str | None,
    identity_number: str | None,
) -> Row:
    """Return the sort keys and the search text of a customer with these values (`SEARCHED_FIELDS`)."""
    text = search_text(first_name, last_name, phone_number, email, identity_number)
    return sort_key(first_name) or "", sort_key(last_name), text


def reserve_customer_ids(database: Database, tenant_id: int, count: int) -> range:
    """Reserve `count` unused ids for customers of the tenant, and return them."""
    with database.transaction():
        last = lock_customers(database, tenant_id, new_customers=count).customer
    return range(last - count + 1, last + 1)


def keep_new_ids_above(database: Database, tenant_id: int, customer_id: int) -> None:
    """Let later customers of the tenant get ids above `customer_id`."""
    with database.transaction():
        missing = customer_id - lock_customers(database, tenant_id).customer
        if missing > 0:
            lock_customers(database, tenant_id, new_customers=missing)


def insert_customers(
    database: Database,
    tenant_id: int,
    records: Sequence[Record],
    actor: Actor = COMMAND_LINE,
    tags: Mapping[int, Sequence[int]] = {},
) -> None:
    """Insert all `records` or none, with their entries in the change log, and update the customer counts.

    `tags` maps ids of customers to the ids of their tags. Raise `Conflict` if an id is taken, or if a record refers to
    something that does not exist.
    """
    with database.transaction():
        lock_customers(database, tenant_id)
        load_uncounted(database, tenant_id, [row_of(record) for record in records])
        add_count_deltas(database, tenant_id, [delta_of(record, 1) for record in records])
        groups = GroupDeltas()
        for record in records:
            change_groups(groups, record, tags.get(record.id, ()), 1)
        add_group_deltas(database, tenant_id, groups)
        now = utc_now()
        if tags:
            rows = [(tenant_id, customer_id, tag_id) for customer_id, ids in tags.items() for tag_id in ids]
            database.load(customer_tags, TAG_COLUMNS, rows)
        created = [Change(record.id, CREATED, _logged_fields(record, tags.get(record.id)), now) for record in records]
        record_changes(database, tenant_id, actor, created)


def _logged_fields(record: Record, tags: Sequence[int] | None) -> Record | Mapping[str, Any]:
    # A record can be encoded faster than a mapping.
    return {**to_builtins(record), "tags": tags} if tags else record


def delta_of(record: Record, change: int) -> CountDelta:
    """Return the change of the customer counts if `record` is added (`change` 1) or removed (-1)."""
    return CountDelta(
        trashed=int(record.deleted_at is not None),
        user_id=record.user_id or NO_USER,
        gender=record.gender or "",
        date_of_birth=number_of_day(record.date_of_birth) if record.date_of_birth else UNKNOWN_BIRTH_DATE,
        created_at=record.created_at,
        customer_id=record.id,
        change=change,
    )


def change_groups(deltas: GroupDeltas, record: Record, tags: Collection[int], change: int) -> None:
    """Add `change` to the groups of `record`, which has these tags. A customer in the trash is in no group."""
    if record.deleted_at is not None:
        return
    created_at = record.created_at
    deltas[CREATED_MONTH, created_at.year * 100 + created_at.month] += change
    if record.country_id is not None:
        deltas[COUNTRY, record.country_id] += change
    if record.default_channel_id is not None:
        deltas[CHANNEL, record.default_channel_id] += change
    for tag_id in tags:
        deltas[TAG, tag_id] += change


def load_uncounted(database: Database, tenant_id: int, rows: Iterable[Row]) -> None:
    """Insert rows that `row_of` returned, without counting them.

    The caller must update the counts in the same transaction, by `count_customers`, or by `add_count_deltas` and
    `add_group_deltas`.
    """
    database.load(customers, COLUMNS, [(tenant_id, *row) for row in rows])
