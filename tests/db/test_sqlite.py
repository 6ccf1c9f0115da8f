"""The database in an SQLite file."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Integer, column, literal, select

from regulars.db.sqlite import SQLiteDatabase
from regulars.db.statement import Statement
from regulars.db.writer_turns import WriterTurns
from regulars.errors import Unavailable
from tests.support import ROOT


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
    program = (
        "import sys; from regulars.db.sqlite import SQLiteDatabase; from tests.db.test_sqlite import numbers_up_to\n"
        "database = SQLiteDatabase(sys.argv[1])\n"
        "try: print('started', flush=True); database.fetch_all(numbers_up_to(10**9))\n"
        "except KeyboardInterrupt: print('interrupted')"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"


def test_nobody_writes_before_the_checkpoint_of_another_program_has_ended(tmp_path: Path) -> None:
    """Until version 3.51.2, SQLite may lose a transaction that is committed during a checkpoint."""
    path = tmp_path / "a.db"
    link = tmp_path / "link.db"
    link.symlink_to(path)
    turns = WriterTurns(path)
    with closing(SQLiteDatabase(str(link))) as database:
        database.fetch_all(numbers_up_to(1))
        assert turns.take()
        with pytest.raises(Unavailable, match="Another request is writing"), database.transaction(nowait=True):
            pass
        turns.end()
        with database.transaction(nowait=True):
            assert not turns.take()
        assert turns.take()
    turns.end()
