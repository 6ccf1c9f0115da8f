"""Imports, bulk changes and undos whose processes are killed: every step is done once, and every undo is complete.

The environment variable `JOB_KILLS` sets how many running jobs are killed on each database (default 2):
half of them imports, half of them undos.
"""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count, cycle

import pytest

from regulars.customers.counts.maintenance import check_counts, merge_count_deltas
from regulars.db.connect import sqlite_path
from regulars.scopes import SCOPES
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.customers.test_write import TAGS
from tests.support import postgres
from tests.support.bulk import BULK, counts, get, start
from tests.support.editor import Editor
from tests.support.import_checks import (
    Stored,
    check_feed,
    check_imported,
    check_known_changed,
    check_undone,
    feed_of,
    kept_customers,
    known_customers_of,
    logged_changes,
    new_customers,
)
from tests.support.import_plan import ImportPlan, OnMatch, known_customers
from tests.support.imports import import_file, work
from tests.support.killed_job import Where, run_until_killed
from tests.support.other_jobs import (
    begin,
    end_claims,
    prepare,
    running_jobs,
    wait_for_import,
    wait_until,
)
from tests.support.server import Server, job_process_of, kill, running
from tests.support.world import LIST, World
from tests.support.writers import SUCCESS_STATUSES, Writer, running_writers
from tests.system.test_kill import check_file, pages, statuses

pytestmark = pytest.mark.slow

JOB_KILLS = int(os.environ.get("JOB_KILLS", "2"))
WRITERS = 2
KNOWN = 200
LONGEST_LIFE = 2.0
"""The longest time in seconds from the start of a job to the end of its process."""
ROUND_SECONDS = 600
EDITED = 10
ON_MATCH: tuple[OnMatch, ...] = ("fill", "skip", "overwrite")


