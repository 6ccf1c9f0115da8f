"""The first page with its exact total, on our service and on every peer that can be installed, by turns."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.cases import Asker, Case, first_page
from benchmarks.measuring import Load
from benchmarks.peers import Peer, Running
from benchmarks.peers.directus import peer as directus
from benchmarks.peers.django_ninja import peer as django_ninja
from benchmarks.peers.fastapi_sqlalchemy import kept_counter as fastapi_with_counter
from benchmarks.peers.fastapi_sqlalchemy import peer as fastapi
from benchmarks.peers.laravel import peer as laravel
from benchmarks.peers.pocketbase import peer as pocketbase
from benchmarks.plan import Plan, tell
from benchmarks.results import Contest
from benchmarks.rounds import Subject, by_turns

PEERS: tuple[Peer, ...] = (fastapi, fastapi_with_counter, django_ninja, laravel, directus, pocketbase)


def installed_peers(url: str) -> tuple[list[Peer], list[str]]:
    """Those that can have their customers from this database, and why some of them could not be installed."""
    found: list[Peer] = []
    missing: list[str] = []
    for peer in PEERS:
        if url.partition(":")[0] not in peer.DATABASES:
            continue
        try:
            peer.install()
        except RuntimeError as error:
            missing.append(str(error).partition("\n")[0])
            tell(f"  {missing[-1]}")
        else:
            found.append(peer)
    return found, missing


@contextmanager
def running_peers(peers: Sequence[Peer], url: str, workers: int, plan: Plan) -> Iterator[Mapping[str, Running]]:
    """All of them by name: those that wait for their turn take no time."""
    with ExitStack() as stack:
        yield {peer.NAME: stack.enter_context(peer.running(url, workers, plan.folder)) for peer in peers}


def compete(ours: str, peers: Mapping[str, Running], asker: Asker, plan: Plan) -> Contest:
    """Everyone's first page of the asker's tenant."""
    case = first_page()
    subjects = [
        Subject(ours, case, asker),
        *(peers_first_page(ours, peer, name, asker) for name, peer in peers.items()),
    ]
    total = asker.ask(ours, case.path)["meta"]["total"]
    our_best, *others = by_turns(subjects, Load(plan.seconds, plan.workers), plan.rounds)
    found = dict(zip(peers, others, strict=True))
    tell(f"  first page of {total:,}: {our_best.rate:,.1f} a second")
    for name, measure in found.items():
        tell(f"    {name}: {measure.rate:,.1f}")
    return Contest(total, our_best, found)


def peers_first_page(ours: str, peer: Running, name: str, asker: Asker) -> Subject:
    """What the peer is asked. Raises `RuntimeError` unless it gives the same customers as we do, and the same total."""
    expected = asker.ask(ours, first_page().path)
    theirs = Asker(asker.tenant_id, peer.headers(asker.tenant_id))
    path = peer.first_page(asker.tenant_id)
    rows, total = peer.page(theirs.ask(peer.address, path))
    found, wanted = ([row["first_name"] for row in each] for each in (rows, expected["data"]))
    if (found, total) != (wanted, expected["meta"]["total"]):
        raise RuntimeError(f"{name} gave {found} of {total}, not {wanted} of {expected['meta']['total']}.")
    return Subject(peer.address, Case(first_page().name, path, lambda _answer: True), theirs)
