"""Jobs: each step is done once, whoever runs them, and whatever happens to the process."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.errors import Conflict, NotFound, RegularsError, Unavailable
from regulars.i18n import _
from regulars.jobs import queue
from regulars.jobs.queue import Job, JobData, cancel_job, claim_next, create_job, get_job, list_jobs, retry_job
from regulars.jobs.worker import Handler, JobRun, run_job
from regulars.permissions import COMMAND_LINE
from tests.support.world import World


def queued(world: World, tenant_id: int | None = None) -> Job:
    time.sleep(0.002)  # ids of jobs of the same millisecond are in any order
    return create_job(world.database, tenant_id or world.clinic, COMMAND_LINE, "export", {"steps": 3})


def run_next(world: World, handler: Handler, is_stopping: threading.Event | None = None) -> Job:
    job = claim_next(world.database)
    assert job is not None
    run_job(world.database, {"export": handler}, job, is_stopping=is_stopping)
    return get_job(world.database, job.tenant_id, job.id)


def three_steps(run: JobRun) -> JobData:
    for step in range(run.checkpoint.get("step", 0), 3):
        run.save({"step": step + 1}, step + 1, 3)
    return {"steps": 3}


def test_a_job_runs_and_keeps_its_result(empty_world: World) -> None:
    job = queued(empty_world)
    assert (job.state, job.percent) == ("queued", None)
    ended = run_next(empty_world, three_steps)
    assert (ended.id, ended.state, ended.result, ended.done, ended.percent) == (
        job.id,
        "completed",
        {"steps": 3},
        3,
        100,
    )
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert claim_next(empty_world.database) is None


def test_the_message_of_a_failure_can_be_translated(empty_world: World) -> None:
    def fail(run: JobRun) -> JobData:
        raise RegularsError(_("There is no job {id}.", id="x"))

    queued(empty_world)
    ended = run_next(empty_world, fail)
    assert (ended.state, ended.error) == ("failed", "There is no job x.")


def test_an_unexpected_error_fails_without_its_message(empty_world: World) -> None:
    def fail(run: JobRun) -> JobData:
        raise ValueError("ayse@example.com")

    queued(empty_world)
    ended = run_next(empty_world, fail)
    assert (ended.state, ended.error) == ("failed", "Something went wrong here.")


def test_a_job_waits_while_the_database_is_away_and_then_continues(empty_world: World) -> None:
    def interrupted(run: JobRun) -> JobData:
        if run.job.attempts == 1 and "step" not in run.checkpoint:
            run.save({"step": 2}, 2, 3)
            raise Unavailable("The database does not answer.")
        return three_steps(run)

    queued(empty_world)
    waiting = run_next(empty_world, interrupted)
    assert (waiting.state, waiting.error, waiting.done) == ("queued", "The database does not answer.", 2)
    assert claim_next(empty_world.database) is None, "it is not due yet"
    make_due(empty_world, waiting)
    assert run_next(empty_world, interrupted).state == "completed"


def make_due(world: World, job: Job) -> None:
    """Let the claim of a job, or its delay, end now."""
    statement = Statement(text("UPDATE jobs SET due_at = :now WHERE id = :id"))
    world.database.execute(statement, {"now": utc_now(), "id": job.id})


def test_a_process_that_lost_its_claim_cannot_write(empty_world: World) -> None:
    queued(empty_world)
    first = claim_next(empty_world.database)
    assert first is not None
    assert claim_next(empty_world.database) is None, "it is claimed"
    make_due(empty_world, first)
    second = claim_next(empty_world.database)
    assert second is not None
    assert second.id == first.id
    run_job(empty_world.database, {"export": three_steps}, first)
    assert get_job(empty_world.database, first.tenant_id, first.id).done == 0
    run_job(empty_world.database, {"export": three_steps}, second)
    assert get_job(empty_world.database, first.tenant_id, first.id).state == "completed"


def test_a_job_that_ends_its_process_again_and_again_fails(empty_world: World) -> None:
    queued(empty_world)
    for _attempt in range(20):
        job = claim_next(empty_world.database)
        assert job is not None
        make_due(empty_world, job)
    ended = run_next(empty_world, three_steps)
    assert ended.state == "failed"
    assert ended.error == "20 attempts failed. The process of this job ended unexpectedly."


def test_a_queued_job_is_cancelled_immediately(empty_world: World) -> None:
    job = queued(empty_world)
    assert cancel_job(empty_world.database, job.tenant_id, job.id).state == "cancelled"
    assert claim_next(empty_world.database) is None
    with pytest.raises(Conflict, match="has ended"):
        cancel_job(empty_world.database, job.tenant_id, job.id)


def test_a_running_job_is_cancelled_after_its_step_and_can_be_retried(empty_world: World) -> None:
    def cancelled_after_two(run: JobRun) -> JobData:
        for step in range(run.checkpoint.get("step", 0), 3):
            run.save({"step": step + 1}, step + 1, 3)
            if step == 1:
                cancel_job(run.database, run.job.tenant_id, run.job.id)
        return {}

    job = queued(empty_world)
    ended = run_next(empty_world, cancelled_after_two)
    assert (ended.state, ended.done) == ("cancelled", 2)
    retry_job(empty_world.database, job.tenant_id, job.id)
    assert run_next(empty_world, three_steps).state == "completed"
    with pytest.raises(Conflict, match="Only a failed or cancelled job"):
        retry_job(empty_world.database, job.tenant_id, job.id)


def test_a_process_that_stops_lets_another_one_continue_immediately(empty_world: World) -> None:
    is_stopping = threading.Event()

    def stopped(run: JobRun) -> JobData:
        run.save({"step": 1}, 1, 3)
        is_stopping.set()
        return three_steps(run)

    queued(empty_world)
    waiting = run_next(empty_world, stopped, is_stopping=is_stopping)
    assert (waiting.state, waiting.done, waiting.error) == ("queued", 1, None)
    assert run_next(empty_world, three_steps).state == "completed"


def test_tenants_take_turns(empty_world: World) -> None:
    clinic = [queued(empty_world).id for _number in range(4)]
    salon = queued(empty_world, empty_world.salon).id
    claimed = [claim_next(empty_world.database) for _number in range(4)]
    assert [job and job.id for job in claimed] == [clinic[0], salon, clinic[1], None]


def test_jobs_are_listed_newest_first_without_those_of_other_tenants(empty_world: World) -> None:
    first, second = queued(empty_world), queued(empty_world)
    queued(empty_world, empty_world.salon)
    run_next(empty_world, three_steps)
    found = list_jobs(empty_world.database, empty_world.clinic)
    assert [job.id for job in found] == [second.id, first.id]
    assert [job.id for job in list_jobs(empty_world.database, empty_world.clinic, state="queued")] == [second.id]
    assert [job.id for job in list_jobs(empty_world.database, empty_world.clinic, before=second.id)] == [first.id]
    with pytest.raises(NotFound):
        get_job(empty_world.database, empty_world.salon, first.id)


def test_a_claim_lasts_less_than_a_minute() -> None:
    assert timedelta(minutes=1) > queue.LEASE
