"""A process that claims a job, works on it in small steps, and kills itself: `python -m tests.support.killed_job`.

Its arguments are the URL of the database, the number of done steps after which it dies, and where: `in` a transaction,
or `between` two of them.
"""

import os
import signal
import subprocess
import sys
from typing import Literal

from regulars.customers.bulk import run as bulk
from regulars.customers.undo import revert
from regulars.db.connect import open_database
from regulars.job_handlers import HANDLERS
from regulars.jobs.queue import claim_next
from regulars.jobs.worker import run_job
from tests.support import ROOT

Where = Literal["in", "between"]
PER_STEP = 4


def run_until_killed(url: str, done: int, where: Where) -> None:
    """Run a job in another process until that is killed."""
    command = [sys.executable, "-m", "tests.support.killed_job", url, str(done), where]
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert ended.returncode == -signal.SIGKILL


def main(url: str, last_done: int, where: Where) -> None:
    """Claim a job, and work on it until the kill."""
    bulk.CUSTOMERS_PER_STEP = revert.CHANGES_PER_STEP = PER_STEP
    bulk.MAX_STEPS = 1
    database = open_database(url)
    job = claim_next(database)
    assert job is not None
    is_over = False

    def progress(done: int, total: int | None) -> None:
        nonlocal is_over
        is_over = done >= last_done
        if is_over and where == "in":
            os.kill(os.getpid(), signal.SIGKILL)

    def between() -> None:
        if is_over:
            os.kill(os.getpid(), signal.SIGKILL)

    database.let_others_write = between  # type: ignore[method-assign]
    run_job(database, HANDLERS, job, progress=progress)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), "in" if sys.argv[3] == "in" else "between")
