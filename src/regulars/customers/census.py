"""The census: how many customers a tenant has of each kind, kept as they change, so that `total` costs no look at them.

Whoever writes customers notes in `census_deltas`, in the same transaction, of which kind how many came and went:
writers only add rows and never wait for each other. `fold_census` brings the deltas into `census`, which has sums: of
each user's customers and of everyone's, by gender, for all of life, each year of birth and each day of birth.
A total is the sum of some rows of both, read by one statement and so as of one moment.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
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
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.selectable import CompoundSelect

from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import census, census_deltas, customers
from regulars.errors import Unavailable

EVERYONE = NOBODY = 0
ALL_OF_LIFE = UNKNOWN = 0
DAYS_PER_YEAR = 10_000
"""Days are numbered as they are written, 1980-03-17 as 19800317, and years as 1980: no two are the same number."""
ATTEMPTS = 5

Deltas = Counter[tuple[int, int, str, int]]
"""(trashed, user_id, gender, day of birth) -> by how many customers it changed; 0 and "" where it is not known."""


def number_of(day: date) -> int:
    """The number of a day."""
    return (day.year * 100 + day.month) * 100 + day.day


def count_customer(
    deltas: Deltas, *, trashed: bool, user_id: int | None, gender: str | None, date_of_birth: date | None, change: int
) -> None:
    """Note in `deltas` that one customer came (`change` 1) or went (-1)."""
    day = number_of(date_of_birth) if date_of_birth else UNKNOWN
    deltas[int(trashed), user_id or NOBODY, gender or "", day] += change


KIND = ("trashed", "user_id", "gender", "date_of_birth")
DELTA_COLUMNS = ("tenant_id", *KIND, "change")


def add_deltas(database: Database, tenant_id: int, deltas: Deltas) -> None:
    """Note `deltas` for `tenant_id`; belongs in the transaction that changes the customers."""
    rows = [(tenant_id, *kind, change) for kind, change in deltas.items() if change]
    if rows:
        database.load(census_deltas, DELTA_COLUMNS, rows)


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


def _insertion(dialect: str, kinds: FromClause) -> Statement:
    """Bring `kinds` into the census of the tenant."""
    sums = _sums(_cells(kinds).subquery("cells")).subquery("sums")
    rows = select(cast(bindparam("tenant_id"), BigInteger), *sums.c).where(text("true"))
    adding = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(census)
    into = adding.from_select(["tenant_id", *CELL, "count"], rows)
    return Statement(
        into.on_conflict_do_update(
            index_elements=list(census.primary_key.columns), set_={"count": census.c.count + adding.excluded.count}
        )
    )


OF_TENANT = census_deltas.c.tenant_id == bindparam("tenant_id")
TAKE_DELTAS = delete(census_deltas).where(OF_TENANT)
FORGET_DELTAS = Statement(TAKE_DELTAS)
FORGET_CENSUS = Statement(delete(census).where(census.c.tenant_id == bindparam("tenant_id")))
# On PostgreSQL what is added must be what is taken, not what another writer has noted in between.
ADD_DELTAS = {
    "sqlite": _insertion("sqlite", select(census_deltas).where(OF_TENANT).subquery("taken")),
    "postgresql": _insertion("postgresql", TAKE_DELTAS.returning(*census_deltas.c).cte("taken")),
}
WITH_DELTAS = Statement(select(census_deltas.c.tenant_id).distinct())


def fold_census(database: Database) -> None:
    """Bring all deltas into the census. Readers see the same totals all along."""
    for (tenant_id,) in database.fetch_all(WITH_DELTAS):
        fold_tenant(database, tenant_id)


def fold_tenant(database: Database, tenant_id: int) -> None:
    """Bring the deltas of one tenant into its census."""
    values = {"tenant_id": tenant_id}
    with database.transaction():
        database.execute(ADD_DELTAS[database.dialect], values)
        if database.dialect == "sqlite":
            database.execute(FORGET_DELTAS, values)


def _day_of(dialect: str, day: ColumnElement[date | None]) -> ColumnElement[int]:
    digits = func.replace(day, "-", "") if dialect == "sqlite" else func.to_char(day, "YYYYMMDD")
    return func.coalesce(cast(digits, BigInteger), literal_column(str(UNKNOWN)))


def _actual(dialect: str) -> FromClause:
    """How many customers of each kind the tenant really has."""
    kind = (
        case((customers.c.deleted_at.is_(None), literal_column("0")), else_=literal_column("1")).label("trashed"),
        func.coalesce(customers.c.user_id, literal_column(str(NOBODY))).label("user_id"),
        func.coalesce(customers.c.gender, literal_column("''")).label("gender"),
        _day_of(dialect, customers.c.date_of_birth).label("date_of_birth"),
    )
    found = select(*kind, func.count().label("change")).where(customers.c.tenant_id == bindparam("tenant_id"))
    return found.group_by(*(each.element for each in kind)).cte("actual")


COUNT_ALL = {dialect: _insertion(dialect, _actual(dialect)) for dialect in ("sqlite", "postgresql")}


def count_tenant(database: Database, tenant_id: int) -> None:
    """Count all of a tenant's customers anew; belongs in a transaction in which nobody else writes them."""
    values = {"tenant_id": tenant_id}
    database.execute(FORGET_CENSUS, values)
    database.execute(FORGET_DELTAS, values)
    database.execute(COUNT_ALL[database.dialect], values)


