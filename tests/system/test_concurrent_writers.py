"""Concurrent writes to the same customers through three processes of two servers on one database, and their readers.

No change may be lost, repeated or returned twice, and no request may fail because of a conflict that the client did
not cause. The environment variable `WRITES` sets the number of requests of each writer (default 30).
"""

import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import product
from typing import Any

import httpx
import pytest

from regulars.customers.counts.maintenance import check_counts
from regulars.scopes import SCOPES
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.customers.test_counts import finish
from tests.customers.test_write import CHANGES, MAKE_UNIQUE
from tests.support.change_feed import Follower
from tests.support.server import TIMEOUT_SECONDS, Server, running
from tests.support.world import LIST, World

pytestmark = pytest.mark.slow

WRITES = int(os.environ.get("WRITES", "30"))
WRITERS = 8
MANY = 16
ROUNDS = 4
FEW = 5

Servers = tuple[Server, Server]
Clients = tuple[httpx.Client, httpx.Client]


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def servers(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[Servers]:
    """Run two servers on one database, one of them with two workers."""
    with (
        World.on(fresh_database(request.param)) as world,
        running(world, "--workers", "1") as one,
        running(world, "--workers", "2") as other,
    ):
        yield one, other


@pytest.fixture(autouse=True)
def no_errors_logged(servers: Servers) -> Iterator[None]:
    """Assert after each test that the servers logged only requests, and no errors or lock timeouts."""
    yield
    unexpected_events = [line for server in servers for line in server.log_lines if line.get("event") != "request"]
    assert unexpected_events == []


def send_concurrently(
    servers: Servers,
    method: str,
    path: str,
    contents: Sequence[object],
    headers: Mapping[str, str] | None = None,
    user: int | None = None,
) -> list[httpx.Response]:
    """Send requests with these contents at the same time, alternately to both servers; return the responses."""
    ready = threading.Barrier(len(contents))

    def run(client: httpx.Client, content: object) -> httpx.Response:
        with client:
            client.get(LIST)  # opens the connection
            ready.wait(TIMEOUT_SECONDS)
            return client.request(method, path, json=content, headers=headers)

    clients = [servers[number % 2].client(user) for number in range(len(contents))]
    with ThreadPoolExecutor(len(contents)) as pool:
        return list(pool.map(run, clients, contents))


@contextmanager
def clients_of(servers: Servers) -> Iterator[Clients]:
    with servers[0].client() as one, servers[1].client() as other:
        yield one, other


def statuses(answers: list[httpx.Response]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def test_of_parallel_creates_of_a_unique_value_one_succeeds(servers: Servers) -> None:
    world = servers[0].world
    world.database.execute(MAKE_UNIQUE, {"of_tenant": world.salon, "names": "email"})
    for number in range(ROUNDS):
        content = {"first_name": "Zoé", "email": f"Zoe{number}@example.com"}
        answers = send_concurrently(servers, "POST", LIST, [content] * WRITERS, user=world.charlie)
        assert statuses(answers) == {201: 1, 409: WRITERS - 1}
        (made,) = (answer.json()["data"]["id"] for answer in answers if answer.status_code == 201)
        for answer in answers:
            if answer.status_code == 409:
                assert f"customer {made}." in answer.json()["message"]
    assert world.get(user=world.charlie).json["meta"]["total"] == ROUNDS
    assert check_counts(world.database, world.salon) == []


def test_a_request_sent_many_times_in_parallel_is_carried_out_once(servers: Servers) -> None:
    world = servers[0].world
    for number in range(ROUNDS):
        content, key = {"first_name": f"Once{number}"}, {"Idempotency-Key": f"once-{number}"}
        answers = send_concurrently(servers, "POST", LIST, [content] * WRITERS, key)
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        for answer in answers:
            assert answer.status_code == 201 or (answer.status_code, answer.headers["Retry-After"]) == (409, "1")
        assert world.get(params={"search": f"once{number}"}).json["meta"]["total"] == 1
        with servers[0].client() as client:
            again = client.post(LIST, json=content, headers=key)
        assert again.content in {answer.content for answer in answers}


def test_of_parallel_updates_with_if_match_one_succeeds(servers: Servers) -> None:
    world = servers[0].world
    for _ in range(ROUNDS):
        path = f"{LIST}/{world.create()}"
        seen = {"If-Match": world.get(path).headers["ETag"]}
        jobs = [{"job": f"Job {number}"} for number in range(WRITERS)]
        answers = send_concurrently(servers, "PUT", path, jobs, seen)
        assert statuses(answers) == {200: 1, 412: WRITERS - 1}
        (written,) = (answer.json()["data"] for answer in answers if answer.status_code == 200)
        assert world.get(path).json["data"] == written
        assert len(world.get(f"{path}/history").json["data"]) == 2


def test_continuous_writers_do_not_block_others(servers: Servers) -> None:
    world = servers[0].world
    token = world.token(world.alice, list(SCOPES))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def create(number: int) -> Counter[int]:
        # httpx is too slow to write without pauses.
        connection = HTTPConnection("127.0.0.1", servers[1].port, timeout=TIMEOUT_SECONDS)
        found: Counter[int] = Counter()
        for _ in range(4 * WRITES):
            connection.request("POST", LIST, '{"first_name": "Busy"}', headers)
            answer = connection.getresponse()
            answer.read()
            found[answer.status] += 1
        connection.close()
        return found

    with ThreadPoolExecutor(MANY) as pool:
        done = sum(pool.map(create, range(MANY)), Counter[int]())
    assert done == {201: MANY * 4 * WRITES}


def test_followers_see_every_change_once_and_in_order(servers: Servers) -> None:
    world = servers[0].world
    shared = [world.create(first_name=f"Shared {number}") for number in range(FEW)]
    done = threading.Event()
    with clients_of(servers) as clients, ThreadPoolExecutor() as pool:
        followers = [Follower(reader(clients)) for _ in range(2)]
        late = SnapshotReader(clients)
        writing = [pool.submit(write, servers[number % 2].client(), number, shared) for number in range(WRITERS)]
        following = [pool.submit(follow, each, done) for each in followers]
        joining = pool.submit(late.read_list)
        try:
            finish([*writing, joining])
        finally:
            done.set()
        finish(following)
        late.read_new()
        there = read_all(clients)
    assert late.customers == there
    for follower in followers:
        assert {number: compared_fields(has) for number, has in follower.customers.items()} == there
        assert follower.position == late.position
    check_totals(world, there)


def check_totals(world: World, there: Mapping[int, Mapping[str, Any]]) -> None:
    for trashed, gender, user in product((False, True), (None, "female", "male"), (None, world.alice, world.bob)):
        asked = {"trashed": str(trashed).lower(), "gender": gender, "user_id": user}
        total = world.get(params={name: value for name, value in asked.items() if value}).json["meta"]["total"]
        assert total == sum(
            (each["deleted_at"] is not None) == trashed
            and gender in {None, each["gender"]}
            and user in {None, each["user_id"]}
            for each in there.values()
        )
    assert check_counts(world.database, world.clinic) == []


def write(client: httpx.Client, seed: int, shared: list[int]) -> None:
    """Send random requests, most of them to the same few customers. Only conflicts with other writers may fail."""
    draw = random.Random(seed)
    own: list[int] = []
    with client:
        for number in range(WRITES):
            path = f"{LIST}/{draw.choice(shared)}"
            match draw.choice(("create", "update", "update", "update", "trash", "restore", "purge")):
                case "create":
                    answer = client.post(LIST, json=content(draw, number))
                    assert answer.status_code == 201, answer.text
                    own.append(answer.json()["data"]["id"])
                case "update":
                    answer = client.put(path, json=content(draw, number))
                    assert answer.status_code == 200 or "in the trash" in answer.text, answer.text
                case "trash":
                    answer = client.delete(path)
                    assert answer.status_code == 204, answer.text
                case "restore":
                    answer = client.post(f"{path}/restore")
                    assert answer.status_code == 200, answer.text
                case "purge" if len(own) > 1:
                    mine = f"{LIST}/{own.pop()}"
                    assert client.delete(mine).status_code == 204
                    assert client.delete(mine, params={"permanently": "true"}).status_code == 204


def content(draw: random.Random, number: int) -> dict[str, Any]:
    return {
        "first_name": f"Person {number}",
        "job": draw.choice((None, "Doktor", "Avukat")),
        "gender": draw.choice((None, "female", "male")),
        "user_id": draw.choice((None, 1, 2)),
    }


def reader(clients: Clients) -> Callable[[Mapping[str, int]], Any]:
    """Return a function that reads the change feed alternately from both servers."""
    turns = list(clients)

    def read(asked: Mapping[str, int]) -> Any:
        turns.reverse()
        return turns[0].get(CHANGES, params=asked).raise_for_status().json()

    return read


def follow(follower: Follower, done: threading.Event) -> None:
    while not done.is_set():
        follower.read_new()
    follower.read_new()


def compared_fields(customer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a customer that are compared."""
    return {name: customer.get(name) for name in COMPARED}


COMPARED = ("first_name", "job", "gender", "user_id", "deleted_at", "created_at")


def as_fields(customer: Mapping[str, Any]) -> dict[str, Any]:
    user = customer["related_user"]
    return compared_fields({**customer, "user_id": user and user["id"]})


def read_all(clients: Clients) -> dict[int, dict[str, Any]]:
    """Read all customers by following the cursors."""
    found: dict[int, dict[str, Any]] = {}
    for trashed in ("true", "false"):
        asked = {"limit": "10", "trashed": trashed}
        has_more = True
        while has_more:
            page = clients[1].get(LIST, params=asked).raise_for_status().json()
            found |= {customer["id"]: as_fields(customer) for customer in page["data"]}
            has_more = page["meta"]["has_more"]
            asked["cursor"] = page["meta"]["cursor"]
    return found


class SnapshotReader:
    """Client that takes a cursor of the change feed, reads the list, and then reads the changes after the cursor.

    The list may already include some of these changes; applying them again has no effect.
    """

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.read = reader(clients)
        self.position = 0
        self.customers: dict[int, dict[str, Any]] = {}

    def read_list(self) -> None:
        """Read the list during concurrent writes."""
        has_more = True
        while has_more:
            meta = self.read({"since": self.position, "limit": 1000})["meta"]
            self.position, has_more = meta["cursor"], meta["has_more"]
        self.customers = read_all(self.clients)

    def read_new(self) -> None:
        """Apply the changes since the cursor."""
        has_more = True
        while has_more:
            answer = self.read({"since": self.position, "limit": 10})
            for change in answer["data"]:
                self.position += 1
                assert change["position"] == self.position
                self._apply(change)
            has_more = answer["meta"]["has_more"]

    def _apply(self, change: Mapping[str, Any]) -> None:
        number, fields = change["customer_id"], change["fields"]
        if change["action"] == "purged" or fields is None:
            self.customers.pop(number, None)
        elif number in self.customers:
            to = {name: pair["to"] for name, pair in fields.items()}
            self.customers[number] = compared_fields(self.customers[number] | to)
        else:
            # The customer is new, or was trashed or restored while the list was read.
            answer = self.clients[0].get(f"{LIST}/{number}")
            if answer.status_code == httpx.codes.OK:
                self.customers[number] = as_fields(answer.json()["data"])
