"""The upkeep of the census: deltas are folded into it; it is counted anew, and checked."""

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

from regulars.customers.counts.page_checkpoints import add_to_page_checkpoints, set_page_checkpoints
from regulars.customers.counts.totals import DAYS_PER_YEAR, NOBODY, OF_TENANT, UNKNOWN, total_of
from regulars.db.bulk_load import snapshot
from regulars.db.database import Database
from regulars.db.dialects import day_number, upsert
from regulars.db.statement import Statement
from regulars.db.tables import count_deltas, customer_counts, customers
from regulars.errors import Unavailable

ATTEMPTS = 5

CELL = ("trashed", "user_id", "period", "gender")


def _cells(kinds: FromClause, sign: int = 1) -> CompoundSelect[tuple[int, int, int, str, int]]:
    """The cells of the census that each row of `kinds` counts in, times `sign`."""
    born, user = kinds.c.date_of_birth, kinds.c.user_id
    change = kinds.c.change * literal_column(str(sign), BigInteger)
    is_born, has_user = born != literal_column("0"), user != literal_column("0")
    parts = []
    for counted, of_user in ((literal_column("0", BigInteger), None), (user, has_user)):
        for period, in_period in (
            (literal_column("0", BigInteger), None),
            (born / literal_column(str(DAYS_PER_YEAR), BigInteger), is_born),
            (born, is_born),
        ):
            cell = select(
                kinds.c.trashed,
                counted.label("user_id"),
                cast(period, BigInteger).label("period"),
                kinds.c.gender,
                change.label("count"),
            )
            parts.append(cell.where(*(each for each in (of_user, in_period) if each is not None)))
    return union_all(*parts)


def _sums(cells: FromClause) -> Select[tuple[int, int, int, str, int]]:
    """The cells added up, without those that come to nothing."""
    cell = [cells.c[name] for name in CELL]
    total = cast(func.sum(cells.c.count), BigInteger)
    return select(*cell, total.label("count")).group_by(*cell).having(func.sum(cells.c.count) != literal_column("0"))


def _insertion(kinds: FromClause) -> Statement:
    """Bring `kinds` into the census of the tenant."""
    sums = _sums(_cells(kinds).subquery("cells")).subquery("sums")
    rows = select(cast(bindparam("tenant_id"), BigInteger), *sums.c).where(text("true"))
    adding = upsert(customer_counts)
    into = adding.from_select(["tenant_id", *CELL, "count"], rows)
    return Statement(
        into.on_conflict_do_update(
            index_elements=list(customer_counts.primary_key.columns),
            set_={"count": customer_counts.c.count + adding.excluded.count},
        )
    )


FORGET_DELTAS = Statement(delete(count_deltas).where(count_deltas.c.tenant_id == bindparam("tenant_id")))
DELETE_COUNTS = Statement(delete(customer_counts).where(customer_counts.c.tenant_id == bindparam("tenant_id")))
ADD_DELTAS = _insertion(select(count_deltas).where(OF_TENANT).subquery("noted"))
WITH_DELTAS = Statement(select(count_deltas.c.tenant_id).distinct())


COUNTED = Statement(select(total_of(of_user=False, of_gender=False, of_ages=False)))


def _counted(database: Database, tenant_id: int) -> int:
    """How many customers the tenant has that are not in the trash, by its census."""
    ((total,),) = database.fetch_all(COUNTED, {"tenant_id": tenant_id, "trashed": 0})
    return int(total)


def merge_count_deltas(database: Database) -> None:
    """Bring all deltas into the census. Readers see the same totals all along."""
    for (tenant_id,) in database.fetch_all(WITH_DELTAS):
        # Of several who fold the same deltas at once, one does.
        with suppress(Unavailable):
            fold_tenant(database, tenant_id)


def fold_tenant(database: Database, tenant_id: int) -> None:
    """Bring the deltas of one tenant into its census and its page_checkpoints."""
    with snapshot(database):
        values = {"tenant_id": tenant_id}
        total = _counted(database, tenant_id)
        database.execute(ADD_DELTAS, values)
        add_to_page_checkpoints(database, tenant_id, total)
        database.execute(FORGET_DELTAS, values)


def _actual() -> FromClause:
    """How many customers of each kind the tenant really has."""
    kind = (
        case((customers.c.deleted_at.is_(None), literal_column("0")), else_=literal_column("1")).label("trashed"),
        func.coalesce(customers.c.user_id, literal_column(str(NOBODY))).label("user_id"),
        func.coalesce(customers.c.gender, literal_column("''")).label("gender"),
        func.coalesce(day_number(customers.c.date_of_birth), literal_column(str(UNKNOWN))).label("date_of_birth"),
    )
    found = select(*kind, func.count().label("change")).where(customers.c.tenant_id == bindparam("tenant_id"))
    return found.group_by(*(each.element for each in kind)).cte("actual")


COUNT_ALL = _insertion(_actual())


def count_tenant(database: Database, tenant_id: int) -> None:
    """Count all of a tenant's customers anew; belongs in a transaction in which nobody else writes them."""
    values = {"tenant_id": tenant_id}
    database.execute(DELETE_COUNTS, values)
    database.execute(FORGET_DELTAS, values)
    database.execute(COUNT_ALL, values)
    set_page_checkpoints(database, tenant_id, _counted(database, tenant_id))


def rebuild_counts(database: Database, tenant_id: int) -> None:
    """Count all of a tenant's customers anew, while others go on reading and writing them."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with snapshot(database):
                count_tenant(database, tenant_id)
        except Unavailable:
            # Another program has folded the same deltas at the same time.
            if attempt == ATTEMPTS:
                raise
        else:
            return


class Difference(NamedTuple):
    """A cell of the census that is wrong: it counts `excess` customers too many (or, below 0, too few)."""

    trashed: int
    user_id: int
    period: int
    gender: str
    excess: int

    def describe(self) -> str:
        """Which cell it is and how wrong, in words."""
        whose = f"of user {self.user_id}" if self.user_id else "of everyone"
        born = f", born in {self.period}" if self.period else ""
        where = "in the trash" if self.trashed else "not in the trash"
        many = "too many" if self.excess > 0 else "too few"
        return f"customers {whose}, {where}, gender {self.gender or 'not known'}{born}: {abs(self.excess)} {many}."


def _comparison() -> Statement:
    kept = select(*(customer_counts.c[name] for name in CELL), customer_counts.c.count).where(
        customer_counts.c.tenant_id == bindparam("tenant_id")
    )
    noted = _cells(select(count_deltas).where(OF_TENANT).subquery("noted"))
    parts = [select(each.subquery()) for each in (kept, noted, _cells(_actual(), -1))]
    return Statement(_sums(union_all(*parts).subquery("cells")))


COMPARE = _comparison()


def check_counts(database: Database, tenant_id: int) -> list[Difference]:
    """Where the census is not what the customers are, both as of one moment; empty if it is right."""
    return [Difference(*row) for row in database.stream(COMPARE, {"tenant_id": tenant_id})]
