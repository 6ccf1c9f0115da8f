"""The one door through which customers are written: what is derived from them is kept in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct, to_builtins

from regulars.clock import utc_now
from regulars.customers.change_log import CREATED, Change, record_changes
from regulars.customers.counts.totals import NO_USER, UNKNOWN_BIRTH_DATE, CountDelta, add_count_deltas, number_of_day
from regulars.db.database import Database
from regulars.db.statement import Row
from regulars.db.tables import customer_tags, customers
from regulars.permissions import COMMAND_LINE, Actor
from regulars.tenants.locks import lock_customers
from regulars.text import search_text, sort_key

SEQUENCE = "customer_ids"
HIGHEST_ID = 2**40 - 1


class Record(Struct, kw_only=True, omit_defaults=True):
    """A customer as it is stored, but for what is derived. Times are UTC, in whole seconds."""

    id: int
    first_name: str
    created_at: datetime
    updated_at: datetime
    last_name: str | None = None
    phone_number: str | None = None
    email: str | None = None
    date_of_birth: date | None = None
    gender: str | None = None
    country_id: int | None = None
    identity_number: str | None = None
    job: str | None = None
    address: str | None = None
    default_channel_id: int | None = None
    avatar_url: str | None = None
    user_id: int | None = None
    deleted_at: datetime | None = None
    phone_number_as_typed: str | None = None
    version: int = 1
    merged_into_id: int | None = None


PERSONAL = (
    "first_name",
    "last_name",
    "phone_number",
    "phone_number_as_typed",
    "email",
    "date_of_birth",
    "gender",
    "country_id",
    "identity_number",
    "job",
    "address",
    "default_channel_id",
    "avatar_url",
    "user_id",
)
"""The fields of a record that somebody fills in."""
TAG_COLUMNS = ("tenant_id", "customer_id", "tag_id")
COLUMNS = tuple(column.name for column in customers.columns)


def row_of(record: Record) -> Row:
    """The row for `record`, in the order of `COLUMNS` but without the tenant, with its sort keys and search text."""
    return (
        record.id,
        record.first_name,
        record.last_name,
        record.phone_number,
        record.email,
        record.date_of_birth,
        record.gender,
        record.country_id,
        record.identity_number,
        record.job,
        record.address,
        record.default_channel_id,
        record.avatar_url,
        record.user_id,
        record.created_at,
        record.updated_at,
        record.deleted_at,
        sort_key(record.first_name) or "",
        sort_key(record.last_name),
        search_text(record.first_name, record.last_name, record.phone_number, record.email, record.identity_number),
        record.phone_number_as_typed,
        record.version,
        record.merged_into_id,
    )


def insert_customers(
    database: Database,
    tenant_id: int,
    records: Sequence[Record],
    actor: Actor = COMMAND_LINE,
    tags: Mapping[int, Sequence[int]] = {},
) -> None:
    """Insert `records`, with `tags` by their ids, count them and note that they were created, all or none.

    Raises `Conflict` where a key is taken or points at nothing.
    """
    with database.transaction():
        lock_customers(database, tenant_id)
        load_uncounted(database, tenant_id, [row_of(record) for record in records])
        add_count_deltas(database, tenant_id, [delta_of(record, 1) for record in records])
        now = utc_now()
        if tags:
            rows = [(tenant_id, customer_id, tag_id) for customer_id, ids in tags.items() for tag_id in ids]
            database.load(customer_tags, TAG_COLUMNS, rows)
        created = [Change(record.id, CREATED, _told(record, tags.get(record.id)), now) for record in records]
        record_changes(database, tenant_id, actor, created)


def _told(record: Record, tags: Sequence[int] | None) -> Record | Mapping[str, Any]:
    """What the history has of a new customer: the record itself is written down in the quickest way."""
    return {**to_builtins(record), "tags": tags} if tags else record


def delta_of(record: Record, change: int) -> CountDelta:
    """What the census is told when `record` comes (`change` 1) or goes (-1)."""
    return CountDelta(
        trashed=int(record.deleted_at is not None),
        user_id=record.user_id or NO_USER,
        gender=record.gender or "",
        date_of_birth=number_of_day(record.date_of_birth) if record.date_of_birth else UNKNOWN_BIRTH_DATE,
        created_at=record.created_at,
        customer_id=record.id,
        change=change,
    )


def load_uncounted(database: Database, tenant_id: int, rows: Iterable[Row]) -> None:
    """Insert rows of `row_of`, which whoever calls counts later in the same transaction (`count_customers`)."""
    database.load(customers, COLUMNS, [(tenant_id, *row) for row in rows])
