"""Servers and databases that are killed during writes, and restarted.

Acknowledged writes must persist, other writes must be applied completely or not at all, and repeated requests must be
executed once. The environment variable `KILLS` sets how often each process is killed (default 3).
"""

import os
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import httpx
import pytest

from regulars.customers.counts.maintenance import check_counts, merge_count_deltas
from regulars.db.connect import sqlite_path
from regulars.db.migrate import migrate
from regulars.scopes import SCOPES
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.customers.test_write import CHANGES, TAGS
from tests.support import postgres
from tests.support.change_feed import Follower
from tests.support.server import kill, running
from tests.support.world import World
from tests.support.writers import SUCCESS_STATUSES, ExpectedCustomer, Writer, running_writers
from tests.system.test_outage import wait_until_it_answers

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "3"))
WRITERS = 6
LIVES_SECONDS = (0.2, 2.5)
"""Minimum and maximum lifetime of a server. Some servers live long enough to merge count deltas."""
CRASHES = 2
MOST_SEARCHED = 500
WRITTEN = ("first_name", "job", "address", "identity_number")

Everyone = Mapping[int, tuple[ExpectedCustomer, Sequence[int]]]
"""Expected customers by id, each with the tags that its writer chooses from."""


@pytest.mark.parametrize("kind", DATABASE_KINDS)
def test_a_server_that_is_killed_loses_nothing_and_doubles_nothing(kind: str, fresh_database: FreshDatabase) -> None:
    draw = random.Random()
    with World.on(fresh_database(kind), port=postgres.free_port()) as world:
        writers = writers_of(world)
        with running_writers(writers) as work:
            for _ in range(KILLS):
                with running(world, "--workers", "2") as server:
                    time.sleep(draw.uniform(*LIVES_SECONDS))
                    kill(server)
                work.check()
            with running(world, "--workers", "2"):
                time.sleep(LIVES_SECONDS[0])
                work.finish()
        tell(kind, writers)
        assert statuses(writers).keys() <= SUCCESS_STATUSES
        check_all(world, writers)


@pytest.mark.postgresql
def test_a_crash_of_postgresql_gives_only_503() -> None:
    with postgres.running_server() as server:
        server.execute("CREATE DATABASE crashing")
        # Commit synchronously, as in production, so that acknowledged writes survive the crash.
        server.execute("ALTER DATABASE crashing SET synchronous_commit = on")
        url = f"{server.url}/crashing"
        migrate(url)
        with World.on(url, port=postgres.free_port()) as world:
            writers = writers_of(world)
            with running(world, "--workers", "2"), running_writers(writers) as work:
                for _ in range(CRASHES):
                    time.sleep(random.uniform(0.5, 1.5))
                    server.crash()
                    time.sleep(random.uniform(0, 0.5))
                    server.start()
                    work.check()
                time.sleep(LIVES_SECONDS[0])
                work.finish()
            tell("crashes", writers)
            assert statuses(writers).keys() <= SUCCESS_STATUSES | {
                httpx.codes.SERVICE_UNAVAILABLE,
                httpx.codes.CONFLICT,
            }
            wait_until_it_answers(world)
            check_all(world, writers)


def writers_of(world: World) -> list[Writer]:
    tags = [
        world.send("POST", TAGS, {"name": f"Tag {number}", "color": "#000000"}).json["data"]["id"]
        for number in range(3)
    ]
    token = world.token(world.alice, list(SCOPES))
    url = f"http://127.0.0.1:{world.settings.port}"
    return [Writer(url, token, tags, number) for number in range(WRITERS)]


def statuses(writers: Sequence[Writer]) -> Counter[int]:
    return sum((writer.statuses for writer in writers), Counter())


def tell(what: str, writers: Sequence[Writer]) -> None:
    """Print the number of requests, which pytest shows with -rP."""
    acknowledged, unanswered, replayed = (
        sum(getattr(writer, name) for writer in writers) for name in ("acknowledged", "unanswered", "replayed")
    )
    sys.stdout.write(
        f"{what}: {acknowledged} writes acknowledged, {unanswered} not answered, {replayed} found to be done already,"
        f" statuses {dict(statuses(writers))}\n"
    )


def check_all(world: World, writers: Sequence[Writer]) -> None:
    """Assert that all endpoints return the state that the writers expect."""
    wanted = {number: (each, writer.tags) for writer in writers for number, each in writer.customers.items()}
    check_lists(world, wanted)
    check_feed(world, wanted)
    check_search(world, [each for each, _ in wanted.values()])
    assert check_counts(world.database, world.clinic) == []
    merge_count_deltas(world.database)
    assert check_counts(world.database, world.clinic) == []
    if world.database.dialect == "sqlite":
        check_file(sqlite_path(world.url))


def check_lists(world: World, wanted: Everyone) -> None:
    for trashed in (False, True):
        there = dict(pages(world, trashed))
        expected = {number: each.content(tags) for number, (each, tags) in wanted.items() if each.trashed == trashed}
        assert there == expected


def pages(world: World, trashed: bool) -> Iterator[tuple[int, Mapping[str, Any]]]:
    asked = {"limit": "100", "trashed": str(trashed).lower(), "include": "tags"}
    count, has_more = 0, True
    while has_more:
        page = world.get(params=asked).json
        for customer in page["data"]:
            count += 1
            tags = sorted(tag["id"] for tag in customer["tags"])
            assert (customer["deleted_at"] is not None) == trashed
            yield customer["id"], {name: customer[name] for name in WRITTEN} | {"tags": tags}
        has_more = page["meta"]["has_more"]
        asked["cursor"] = page["meta"]["cursor"]
    assert page["meta"]["total"] == count


def check_feed(world: World, wanted: Everyone) -> None:
    follower = Follower(lambda asked: world.get(CHANGES, params=asked).json)
    follower.read_new()
    assert follower.changes == {number: each.changes for number, (each, _) in wanted.items()}
    for number, (each, tags) in wanted.items():
        known = {"tags": []} | follower.customers[number]
        content = each.content(tags)
        assert {name: known[name] for name in content} == content
        assert ("deleted_at" in known) == each.trashed


def check_search(world: World, everyone: Sequence[ExpectedCustomer]) -> None:
    """Assert that the search index contains the current versions of the customers and not the previous ones."""
    for each in random.sample(everyone, min(MOST_SEARCHED, len(everyone))):
        for word, expected in ((each.word, 1), (each.name, 1), (f"{each.name}n{each.number - 1}z", 0)):
            asked = {"search": word, "trashed": str(each.trashed).lower()}
            assert world.get(params=asked).json["meta"]["total"] == expected, word


def check_file(path: str) -> None:
    """Assert that the SQLite file is intact and that the search index has exact trigram counts."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO customers_search (customers_search) VALUES ('integrity-check')")
        texts = [f"{text}\n\n" for (text,) in connection.execute("SELECT search_text FROM customers")]
        expected = Counter(trigram for text in texts for trigram in {text[at : at + 3] for at in range(len(text) - 2)})
        assert dict(connection.execute("SELECT term, doc FROM customers_search_trigrams")) == expected