ONE_MOMENT = Statement(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
NO_HURRY = Statement(text("SET LOCAL statement_timeout = 0"))


def rebuild_census(database: Database, tenant_id: int) -> None:
    """Count all of a tenant's customers anew, while others go on reading and writing them.

    On PostgreSQL all of it sees one moment: what is written meanwhile leaves its deltas, which come on top.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with database.transaction():
                if database.dialect == "postgresql":
                    database.execute(ONE_MOMENT)
                    database.execute(NO_HURRY)
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


def _comparison(dialect: str) -> Statement:
    kept = select(*(census.c[name] for name in CELL), census.c.count).where(
        census.c.tenant_id == bindparam("tenant_id")
    )
    noted = _cells(select(census_deltas).where(OF_TENANT).subquery("noted"))
    parts = [select(each.subquery()) for each in (kept, noted, _cells(_actual(dialect), -1))]
    return Statement(_sums(union_all(*parts).subquery("cells")))


COMPARE = {dialect: _comparison(dialect) for dialect in ("sqlite", "postgresql")}


def check_census(database: Database, tenant_id: int) -> list[Difference]:
    """Where the census is not what the customers are, both as of one moment; empty if it is right."""
    return [Difference(*row) for row in database.stream(COMPARE[database.dialect], {"tenant_id": tenant_id})]


def total_of(*, of_user: bool, of_gender: bool, of_ages: bool) -> ColumnElement[int]:
    """The scalar expression for how many customers there are, given the values `tenant_id` and `trashed`, and where
    they are wanted `user_id`, `gender` and those of `ages`."""
    cells = [
        census.c.tenant_id == bindparam("tenant_id"),
        census.c.trashed == bindparam("trashed"),
        census.c.user_id == (bindparam("user_id") if of_user else literal_column(str(EVERYONE))),
    ]
    noted = [OF_TENANT, census_deltas.c.trashed == bindparam("trashed")]
    if of_user:
        noted.append(census_deltas.c.user_id == bindparam("user_id"))
    if of_gender:
        cells.append(census.c.gender == bindparam("gender"))
        noted.append(census_deltas.c.gender == bindparam("gender"))
    periods = [census.c.period == literal_column(str(ALL_OF_LIFE))]
    if of_ages:
        periods = [census.c.period.between(bindparam(f"{name}_from"), bindparam(f"{name}_until")) for name in PERIODS]
        noted.append(census_deltas.c.date_of_birth.between(bindparam("days_from"), bindparam("days_until")))
    total = _sum(census_deltas.c.change, noted)
    for period in periods:
        total = total + _sum(census.c.count, [*cells, period])
    # PostgreSQL adds 64-bit integers up to a numeric; it is a count, so it fits.
    return cast(total, BigInteger)


def _sum(column: ColumnElement[int], conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[int]:
    return select(func.coalesce(func.sum(column), literal_column("0"))).where(*conditions).scalar_subquery()


PERIODS = ("first_days", "years", "last_days")
EARLIEST, LATEST = number_of(date.min), number_of(date.max)
NONE = (1, 0)


def ages(born_after: date | None, born_until: date | None) -> dict[str, int]:
    """The days of birth after the one and up to the other date, as values: the whole years among them, and the days
    before and after those."""
    start = number_of(born_after) + 1 if born_after else EARLIEST
    end = number_of(born_until) if born_until else LATEST
    first_year, last_year = start // DAYS_PER_YEAR, end // DAYS_PER_YEAR
    if first_year >= last_year:
        ranges = {"days": (start, end), "first_days": (start, end), "years": NONE, "last_days": NONE}
    else:
        ranges = {
            "days": (start, end),
            "first_days": (start, first_year * DAYS_PER_YEAR + DAYS_PER_YEAR - 1),
            "years": (first_year + 1, last_year - 1),
            "last_days": (last_year * DAYS_PER_YEAR, end),
        }
    return {f"{name}_{bound}": pair[bound == "until"] for name, pair in ranges.items() for bound in ("from", "until")}
