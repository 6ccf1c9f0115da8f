"""The commands in the operator's manual do what it says."""

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.conftest import FreshDatabase
from tests.support import ROOT

RUN_SQL = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])"


def test_the_backup_of_an_sqlite_database_is_readable_only_by_its_owner(
    fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    shutil.copy(fresh_database("sqlite").removeprefix("sqlite:///"), tmp_path / "regulars.db")
    manual = (ROOT / "docs/operations.md").read_text("utf-8")
    (command,) = re.findall(r"^    (.*VACUUM INTO.*)$", manual, re.MULTILINE)
    if shutil.which("sqlite3") is None:
        command = command.replace("sqlite3 ", f'"{sys.executable}" -c "{RUN_SQL}" ')
    subprocess.run(["sh", "-c", command], cwd=tmp_path, umask=0o022, check=True)
    backup = tmp_path / "backup.db"
    assert oct(backup.stat().st_mode & 0o777) == "0o600"
    with sqlite3.connect(backup) as copy:
        assert copy.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    copy.close()
