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

    All methods can be called from any thread. Within `transaction()`, those of the same thread belong to it. All raise
    `Unavailable` if the database does not answer, and `Conflict` if a row violates a constraint.
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
        """Yield the rows one by one, with only a block of them in memory. All rows come from one snapshot."""

    @abstractmethod
    def execute(self, statement: Statement, values: Values = NO_VALUES) -> int:
        """Run a statement that returns no rows. Return the number of changed rows."""

    @abstractmethod
    def execute_many(self, statement: Statement, values: Sequence[Values]) -> None:
        """Run a statement for each of `values`."""

    @abstractmethod
    def load(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows in the fastest way (PostgreSQL: COPY)."""

    @abstractmethod
    def new_ids(self, sequence: str, count: int) -> Sequence[int]:
        """Return `count` unused ids, in ascending order."""

    @abstractmethod
    def analyze(self) -> None:
        """Update the planner's statistics after a bulk load. Not within a transaction."""

    @abstractmethod
    def transaction(self, *, nowait: bool = False) -> AbstractContextManager[None]:
        """Commit everything that this thread does in it, or nothing after an exception. Can be nested.

        With `nowait`, raise `Unavailable` instead of waiting for other writers (SQLite has one writer at a time). For
        writes that can be skipped.
        """

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""


def ended_early(seconds: float) -> Unavailable:
    """Return the error for a statement that was ended: its client has gone, or it took longer than `seconds`."""
    work = current_work()
    if work is not None and work.is_cancelled:
        return Unavailable(_("The client has closed the connection."))
    return Unavailable(
        _("The database took longer than the limit of {seconds} seconds (statement_timeout).", seconds=f"{seconds:g}"),
        retry_after=5,
    )
