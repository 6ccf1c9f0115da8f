"""The interface of a database, the same for SQLite and PostgreSQL."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Table

from regulars.db.statement import Row, Statement, Values
from regulars.db.work import current_work
from regulars.errors import Unavailable
from regulars.i18n import _

NO_VALUES: Values = {}


class Database(ABC):
    """An open database.

    All methods can be called from any thread. Statements that a thread runs inside its `transaction()` block belong to
    that transaction. All methods raise `Unavailable` if the database does not answer, `Conflict` if a row violates a
    constraint, and `RegularsError` for other errors of the database.
    """

    dialect: str
    """"sqlite" or "postgresql"."""

    @abstractmethod
    def fetch_all(self, statement: Statement, values: Values = NO_VALUES) -> list[Row]:
        """Return all rows as tuples, with values in the order of the selected columns."""

    def fetch_one(self, statement: Statement, values: Values = NO_VALUES) -> Row | None:
        """Return the first row, or None."""
        rows = self.fetch_all(statement, values)
        return rows[0] if rows else None

    @abstractmethod
    def stream(self, statement: Statement, values: Values = NO_VALUES) -> Iterator[Row]:
        """Yield the rows one by one, with only a block of them in memory. All rows come from one snapshot.

        There is no time limit. Until the last row is read or the iterator is closed, this thread must not run other
        statements.
        """

    @abstractmethod
    def execute(self, statement: Statement, values: Values = NO_VALUES) -> int:
        """Run a statement that returns no rows. Return the number of changed rows."""

    @abstractmethod
    def execute_many(self, statement: Statement, values: Sequence[Values]) -> None:
        """Run a statement for each of `values`, in one transaction."""

    @abstractmethod
    def load(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert rows in one transaction, in the fastest way (PostgreSQL: COPY for many rows)."""

    @abstractmethod
    def new_ids(self, sequence: str, count: int) -> Sequence[int]:
        """Return `count` unused ids of a sequence, in ascending order."""

    @abstractmethod
    def analyze(self) -> None:
        """Update the planner's statistics after a bulk load. Do not call it within a transaction."""

    @abstractmethod
    def transaction(self, *, nowait: bool = False) -> AbstractContextManager[None]:
        """Open a transaction of this thread: commit at the end of the block, or roll back after an exception.

        An inner block belongs to the transaction of the outer one. With `nowait`, SQLite, which has one writer at a
        time, raises `Unavailable` instead of waiting for other writers; PostgreSQL ignores it. Use it for writes that
        can be skipped.
        """

    @abstractmethod
    def has_waiting_writers(self) -> bool:
        """Tell whether other writers may wait for the end of this thread's transaction."""

    @abstractmethod
    def let_others_write(self) -> None:
        """Give waiting writers their turn, between two transactions of this thread."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""


def ended_early(seconds: float) -> Unavailable:
    """Return the error for a cancelled statement: its request was cancelled, or it took longer than `seconds`."""
    work = current_work()
    if work is not None and work.is_cancelled:
        return Unavailable(_("The client has closed the connection."))
    return Unavailable(
        _("The database took longer than the limit of {seconds} seconds (statement_timeout).", seconds=f"{seconds:g}"),
        retry_after=5,
    )
