"""Jobs during outages: of the database, of its disk, and of the disk for temporary files."""

import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from regulars.db.connect import sqlite_path
from regulars.db.migrate import migrate
from regulars.jobs.queue import Job
from tests.conftest import FreshDatabase
from tests.support import postgres
from tests.support.import_checks import check_imported, logged_changes, new_customers
from tests.support.import_plan import ImportPlan
from tests.support.other_jobs import begin, job_of, prepare, takes_long, wait_for_import, wait_for_step, wait_until
from tests.support.server import working
from tests.support.world import World
from tests.system.test_kill import check_file
from tests.system.test_outage import wait_until_it_answers

pytestmark = pytest.mark.slow

OUTAGE_SECONDS = 3
CUTS = 3
ROOM = 100_000
"""The number of bytes by which a file can grow on an almost full disk."""

Outage = Callable[[postgres.Server], None]


@pytest.fixture
def stoppable_world() -> Iterator[tuple[postgres.Server, World]]:
    """Yield a world on a PostgreSQL server that the test may stop and start."""
    with postgres.running_server() as server:
        server.execute("CREATE DATABASE stoppable_world")
        migrate(f"{server.url}/stoppable_world")
        with World.on(f"{server.url}/stoppable_world") as world:
            yield server, world


def stop_and_start(server: postgres.Server) -> None:
    server.stop()
    time.sleep(OUTAGE_SECONDS)
    server.start()


def crash_and_start(server: postgres.Server) -> None:
    server.crash()
    time.sleep(OUTAGE_SECONDS)
    server.start()


@pytest.mark.postgresql
@pytest.mark.parametrize("outage", [stop_and_start, pytest.param(crash_and_start, marks=takes_long)])
def test_an_import_continues_after_an_outage(stoppable_world: tuple[postgres.Server, World], outage: Outage) -> None:
    server, world = stoppable_world
    plan = ImportPlan("outage", "fill", known=0, new=8_000)
    with working(world):
        import_id = prepare(world, plan)
        begin(world, import_id, "start")
        wait_for_step(world, import_id)
        outage(server)
        wait_until_it_answers(world)
        assert job_of(world, import_id).is_active
        check_imported(world, plan, wait_for_import(world, import_id))


@takes_long
@pytest.mark.postgresql
def test_an_import_waits_after_each_cut_of_its_connections(stoppable_world: tuple[postgres.Server, World]) -> None:
    server, world = stoppable_world
    plan = ImportPlan("cut", "fill", known=0, new=8_000)
    with working(world):
        import_id = prepare(world, plan)
        begin(world, import_id, "start")
        for _number in range(CUTS):
            done = job_of(world, import_id).done
            wait_for_step(world, import_id, done + 1)
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'regulars'")
        check_imported(world, plan, wait_for_import(world, import_id))


@contextmanager
def full_disk(process: subprocess.Popen[bytes], size: int) -> Iterator[None]:
    """Let a process write no file that is larger than `size`, as on a full disk."""
    limits = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)


def waiting_job(world: World, import_id: str) -> Job:
    """Wait until the job of an import waits with a reason, and return it."""
    wait_until(lambda: job_of(world, import_id).error)
    return job_of(world, import_id)


def test_an_import_waits_for_room_on_the_disk_of_the_database(fresh_database: FreshDatabase) -> None:
    plan = ImportPlan("disk", "fill", known=0, new=8_000)
    with World.on(fresh_database("sqlite")) as world, working(world) as process:
        path = sqlite_path(world.url)
        import_id = prepare(world, plan)
        begin(world, import_id, "start")
        wait_for_step(world, import_id)
        with full_disk(process, largest_file(path) + ROOM):
            job = waiting_job(world, import_id)
            assert job.error is not None
            assert job.error.startswith("The database is not available: ")
            created = len(new_customers(world, plan))
            assert logged_changes(world, import_id)["created"] == (created, created)
            assert 0 < created <= job.done < plan.new
        check_imported(world, plan, wait_for_import(world, import_id))
        check_file(path)


def largest_file(path: str) -> int:
    """Return the size of a database file or of its log, whichever is larger."""
    return max(Path(name).stat().st_size for name in (path, f"{path}-wal"))


@pytest.mark.postgresql
def test_an_import_waits_for_room_for_temporary_files(fresh_database: FreshDatabase) -> None:
    plan = ImportPlan("folder", "fill", known=0)
    with World.on(fresh_database("postgresql")) as world, working(world) as process:
        import_id = prepare(world, plan)
        with full_disk(process, ROOM):
            begin(world, import_id, "start")
            job = waiting_job(world, import_id)
            assert (job.state, job.done) == ("queued", 0)
            assert job.error == "The disk for temporary files failed: File too large."
            assert new_customers(world, plan) == {}
        check_imported(world, plan, wait_for_import(world, import_id))
