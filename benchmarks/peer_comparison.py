"""Comparison of the first page, with its exact total, between Regulars and every peer that can be installed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.cases import Case, Client, first_page
from benchmarks.measuring import Load
from benchmarks.peers import Peer, Running
from benchmarks.peers.directus import peer as directus
from benchmarks.peers.django_ninja import peer as django_ninja
from benchmarks.peers.fastapi_sqlalchemy import kept_counter as fastapi_with_counter
from benchmarks.peers.fastapi_sqlalchemy import peer as fastapi
from benchmarks.peers.laravel import peer as laravel
from benchmarks.peers.pocketbase import peer as pocketbase
from benchmarks.plan import Plan, log_progress
from benchmarks.results import PeerComparison
from benchmarks.rounds import Target, measure_in_turns

PEERS: tuple[Peer, ...] = (fastapi, fastapi_with_counter, django_ninja, laravel, directus, pocketbase)


def install_peers(url: str) -> tuple[list[Peer], list[str]]:
    """Install the peers that support the database at `url`.

    Return the installed peers, and an error message for each peer that could not be installed.
    """
    installed: list[Peer] = []
    failures: list[str] = []
    for peer in PEERS:
        if url.partition(":")[0] not in peer.DATABASES:
            continue
        try:
            peer.install()
        except RuntimeError as error:
            failures.append(str(error).partition("\n")[0])
            log_progress(f"  {failures[-1]}")
        else:
            installed.append(peer)
    return installed, failures


@contextmanager
def running_peers(peers: Sequence[Peer], url: str, workers: int, plan: Plan) -> Iterator[Mapping[str, Running]]:
    """Run all `peers` at the same time and return them by name. An idle peer uses no processor time."""
    with ExitStack() as stack:
        yield {peer.NAME: stack.enter_context(peer.running(url, workers, plan.folder)) for peer in peers}


def compare_first_page(ours: str, peers: Mapping[str, Running], client: Client, plan: Plan) -> PeerComparison:
    """Measure the first page of the client's tenant on Regulars (at the address `ours`) and on the peers."""
    case = first_page()
    targets = [
        Target(ours, case, client),
        *(first_page_target(ours, peer, name, client) for name, peer in peers.items()),
    ]
    total = client.get(ours, case.path)["meta"]["total"]
    our_best, *best_of_peers = measure_in_turns(targets, Load(plan.seconds, plan.workers), plan.rounds)
    measures = dict(zip(peers, best_of_peers, strict=True))
    log_progress(f"  first page of {total:,} customers: {our_best.rate:,.1f} requests/s")
    for name, measure in measures.items():
        log_progress(f"    {name}: {measure.rate:,.1f} requests/s")
    return PeerComparison(total, our_best, measures)


def first_page_target(ours: str, peer: Running, name: str, client: Client) -> Target:
    """Return the peer's first page as a target.

    Raise `RuntimeError` unless it has the same customers in the same order, and the same total, as Regulars.
    """
    expected = client.get(ours, first_page().path)
    peer_client = Client(client.tenant_id, peer.headers(client.tenant_id))
    path = peer.first_page(client.tenant_id)
    peer_rows, peer_total = peer.page(peer_client.get(peer.address, path))
    peer_names, names = ([row["first_name"] for row in rows] for rows in (peer_rows, expected["data"]))
    total = expected["meta"]["total"]
    if (peer_names, peer_total) != (names, total):
        raise RuntimeError(f"{name} returned {peer_names} of {peer_total}; expected {names} of {total}.")
    return Target(peer.address, Case(first_page().name, path, lambda _response: True), peer_client)
