"""Several processes that run the jobs of one database, and processes that take over the jobs of another one."""

import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from sqlalchemy import select

from regulars.accounts.memberships import add_member
from regulars.db.statement import Statement
from regulars.db.tables import jobs
from regulars.errors import Unavailable
from regulars.jobs.queue import RUNNING_PER_TENANT
from regulars.jobs.worker import THREADS
from regulars.permissions import Role
from regulars.tenants.tenants import create_tenant
from tests.conftest import FreshDatabase
from tests.support.import_checks import check_imported
from tests.support.import_plan import ImportPlan
from tests.support.imports import get
from tests.support.other_jobs import (
    begin,
    end_claims,
    job_of,
    prepare,
    running_jobs,
    takes_long,
    wait_for_import,
    wait_for_step,
    wait_until,
)
from tests.support.server import working
from tests.support.world import World

pytestmark = pytest.mark.slow

TAKEOVER_SECONDS = 60
"""The lease of a claim is shorter, and an import of this size takes seconds."""
LONGEST_PAUSE = 0.05
LOCK_JOBS = Statement(select(jobs.c.id).with_for_update(nowait=True))


class Started(NamedTuple):
    """An import that has been started."""

    tenant_id: int
    plan: ImportPlan
    id: str


def several_tenants(world: World) -> list[int]:
    """Create tenants of Alice, and return the ids of all her tenants."""
    made = [
        create_tenant(
            world.database, name=f"Salon {number}", time_zone="Europe/Istanbul", locale="tr-TR", country_code="TR"
        ).id
        for number in range(3)
    ]
    for tenant_id in made:
        add_member(world.database, tenant_id, "alice@example.com", Role.OWNER)
    return [world.clinic, *made]


def start_imports(world: World, tenants: Sequence[int], name: str) -> list[Started]:
    """Start two imports in each tenant."""
    prepared = []
    for tenant_id in tenants:
        for number in range(RUNNING_PER_TENANT):
            plan = ImportPlan(f"{name}{number}", "fill", known=0)
            prepared.append(Started(tenant_id, plan, prepare(world, plan, tenant_id, tenant=tenant_id)))
    for each in prepared:
        begin(world, each.id, "start", tenant=each.tenant_id)
    return prepared


def check_all(world: World, started: Sequence[Started]) -> None:
    """Assert that each import was done exactly once."""
    for each in started:
        found = get(world, each.id, tenant=each.tenant_id)
        check_imported(world, each.plan, found, each.tenant_id)


def are_active(world: World, started: Sequence[Started]) -> bool:
    """Tell whether a job of an import has not ended."""
    return any(job_of(world, each.id, each.tenant_id).is_active for each in started)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children without a graceful shutdown."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.postgresql
def test_two_processes_share_the_jobs_of_several_tenants(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("postgresql")) as world, working(world), working(world):
        started = start_imports(world, several_tenants(world), "shared")
        claims = defaultdict(set)
        most = 0
        while are_active(world, started):
            running = running_jobs(world)
            most = max(most, len(running))
            for job_id, _kind, claim, _done in running:
                claims[job_id].add(claim)
        assert THREADS < most <= 2 * THREADS, "both processes run jobs"
        assert {len(each) for each in claims.values()} == {1}, "no job is run by two processes"
        check_all(world, started)


@takes_long
@pytest.mark.postgresql
def test_a_process_continues_the_jobs_of_one_that_was_killed(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("postgresql")) as world, working(world) as other:
        tenants = several_tenants(world)
        with working(world):
            started = start_imports(world, tenants, "killed")
            wait_until(lambda: len(running_jobs(world)) > THREADS)
            kill(other)
            wait_until(lambda: not are_active(world, started), TAKEOVER_SECONDS)
        check_all(world, started)


def test_another_process_takes_over_within_a_minute(empty_world: World) -> None:
    plan = ImportPlan("taken", "fill", known=0, new=8_000)
    with working(empty_world) as first:
        import_id = prepare(empty_world, plan)
        begin(empty_world, import_id, "start")
        wait_for_step(empty_world, import_id)
        kill(first)
    assert job_of(empty_world, import_id).state == "running"
    with working(empty_world):
        wait_until(lambda: not job_of(empty_world, import_id).is_active, TAKEOVER_SECONDS)
    check_imported(empty_world, plan, wait_for_import(empty_world, import_id))


@pytest.mark.postgresql
def test_a_process_that_was_paused_does_nothing_twice(fresh_database: FreshDatabase) -> None:
    plan = ImportPlan("paused", "fill", known=0, new=8_000)
    with World.on(fresh_database("postgresql")) as world, working(world) as first, ExitStack() as stack:
        import_id = prepare(world, plan)
        begin(world, import_id, "start")
        wait_for_step(world, import_id)
        pause(world, first)
        claim = job_of(world, import_id).claim
        assert claim is not None
        end_claims(world)
        stack.enter_context(working(world))
        wait_until(lambda: job_of(world, import_id).claim != claim)
        os.killpg(first.pid, signal.SIGCONT)
        check_imported(world, plan, wait_for_import(world, import_id))


def pause(world: World, process: subprocess.Popen[bytes]) -> None:
    """Stop a process while it does not hold the lock of a job, so that another one can claim the job."""
    os.killpg(process.pid, signal.SIGSTOP)
    while is_locked(world):
        os.killpg(process.pid, signal.SIGCONT)
        time.sleep(random.uniform(0, LONGEST_PAUSE))
        os.killpg(process.pid, signal.SIGSTOP)


def is_locked(world: World) -> bool:
    """Tell whether a transaction holds the lock of a job."""
    try:
        with world.database.transaction():
            world.database.fetch_all(LOCK_JOBS)
    except Unavailable:
        return True
    return False
