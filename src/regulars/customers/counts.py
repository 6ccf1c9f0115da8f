"""How many customers a tenant has, kept as they change, so that `total` costs no look at the customers.

Each customer counts in two rows of `customer_counts`: its gender among all, and its gender among its user's. A total
is then the sum of at most four rows (one for each gender and one for "not known").
"""

import secrets
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import customer_counts

EVERYONE = 0
FOLDED = 0

Deltas = Counter[tuple[int, int, str]]
"""(trashed, user_id, gender) -> by how many customers it changed."""


def count_customer(deltas: Deltas, *, trashed: bool, user_id: int | None, gender: str | None, change: int) -> None:
    """Note in `deltas` that one customer came (`change` 1) or went (-1)."""
    deltas[int(trashed), EVERYONE, gender or ""] += change
    if user_id is not None:
        deltas[int(trashed), user_id, gender or ""] += change


def _addition(dialect: str) -> Statement:
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(customer_counts)
    added = insert.values({name: bindparam(name) for name in customer_counts.c.keys()})  # noqa: SIM118
    return Statement(
        added.on_conflict_do_update(
            index_elements=list(customer_counts.primary_key.columns),
            set_={"count": customer_counts.c.count + insert.excluded.count},
        )
    )


ADDITIONS = {dialect: _addition(dialect) for dialect in ("sqlite", "postgresql")}


def add_counts(database: Database, tenant_id: int, deltas: Deltas) -> None:
    """Bring `deltas` into the counts of `tenant_id`; belongs in the transaction that changes the customers."""
    # SQLite has one writer at a time. On PostgreSQL a writer appends a part of its own and waits for nobody.
    part = FOLDED if database.dialect == "sqlite" else secrets.randbelow(2**62) + 1
    rows = [
        {"tenant_id": tenant_id, "trashed": trashed, "user_id": user_id, "gender": gender, "part": part, "count": count}
        for (trashed, user_id, gender), count in sorted(deltas.items())
        if count
    ]
    if rows:
        database.execute_many(ADDITIONS[database.dialect], rows)


PARTS = (customer_counts.c.tenant_id == bindparam("tenant_id"), customer_counts.c.part != FOLDED)
TAKE_PARTS = Statement(
    delete(customer_counts)
    .where(*PARTS)
    .returning(customer_counts.c.trashed, customer_counts.c.user_id, customer_counts.c.gender, customer_counts.c.count)
)


def fold_counts(database: Database, tenant_id: int) -> None:
    """Add the parts that writers appended for `tenant_id` to the sums. Readers see the same total all along."""
    if database.dialect == "sqlite":
        return
    with database.transaction():
        rows = database.fetch_all(TAKE_PARTS, {"tenant_id": tenant_id})
        deltas: Deltas = Counter()
        for trashed, user_id, gender, count in rows:
            deltas[trashed, user_id, gender] += count
        folded = [
            {
                "tenant_id": tenant_id,
                "trashed": trashed,
                "user_id": user_id,
                "gender": gender,
                "part": FOLDED,
                "count": count,
            }
            for (trashed, user_id, gender), count in sorted(deltas.items())
        ]
        if folded:
            database.execute_many(ADDITIONS[database.dialect], folded)


def total_of(conditions: Iterable[ColumnElement[bool]]) -> ColumnElement[int]:
    """The scalar subquery that adds up the counts for which `conditions` hold, as an integer."""
    total = select(func.coalesce(func.sum(customer_counts.c.count), 0)).where(*conditions)
    # PostgreSQL adds 64-bit integers up to a numeric; it is a count, so it fits.
    return total.scalar_subquery()
