"""Maintenance of the stored counts: merging deltas, rebuilding and checking."""

from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    FromClause,
    Select,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.sql.selectable import CompoundSelect

from regulars.customers.counts.group_counts import (
    GroupDifference,
    compare_groups,
    count_groups,
    merge_group_deltas,
)
from regulars.customers.counts.page_checkpoints import set_page_checkpoints, update_page_checkpoints
from regulars.customers.counts.totals import (
    IS_DELTA_OF_TENANT,
    NO_USER,
    UNKNOWN_BIRTH_DATE,
    YEAR_FACTOR,
    total_expression,
)
from regulars.db.bulk_load import snapshot
from regulars.db.database import Database
from regulars.db.dialects import day_number, upsert
from regulars.db.statement import Statement
from regulars.db.tables import count_deltas, customer_counts, customers, group_count_deltas
from regulars.errors import Unavailable

MAX_ATTEMPTS = 5

COUNT_KEY = ("trashed", "user_id", "period", "gender")
"""The columns of `customer_counts` that identify a count of a tenant."""


def _expand(deltas: FromClause, sign: int = 1) -> CompoundSelect[tuple[int, int, int, str, int]]:
    """Return a query for all changes of counts that `deltas` cause, multiplied by `sign`. A delta changes several
    counts."""
    birth_date, user = deltas.c.date_of_birth, deltas.c.user_id
    change = deltas.c.change * literal_column(str(sign), BigInteger)
    has_birth_date, has_user = birth_date != literal_column("0"), user != literal_column("0")
    parts = []
    for counted_user, user_condition in ((literal_column("0", BigInteger), None), (user, has_user)):
        for period, period_condition in (
            (literal_column("0", BigInteger), None),
            (birth_date / literal_column(str(YEAR_FACTOR), BigInteger), has_birth_date),
            (birth_date, has_birth_date),
        ):
            row = select(
                deltas.c.trashed,
                counted_user.label("user_id"),
                cast(period, BigInteger).label("period"),
                deltas.c.gender,
                change.label("count"),
            )
            conditions = (user_condition, period_condition)
            parts.append(row.where(*(condition for condition in conditions if condition is not None)))
    return union_all(*parts)


def _sum_by_key(counts: FromClause) -> Select[tuple[int, int, int, str, int]]:
    """Return a query for the sums of `counts` by `COUNT_KEY`, without sums of 0."""
    key = [counts.c[name] for name in COUNT_KEY]
    total = cast(func.sum(counts.c.count), BigInteger)
    return select(*key, total.label("count")).group_by(*key).having(func.sum(counts.c.count) != literal_column("0"))


def _add_to_counts(deltas: FromClause) -> Statement:
    """Return the statement that adds `deltas` to the counts of a tenant."""
    sums = _sum_by_key(_expand(deltas).subquery("expanded")).subquery("sums")
    rows = select(cast(bindparam("tenant_id"), BigInteger), *sums.c).where(text("true"))
    insertion = upsert(customer_counts)
    return Statement(
        insertion.from_select(["tenant_id", *COUNT_KEY, "count"], rows).on_conflict_do_update(
            index_elements=list(customer_counts.primary_key.columns),
            set_={"count": customer_counts.c.count + insertion.excluded.count},
        )
    )


DELETE_DELTAS = Statement(delete(count_deltas).where(count_deltas.c.tenant_id == bindparam("tenant_id")))
DELETE_COUNTS = Statement(delete(customer_counts).where(customer_counts.c.tenant_id == bindparam("tenant_id")))
MERGE_DELTAS = _add_to_counts(select(count_deltas).where(IS_DELTA_OF_TENANT).subquery("deltas"))
FIND_TENANTS_WITH_DELTAS = Statement(
    select(count_deltas.c.tenant_id).distinct().union(select(group_count_deltas.c.tenant_id).distinct())
)
GET_TOTAL = Statement(select(total_expression(by_user=False, by_gender=False, by_birth_date=False)))


def _total(database: Database, tenant_id: int) -> int:
    """Return the tenant's number of customers outside the trash, according to its counts."""
    ((total,),) = database.fetch_all(GET_TOTAL, {"tenant_id": tenant_id, "trashed": 0})
    return int(total)


