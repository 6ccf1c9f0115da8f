"""Which requests run and which wait, for any order of arrivals and ends."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.errors import TooManyRequests, Unavailable
from regulars.server.admission import MAX_WAITING, READ, SEARCH, SIGN_IN, WRITE, Admission, Kind, Request

KINDS = (READ, SEARCH, SIGN_IN, WRITE)
THREADS = 4


def request(kind: Kind, group: str) -> Request:
    return Request({}, None, kind, group, lambda: None)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from("abc"), st.booleans()), max_size=120), st.randoms())
def test_places_are_kept_and_used(arrivals: list[tuple[Kind, str, bool]], random: Any) -> None:
    admission = Admission(THREADS)
    arrived: list[Request] = []

    def finish_one() -> None:
        admission.finish(random.choice([each for each in arrived if each in admission.running]))

    for kind, group, ends in arrivals:
        arrived.append(request(kind, group))
        admission.submit(arrived[-1])
        if ends and admission.running:
            finish_one()
        check_places(admission)
    while admission.running:
        finish_one()
        check_places(admission)
    assert not admission.waiting, "every request runs in the end"


def check_places(admission: Admission) -> None:
    running = admission.running
    groups = Counter(each.group for each in running)
    kinds = Counter(each.kind for each in running)
    assert len(running) <= THREADS
    assert all(count < THREADS for count in groups.values())
    assert all(count <= kind.running for kind, count in kinds.items())
    assert sum(each.kind.is_costly for each in running) < THREADS
    for each in admission.waiting:
        may_not_run = (
            len(running) == THREADS
            or groups[each.group] == THREADS - 1
            or kinds[each.kind] == each.kind.running
            or Counter((other.group, other.kind) for other in running)[each.group, each.kind]
            == each.kind.running_of_group
            or (each.kind.is_costly and sum(other.kind.is_costly for other in running) == THREADS - 1)
        )
        assert may_not_run, "a request waits although there is a place for it"


def test_a_free_place_goes_to_the_group_with_the_fewest_running_requests() -> None:
    admission = Admission(THREADS)
    first = [request(READ, "busy") for _ in range(5)]
    late = [request(READ, "other") for _ in range(3)]
    for each in (*first, *late):
        assert admission.submit(each) is None
    assert admission.running == {*first[:3], late[0]}
    admission.finish(first[0])
    assert admission.running == {*first[1:3], *late[:2]}


def test_a_group_with_too_many_waiting_requests_is_refused_and_others_are_not() -> None:
    admission = Admission(THREADS)
    outcomes = [admission.submit(request(SEARCH, "busy")) for _ in range(50)]
    assert outcomes[: 1 + SEARCH.waiting_of_group] == [None] * (1 + SEARCH.waiting_of_group)
    assert isinstance(outcomes[-1], TooManyRequests)
    assert admission.submit(request(SEARCH, "other")) is None
    assert admission.submit(request(READ, "busy")) is None


def test_a_full_queue_of_one_kind_leaves_the_others_alone() -> None:
    admission = Admission(THREADS)
    while admission.submit(request(SIGN_IN, f"address {len(admission.waiting)}")) is None:
        pass
    reads = [request(READ, group) for group in "abcdef"]
    assert [admission.submit(each) for each in reads] == [None] * len(reads)
    assert set(reads[:3]) <= admission.running, "there are threads for them"


def test_all_groups_together_wait_in_a_queue_with_an_end() -> None:
    admission = Admission(THREADS)
    outcomes = [admission.submit(request(SIGN_IN, f"address {number}")) for number in range(MAX_WAITING + 2)]
    assert outcomes[: MAX_WAITING + 1] == [None] * (MAX_WAITING + 1)
    assert isinstance(outcomes[-1], Unavailable)


def test_a_withdrawn_request_does_not_run() -> None:
    admission = Admission(THREADS)
    running, waiting = request(SIGN_IN, "a"), request(SIGN_IN, "a")
    admission.submit(running)
    admission.submit(waiting)
    assert admission.withdraw(waiting)
    assert not admission.withdraw(running)
    admission.finish(running)
    assert admission.running == set()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_leaves_a_thread_to_others(kind: Kind) -> None:
    assert kind.running_of_group < THREADS
    assert kind.running < THREADS or not kind.is_costly
