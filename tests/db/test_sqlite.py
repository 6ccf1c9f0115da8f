"""The database in an SQLite file."""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Integer, column, literal, select

from regulars.db.sqlite import SQLiteDatabase
from regulars.db.statement import Statement
from regulars.errors import Unavailable


def numbers_up_to(limit: int) -> Statement:
    """Return a statement that takes many steps of SQLite's machine."""
    numbers = select(literal(1).label("number")).cte("numbers", recursive=True)
    number = column("number", Integer)
    return Statement(
        select(numbers.union_all(select(number + literal(1)).select_from(numbers).where(number < literal(limit))))
    )


def test_streams_have_no_time_limit(tmp_path: Path) -> None:
    with closing(SQLiteDatabase(str(tmp_path / "a.db"), statement_seconds=1e-9)) as database:
        with pytest.raises(Unavailable, match="took longer than the limit"):
            database.fetch_all(numbers_up_to(100_000))
        assert sum(1 for _ in database.stream(numbers_up_to(100_000))) == 100_000


def test_ctrl_c_ends_a_statement_as_an_interrupt(tmp_path: Path) -> None:
    interrupt = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    with closing(SQLiteDatabase(str(tmp_path / "a.db"), statement_seconds=3600)) as database:
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            database.fetch_all(numbers_up_to(10**9))