class Rounds:
    """Imports files, one after the other, and undoes each import. Checks everything after each step."""

    def __init__(self, world: World, editor: Editor) -> None:
        self.world = world
        self.editor = editor
        self.follower = feed_of(world)
        self.done = 0
        self.kept = 0

    def run(self, stop: threading.Event) -> None:
        """Import and undo until `stop` is set."""
        for number, on_match in zip(count(), cycle(ON_MATCH)):
            if stop.is_set():
                return
            self._round(ImportPlan(f"p{number}", on_match, known=KNOWN))
            self.done += 1

    def _round(self, plan: ImportPlan) -> None:
        before = known_customers_of(self.world)
        self.editor.aim_at([each.id for each in before.values()])
        import_id = prepare(self.world, plan)
        begin(self.world, import_id, "start")
        found = wait_for_import(self.world, import_id, seconds=ROUND_SECONDS)
        self.editor.aim_at([])
        check_imported(self.world, plan, found)
        after, new = known_customers_of(self.world), new_customers(self.world, plan)
        check_known_changed(plan, before, after)
        self._check_addresses_and_feed(after, new)
        edited = self._edit(plan, after, new)
        self.editor.aim_at([each.id for each in (*after.values(), *new.values())])
        begin(self.world, import_id, "undo")
        found = wait_for_import(self.world, import_id, seconds=ROUND_SECONDS)
        with self.editor.waiting():
            check_undone(self.world, plan, found, edited)
            self._check_known(before, after, kept_customers(self.world, import_id))
            self._check_addresses_and_feed(known_customers_of(self.world), new_customers(self.world, plan))
        self.kept += found["undo"]["kept"]

    def _edit(self, plan: ImportPlan, known: dict[str, Stored], new: dict[str, Stored]) -> set[int]:
        """Change some customers of the import, and return those that its undo must keep."""
        chosen = [each.id for each in [*new.values()][:: plan.new // EDITED]]
        if plan.on_match != "skip":
            chosen += [each.id for each in [*known.values()][:: KNOWN // EDITED]]
        for number in chosen:
            address = f"Moved {plan.name}"
            answer = self.world.send("PATCH", f"{LIST}/{number}", {"address": address})
            assert answer.status_code == 200, answer.text
            self.editor.addresses[number] = address
        return set(chosen)

    def _check_known(self, before: dict[str, Stored], after: dict[str, Stored], kept: set[int]) -> None:
        """Assert that the undo has restored the customers that it has not kept."""
        for email, each in known_customers_of(self.world).items():
            expected = after[email] if each.id in kept else before[email]
            assert (each.job, each.tags) == (expected.job, expected.tags)

    def _check_addresses_and_feed(self, *groups: dict[str, Stored]) -> None:
        self.follower.read_new()
        for group in groups:
            check_feed(self.follower, group)
            for each in group.values():
                assert each.address == self.editor.addresses.get(each.id, each.address)


class Killer:
    """Kills processes while they run jobs, and counts what they did."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draw = random.Random()
        self.longest_life = LONGEST_LIFE
        self.last: tuple[object, ...] = ()
        self.killed: Counter[str] = Counter()
        """The number of kills by what was killed and what it did."""

    @property
    def is_done(self) -> bool:
        """Tell whether enough imports and enough undos have been killed."""
        return all(self._hits(kind) >= JOB_KILLS / 2 for kind in ("import", "undo"))

    def _hits(self, kind: str) -> int:
        return sum(number for what, number in self.killed.items() if what.endswith(f" {kind}"))

    def kill_server(self, server: Server) -> None:
        """Kill a server at some time, including the process that runs its jobs."""
        self._wait()
        self._count("server")
        kill(server)
        end_claims(self.world)

    def kill_job_process(self, server: Server) -> None:
        """Kill only the process that runs the jobs of a server, at some time. The server starts another one."""
        self._wait()
        process = job_process_of(server)
        self._count("job process")
        os.kill(process, signal.SIGKILL)
        wait_until(lambda: job_process_of(server) != process)
        end_claims(self.world)

    def _wait(self) -> None:
        wait_until(lambda: running_jobs(self.world))
        time.sleep(self.draw.uniform(0, self.longest_life))

    def _count(self, what: str) -> None:
        running = running_jobs(self.world)
        kind, done = (running[0][1], running[0][3]) if running else ("nothing", 0)
        # On a busy machine a process does nothing in a short life.
        self.longest_life = self.longest_life * 1.5 if running and self.last == (kind, done) else LONGEST_LIFE
        self.last = (kind, done)
        self.killed[f"{what} {kind}"] += 1
        sys.stdout.write(f"kill {self.killed.total()}: {what}, {kind} after {done} steps\n")


@pytest.mark.parametrize("kind", DATABASE_KINDS)
def test_killed_imports_and_undos_do_everything_once(kind: str, fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database(kind), port=postgres.free_port()) as world:
        import_file(world, "known.csv", known_customers(KNOWN), match_by="none")
        token = world.token(world.alice, list(SCOPES))
        url = f"http://127.0.0.1:{world.settings.port}"
        writers = writers_of(world, url, token)
        rounds, killer = Rounds(world, Editor(url, token)), Killer(world)
        stop, stop_editor = threading.Event(), threading.Event()
        with ThreadPoolExecutor(2) as pool, running_writers(writers) as work:
            runs = [pool.submit(rounds.run, stop), pool.submit(rounds.editor.run, stop_editor)]
            try:
                kill_often(killer, runs)
                stop.set()
                with running(world, "--workers", "1", "--jobs"):
                    runs[0].result()
                    stop_editor.set()
                    work.finish()
                    runs[1].result()
            finally:
                stop.set()
                stop_editor.set()
        tell(kind, killer, rounds, writers)
        assert statuses(writers).keys() <= SUCCESS_STATUSES | {503}
        check_writers(world, writers)


def kill_often(killer: Killer, runs: list[Future[None]]) -> None:
    """Kill servers and their job processes until enough jobs have been hit."""
    while not killer.is_done:
        with running(killer.world, "--workers", "1", "--jobs") as server:
            for _number in range(killer.draw.randint(0, 2)):
                killer.kill_job_process(server)
                check(runs)
            killer.kill_server(server)
        check(runs)


def check(runs: list[Future[None]]) -> None:
    """Raise the exception of a run, if any."""
    for run in runs:
        if run.done():
            run.result()


def writers_of(world: World, url: str, token: str) -> list[Writer]:
    """Return writers of customers that no import concerns."""
    answer = world.send("POST", TAGS, {"name": "Writers", "color": "#000000"})
    return [Writer(url, token, [answer.json["data"]["id"]], number) for number in range(WRITERS)]


def tell(kind: str, killer: Killer, rounds: Rounds, writers: list[Writer]) -> None:
    """Print the numbers, which pytest shows with -rP."""
    others = sum(writer.acknowledged for writer in writers)
    sys.stdout.write(
        f"{kind}: killed {dict(sorted(killer.killed.items()))}, {rounds.done} imports and undos,"
        f" {rounds.kept} customers kept, {len(rounds.editor.addresses)} edited, {others} other writes\n"
    )


def check_writers(world: World, writers: list[Writer]) -> None:
    """Assert that no write of the writers was lost, and that all counts are right."""
    expected = {number: (each, writer.tags) for writer in writers for number, each in writer.customers.items()}
    for trashed in (False, True):
        there = dict(pages(world, trashed))
        for number, (each, tags) in expected.items():
            if each.trashed == trashed:
                assert there[number] == each.content(tags)
    follower = feed_of(world)
    follower.read_new()
    for number, (each, _tags) in expected.items():
        history = world.get(f"{LIST}/{number}/history").json["data"] if follower.changes[number] != each.changes else []
        assert follower.changes[number] == each.changes, history
    merge_count_deltas(world.database)
    assert check_counts(world.database, world.clinic) == []
    if world.database.dialect == "sqlite":
        check_file(sqlite_path(world.url))


def test_killed_bulk_changes_and_their_undo_change_every_customer_once(empty_world: World) -> None:
    world = empty_world
    ids = [world.add(first_name=f"A {number}", job="Doktor") for number in range(40)]
    mark = world.send("POST", TAGS, {"name": "VIP", "color": "#000000"}).json["data"]["id"]
    bulk_change_id = start(world, {"search": "a"}, values={"user_id": world.bob}, add_tags=[mark])
    finish_after_kills(world, edited=(ids[0], ids[-1]))
    found = get(world, bulk_change_id)
    assert (found["state"], counts(found)) == ("completed", {"changed": 40})
    assert logged_changes(world, bulk_change_id) == {"updated": (40, 40)}
    assert world.send("POST", f"{BULK}/{bulk_change_id}/undo").status_code == 202
    finish_after_kills(world, edited=(ids[0], ids[1]))
    found = get(world, bulk_change_id)
    # The undo begins with the last customers, so only the first ones are changed before it reaches them.
    assert (found["state"], found["undo"]) == ("undone", {"restored": 38, "kept": 2})
    assert logged_changes(world, bulk_change_id) == {"updated": (78, 40)}
    assert world.get(LIST, params={"tag_id": mark}).json["meta"]["total"] == 2
    assert check_counts(world.database, world.clinic) == []


def finish_after_kills(world: World, edited: Collection[int]) -> None:
    """Let a job run in two processes that are killed, change customers meanwhile, and finish the job."""
    kills: list[tuple[int, Where]] = [(8, "in"), (20, "between")]
    for done, where in kills:
        run_until_killed(world.url, done, where)
        end_claims(world)
    for number in edited:
        assert world.send("PATCH", f"{LIST}/{number}", {"address": "Bağdat Caddesi 1"}).status_code == 200
    work(world)
