"""Latency of requests by tenant size, measured with one connection and one worker; the sizes take turns."""

from collections.abc import Sequence

from benchmarks.cases import Case, Client, checked_response, pages_for, searches_for
from benchmarks.footprint import memory_of_worker, seconds_to_first_page
from benchmarks.measuring import Load, measure
from benchmarks.peer_comparison import first_page_target, running_peers
from benchmarks.peers import Peer, Running
from benchmarks.plan import Plan, log_progress
from benchmarks.results import Footprint, Growth, LatencySeries
from benchmarks.rounds import Target, measure_in_turns
from benchmarks.seeding import seeded_sizes, tenant_owner
from benchmarks.servers import Server, running_regulars

SEQUENTIAL_LOAD = Load(seconds=1, workers=1, connections=1)


def measure_growth(url: str, peers: Sequence[Peer], plan: Plan) -> Growth:
    """Seed the database at `url` with a tenant of each size, and measure Regulars and the peers on it."""
    log_progress(f"Seeding tenants of {', '.join(f'{size:,}' for size in plan.sizes)} customers")
    seconds = seeded_sizes(url, plan.sizes, plan.folder)
    clients = [tenant_owner(url, number) for number in range(1, len(plan.sizes) + 1)]
    with running_regulars(url, 1, plan.folder) as ours:
        pages, searches = (
            [
                _measure_case(cases, clients, ours.address, plan)
                for cases in zip(*(cases_for(client, ours.address) for client in clients), strict=True)
            ]
            for cases_for in (pages_for, searches_for)
        )
        # A peer with its own copy of the tables is left out: making the copy takes longer than all measurements.
        with running_peers([peer for peer in peers if not peer.OWN_COPY], url, 1, plan) as running:
            others = [_measure_peer(name, peer, clients, ours.address, plan) for name, peer in running.items()]
        footprint = _measure_footprint(url, ours, clients[-1], plan)
    return Growth(plan.sizes, seconds, pages, searches, others, footprint)


def _measure_case(cases: Sequence[Case], clients: Sequence[Client], address: str, plan: Plan) -> LatencySeries:
    targets = [Target(address, case, client) for case, client in zip(cases, clients, strict=True)]
    responses = [checked_response(target.case, target.client, address) for target in targets]
    matches = responses[-1]["meta"]["total"] if "search=" in cases[-1].path else None
    return _measure_series(cases[-1].name, matches, targets, plan)


def _measure_peer(name: str, peer: Running, clients: Sequence[Client], ours: str, plan: Plan) -> LatencySeries:
    return _measure_series(name, None, [first_page_target(ours, peer, name, client) for client in clients], plan)


def _measure_series(name: str, matches: int | None, targets: Sequence[Target], plan: Plan) -> LatencySeries:
    milliseconds = [measure.p50 for measure in measure_in_turns(targets, SEQUENTIAL_LOAD, plan.rounds)]
    log_progress(f"  {name}: {', '.join(f'{value:.2f}' for value in milliseconds)} ms")
    return LatencySeries(name, matches, milliseconds)


def _measure_footprint(url: str, ours: Server, client: Client, plan: Plan) -> Footprint:
    load = Load(seconds=1, workers=1)
    for case in (*pages_for(client, ours.address), *searches_for(client, ours.address)):
        measure(ours.address, case.path, client.headers, load)
    peak, own = memory_of_worker(ours.process_id)
    start = seconds_to_first_page(url, client, plan.folder)
    log_progress(f"  worker: {peak:.0f} MB at peak, {own:.0f} MB private; first page after {start:.2f} seconds")
    return Footprint(peak, own, start)
