"""Stored counts of the customers outside the trash by month of creation, country, default channel and tag.

A transaction that writes customers adds up how it changes these counts, and appends a row to `group_count_deltas` for
each count that changes: a few rows, however many customers it writes. `merge_group_deltas` adds them to the table
`customer_group_counts`. A count is the sum of the matching rows of both tables.
"""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import BigInteger, FromClause, Select, bindparam, cast, delete, func, literal_column, select, text
from sqlalchemy.sql.expression import union_all
from sqlalchemy.sql.selectable import CompoundSelect

from regulars.db.database import Database
from regulars.db.dialects import month_number, upsert
from regulars.db.statement import Statement
from regulars.db.tables import customer_group_counts, customer_tags, customers, group_count_deltas

CREATED_MONTH, COUNTRY, CHANNEL, TAG = "created_month", "country", "channel", "tag"
GROUP_KEY = ("kind", "value")
"""The columns of `customer_group_counts` that identify a count of a tenant."""

GroupDeltas = Counter[tuple[str, int]]
"""Changes of the counts by kind and value. The value of a month is a number such as 202611 (in UTC), the others are
ids."""

DELTA_COLUMNS = ("tenant_id", *GROUP_KEY, "change")


def add_group_deltas(database: Database, tenant_id: int, deltas: GroupDeltas) -> None:
    """Store `deltas`. Call it in the transaction that changes the customers."""
    rows = [(tenant_id, *key, change) for key, change in deltas.items() if change]
    if rows:
        database.load(group_count_deltas, DELTA_COLUMNS, rows)


IS_GROUP_COUNT_OF_TENANT = customer_group_counts.c.tenant_id == bindparam("tenant_id")
IS_GROUP_DELTA_OF_TENANT = group_count_deltas.c.tenant_id == bindparam("tenant_id")
_stored = select(customer_group_counts.c.kind, customer_group_counts.c.value, customer_group_counts.c.count).where(
    IS_GROUP_COUNT_OF_TENANT
)
_pending = select(
    group_count_deltas.c.kind, group_count_deltas.c.value, group_count_deltas.c.change.label("count")
).where(IS_GROUP_DELTA_OF_TENANT)


def _count_customers(sign: int = 1) -> CompoundSelect[tuple[str, int, int]]:
    """Return a query that counts the tenant's customers, multiplied by `sign`. It reads the customers once."""
    columns = (
        month_number(customers.c.created_at).label("created_month"),
        customers.c.country_id,
        customers.c.default_channel_id,
    )
    is_listed = (customers.c.tenant_id == bindparam("tenant_id"), customers.c.deleted_at.is_(None))
    number = (func.count() * literal_column(str(sign), BigInteger)).label("number")
    grouped = select(*columns, number).where(*is_listed)
    combinations = grouped.group_by(columns[0].element, *columns[1:]).cte("combinations")
    values = {
        CREATED_MONTH: combinations.c.created_month,
        COUNTRY: combinations.c.country_id,
        CHANNEL: combinations.c.default_channel_id,
    }
    parts = [
        select(
            literal_column(f"'{kind}'").label("kind"), value.label("value"), combinations.c.number.label("count")
        ).where(value.is_not(None))
        for kind, value in values.items()
    ]
    is_tagged = (customer_tags.c.tenant_id == bindparam("tenant_id"), customer_tags.c.customer_id == customers.c.id)
    tagged = select(literal_column(f"'{TAG}'"), customer_tags.c.tag_id, number).where(*is_listed, *is_tagged)
    return union_all(*parts, tagged.group_by(customer_tags.c.tag_id))


def _sum_by_key(counts: FromClause) -> Select[tuple[str, int, int]]:
    """Return a query for the sums of `counts` by `GROUP_KEY`, without sums of 0."""
    key = [counts.c[name] for name in GROUP_KEY]
    total = func.sum(counts.c.count)
    return select(*key, cast(total, BigInteger).label("count")).group_by(*key).having(total != literal_column("0"))


def _add_to_counts(counts: FromClause) -> Statement:
    """Return the statement that adds `counts` to the stored counts of a tenant."""
    sums = _sum_by_key(counts).subquery("sums")
    insertion = upsert(customer_group_counts)
    rows = select(cast(bindparam("tenant_id"), BigInteger), *sums.c).where(text("true"))
    return Statement(
        insertion.from_select(["tenant_id", *GROUP_KEY, "count"], rows).on_conflict_do_update(
            index_elements=list(customer_group_counts.primary_key.columns),
            set_={"count": customer_group_counts.c.count + insertion.excluded.count},
        )
    )


MERGE_GROUP_DELTAS = _add_to_counts(_pending.subquery("deltas"))
COUNT_GROUPS = _add_to_counts(_count_customers().subquery("actual"))
DELETE_GROUP_DELTAS = Statement(delete(group_count_deltas).where(IS_GROUP_DELTA_OF_TENANT))
DELETE_GROUP_COUNTS = Statement(delete(customer_group_counts).where(IS_GROUP_COUNT_OF_TENANT))
COMPARE_GROUP_COUNTS = Statement(
    _sum_by_key(union_all(_stored, _pending, select(_count_customers(-1).subquery("actual"))).subquery("counts"))
)


def merge_group_deltas(database: Database, tenant_id: int) -> None:
    """Add the tenant's deltas to its counts, and delete them. Call it in a transaction with one snapshot."""
    database.execute(MERGE_GROUP_DELTAS, {"tenant_id": tenant_id})
    database.execute(DELETE_GROUP_DELTAS, {"tenant_id": tenant_id})


def count_groups(database: Database, tenant_id: int) -> None:
    """Count the tenant's customers, replace its counts, and delete its deltas.

    Call it in a transaction without concurrent writers, or with one snapshot.
    """
    for statement in (DELETE_GROUP_COUNTS, DELETE_GROUP_DELTAS, COUNT_GROUPS):
        database.execute(statement, {"tenant_id": tenant_id})


class GroupDifference(NamedTuple):
    """A stored count that is wrong: too high by `excess`, or too low if `excess` is negative."""

    kind: str
    value: int
    excess: int

    def describe(self) -> str:
        """Return a sentence that says which count is wrong, and by how much."""
        direction = "high" if self.excess > 0 else "low"
        return f"customers with {self.kind} {self.value}: too {direction} by {abs(self.excess)}."


def compare_groups(database: Database, tenant_id: int) -> list[GroupDifference]:
    """Return the tenant's counts that differ from the actual numbers of customers. Both are read in one snapshot."""
    return [GroupDifference(*row) for row in database.stream(COMPARE_GROUP_COUNTS, {"tenant_id": tenant_id})]
