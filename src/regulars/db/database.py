"""The `Database` that the rest of the program sees: a few verbs, the same before SQLite and PostgreSQL."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from sqlalchemy import Table

from regulars.db.statement import Row, Statement, Values

NO_VALUES: Values = {}


class Database(ABC):
    """An open database.

    Every verb may be called from any thread; within `transaction()` those of the same thread belong to it.
    All raise `Unavailable` when the database does not answer, and `Conflict` when a row contradicts a key.
    """

    dialect: str
    """"sqlite" or "postgresql"."""

    @abstractmethod
    def fetch_all(self, statement: Statement, values: Values = NO_VALUES) -> list[Row]:
        """All rows, as tuples in the order of the selected columns."""

    def fetch_one(self, statement: Statement, values: Values = NO_VALUES) -> Row | None:
        """The first row, or None."""
        rows = self.fetch_all(statement, values)
        return rows[0] if rows else None

    @abstractmethod
    def stream(self, statement: Statement, values: Values = NO_VALUES) -> Iterator[Row]:
        """The rows one by one, with no more than a block of them in memory; all as of one moment."""

    @abstractmethod
    def execute(self, statement: Statement, values: Values = NO_VALUES) -> int:
        """Run a statement that gives no rows; how many rows it changed."""

    @abstractmethod
    def execute_many(self, statement: Statement, values: Sequence[Values]) -> None:
        """Run a statement once for each of `values`."""

    @abstractmethod
    def load(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert many rows in the quickest way that the database has (PostgreSQL: COPY)."""

    @abstractmethod
    def new_ids(self, sequence: str, count: int) -> Sequence[int]:
        """`count` ids that nobody was given before, smallest first."""

    @abstractmethod
    def advance_sequence(self, sequence: str, highest: int) -> None:
        """See to it that `new_ids` gives only ids above `highest`."""

    @abstractmethod
    def analyze(self) -> None:
        """After a great load: let the database see anew what it holds, for its plans. Not within a transaction."""

    @abstractmethod
    def transaction(self, *, nowait: bool = False) -> AbstractContextManager[None]:
        """All that this thread does in it is kept together or, at an exception, not at all. May be nested.

        For what may as well be left undone, `at_once` raises `Unavailable` where it would have to wait for anybody who
        writes something else (SQLite has one writer at a time).
        """

    def waiting(self) -> AbstractContextManager[None]:
        """Wait for others who write the same in the course of this, within a transaction.

        Raises `Unavailable` where so many do that nobody could read any more.
        """
        return nullcontext()

    @abstractmethod
    def close(self) -> None:
        """Let go of all connections."""