def merge_count_deltas(database: Database) -> None:
    """Move the deltas of all tenants to the stored counts. Totals do not change."""
    for (tenant_id,) in database.fetch_all(FIND_TENANTS_WITH_DELTAS):
        # If several servers merge the same deltas at the same time, only one of them succeeds.
        with suppress(Unavailable):
            merge_tenant_deltas(database, tenant_id)


def merge_tenant_deltas(database: Database, tenant_id: int) -> None:
    """Add the deltas of one tenant to its counts and page checkpoints, and delete them.

    Raise `Unavailable` if another transaction merges them at the same time.
    """
    with snapshot(database):
        values = {"tenant_id": tenant_id}
        total = _total(database, tenant_id)
        database.execute(MERGE_DELTAS, values)
        update_page_checkpoints(database, tenant_id, total)
        database.execute(DELETE_DELTAS, values)
        merge_group_deltas(database, tenant_id)


def _customers_as_deltas() -> FromClause:
    """Return a CTE that counts the tenant's customers in the form of deltas, one for each combination of values."""
    columns = (
        case((customers.c.deleted_at.is_(None), literal_column("0")), else_=literal_column("1")).label("trashed"),
        func.coalesce(customers.c.user_id, literal_column(str(NO_USER))).label("user_id"),
        func.coalesce(customers.c.gender, literal_column("''")).label("gender"),
        func.coalesce(day_number(customers.c.date_of_birth), literal_column(str(UNKNOWN_BIRTH_DATE))).label(
            "date_of_birth"
        ),
    )
    grouped = select(*columns, func.count().label("change")).where(customers.c.tenant_id == bindparam("tenant_id"))
    return grouped.group_by(*(column.element for column in columns)).cte("actual")


COUNT_CUSTOMERS = _add_to_counts(_customers_as_deltas())


def count_customers(database: Database, tenant_id: int) -> None:
    """Count a tenant's customers, replace its counts and page checkpoints, and delete its deltas.

    Call it in a transaction without concurrent writers, or with one snapshot.
    """
    values = {"tenant_id": tenant_id}
    database.execute(DELETE_COUNTS, values)
    database.execute(DELETE_DELTAS, values)
    database.execute(COUNT_CUSTOMERS, values)
    count_groups(database, tenant_id)
    set_page_checkpoints(database, tenant_id, _total(database, tenant_id))


def rebuild_counts(database: Database, tenant_id: int) -> None:
    """Do the same as `count_customers` in a transaction of its own, while others read and write customers.

    Raise `Unavailable` if other transactions prevent it repeatedly.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with snapshot(database):
                count_customers(database, tenant_id)
        except Unavailable:
            # Another transaction has merged the same deltas.
            if attempt == MAX_ATTEMPTS:
                raise
        else:
            return


class Difference(NamedTuple):
    """A stored count that is wrong: too high by `excess`, or too low if `excess` is negative."""

    trashed: int
    user_id: int
    period: int
    gender: str
    excess: int

    def describe(self) -> str:
        """Return a sentence that says which count is wrong, and by how much."""
        user = f"of user {self.user_id}" if self.user_id else "of all users"
        birth_date = f", born in {self.period}" if self.period else ""
        trash = "in the trash" if self.trashed else "not in the trash"
        direction = "high" if self.excess > 0 else "low"
        key = f"{user}, {trash}, gender {self.gender or 'unknown'}{birth_date}"
        return f"customers {key}: too {direction} by {abs(self.excess)}."


def _compare_counts() -> Statement:
    stored = select(*(customer_counts.c[name] for name in COUNT_KEY), customer_counts.c.count).where(
        customer_counts.c.tenant_id == bindparam("tenant_id")
    )
    pending = _expand(select(count_deltas).where(IS_DELTA_OF_TENANT).subquery("deltas"))
    parts = [select(part.subquery()) for part in (stored, pending, _expand(_customers_as_deltas(), -1))]
    return Statement(_sum_by_key(union_all(*parts).subquery("expanded")))


COMPARE_COUNTS = _compare_counts()


def check_counts(database: Database, tenant_id: int) -> list[Difference | GroupDifference]:
    """Return the tenant's counts that differ from the actual numbers of customers.

    A count and the number are read in one snapshot.
    """
    differences = [Difference(*row) for row in database.stream(COMPARE_COUNTS, {"tenant_id": tenant_id})]
    return [*differences, *compare_groups(database, tenant_id)]
