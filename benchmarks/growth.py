"""The cost of a request against the size of the tenant: one connection, one worker, the sizes by turns."""

from collections.abc import Sequence

from benchmarks.cases import Asker, Case, check, pages_for, searches_for
from benchmarks.footprint import memory_of_worker, seconds_to_first_page
from benchmarks.measuring import Load, measure
from benchmarks.peer_comparison import peers_first_page, running_peers
from benchmarks.peers import Peer, Running
from benchmarks.plan import Plan, tell
from benchmarks.results import Footprint, Growth, Line
from benchmarks.rounds import Subject, by_turns
from benchmarks.seeding import asker, seeded_sizes
from benchmarks.servers import Server, running_regulars

ONE_AT_A_TIME = Load(seconds=1, workers=1, connections=1)


def measure_growth(url: str, peers: Sequence[Peer], plan: Plan) -> Growth:
    """On a database with a tenant of each size."""
    tell(f"Seeding tenants of {', '.join(f'{size:,}' for size in plan.sizes)}")
    seconds = seeded_sizes(url, plan.sizes, plan.folder)
    askers = [asker(url, number) for number in range(1, len(plan.sizes) + 1)]
    with running_regulars(url, 1, plan.folder) as ours:
        pages, searches = (
            _lines([kind(asker, ours.address) for asker in askers], askers, ours.address, plan)
            for kind in (pages_for, searches_for)
        )
        # A copy of the customers takes longer to make than all else together.
        with running_peers([peer for peer in peers if not peer.OWN_COPY], url, 1, plan) as running:
            others = [_peers_line(name, peer, askers, ours.address, plan) for name, peer in running.items()]
        footprint = _footprint(url, ours, askers[-1], plan)
    return Growth(plan.sizes, seconds, pages, searches, others, footprint)


def _lines(cases: Sequence[Sequence[Case]], askers: Sequence[Asker], address: str, plan: Plan) -> list[Line]:
    return [_line(of_each_size, askers, address, plan) for of_each_size in zip(*cases, strict=True)]


def _line(cases: Sequence[Case], askers: Sequence[Asker], address: str, plan: Plan) -> Line:
    subjects = [Subject(address, case, asker) for case, asker in zip(cases, askers, strict=True)]
    answers = [check(subject.case, subject.asker, address) for subject in subjects]
    found = answers[-1]["meta"]["total"] if "search=" in cases[-1].path else None
    return _told(cases[-1].name, found, subjects, plan)


def _peers_line(name: str, peer: Running, askers: Sequence[Asker], ours: str, plan: Plan) -> Line:
    return _told(name, None, [peers_first_page(ours, peer, name, asker) for asker in askers], plan)


def _told(name: str, found: int | None, subjects: Sequence[Subject], plan: Plan) -> Line:
    milliseconds = [each.p50 for each in by_turns(subjects, ONE_AT_A_TIME, plan.rounds)]
    tell(f"  {name}: {', '.join(f'{each:.2f}' for each in milliseconds)} ms")
    return Line(name, found, milliseconds)


def _footprint(url: str, ours: Server, asker: Asker, plan: Plan) -> Footprint:
    load = Load(seconds=1, workers=1)
    for case in (*pages_for(asker, ours.address), *searches_for(asker, ours.address)):
        measure(ours.address, case.path, asker.headers, load)
    peak, own = memory_of_worker(ours.process_id)
    start = seconds_to_first_page(url, asker, plan.folder)
    tell(f"  a worker: {peak:.0f} MB at the most, {own:.0f} MB its own; first page after {start:.2f} seconds")
    return Footprint(peak, own, start)
