"""Measure the service with a million customers on both databases, beside what limits it and beside a peer.

python -m benchmarks.bench [--customers N] [--seconds S] [--workers W] [--data DIR] [--write FILE]
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from benchmarks.cases import Asker, Case, cases_for, check, first_page, same_answers
from benchmarks.machine import describe
from benchmarks.measuring import Load, Measure, fetch, measure, need_wrk
from benchmarks.peers.directus import peer as directus
from benchmarks.peers.django_ninja import peer as django_ninja
from benchmarks.peers.laravel import peer as laravel
from benchmarks.peers.pocketbase import peer as pocketbase
from benchmarks.postgres import running_postgres
from benchmarks.query_loop import first_pages_per_second
from benchmarks.report import Compared, Findings, Limits, Other, Sizes, has_part, put_into, write_report
from benchmarks.seeding import BIG_TENANT, SMALL_TENANT, asker, seeded
from benchmarks.servers import peer_python, running_memory, running_peer, running_regulars

INTERRUPTED = 130
OTHERS = (laravel, pocketbase, django_ninja, directus)
LEAST = 4_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is measured, and in which folder."""

    customers: int
    rounds: int
    load: Load
    folder: Path


@dataclass(frozen=True, slots=True)
class Subject:
    """A server, what it is asked for, and by whom."""

    address: str
    case: Case
    asker: Asker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        need_wrk()
        peer_python()
        with _folder(options.data, options.customers) as folder:
            plan = Plan(options.customers, options.rounds, Load(options.seconds, options.workers), folder)
            report = _run(plan, options.databases)
    except KeyboardInterrupt:
        return INTERRUPTED
    print(report)
    if options.write:
        put_into(options.write, report)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000, help="how many in all; one tenant has half of them")
    parser.add_argument("--seconds", type=float, default=5, help="how long each case is measured")
    parser.add_argument("--rounds", type=int, default=3, help="how often; the best round counts")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of each server")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--data", type=Path, help="a folder to keep the filled databases in, for the next time")
    parser.add_argument("--write", type=Path, help="a file in which to replace the part marked <!-- bench -->")
    options = parser.parse_args(arguments)
    if options.customers < LEAST:
        parser.error(f"--customers must be at least {LEAST}")
    if options.write and not has_part(options.write):
        parser.error(f"{options.write} has no part between <!-- bench --> and <!-- /bench -->")
    return options


@contextmanager
def _folder(wanted: Path | None, customers: int) -> Iterator[Path]:
    """Where the databases are: a folder for this number of customers, or one that is gone afterwards."""
    if wanted is not None:
        folder = wanted.resolve() / str(customers)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name:
        # PostgreSQL's user must come through to its own folder.
        Path(name).chmod(0o711)
        yield Path(name)


def _run(plan: Plan, databases: Sequence[str]) -> str:
    with running_postgres(plan.folder / "postgresql") as postgres:
        urls = {"sqlite": f"sqlite:///{plan.folder}/regulars.db", "postgresql": postgres}
        machine = describe(postgres, plan.load.workers)
        return write_report([_measure_database(urls[name], plan) for name in databases], machine)


def _measure_database(url: str, plan: Plan) -> Findings:
    name = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    _tell(f"{name}: seeding {plan.customers:,} customers")
    seconds = seeded(url, plan.customers, plan.folder)
    _tell(f"{name}: seeded in {seconds:.1f} seconds")
    big, small = (asker(url, tenant_id) for tenant_id in (BIG_TENANT, SMALL_TENANT))
    workers = plan.load.workers
    with running_regulars(url, workers, plan.folder) as ours:
        with running_peer(url, workers, plan.folder) as peer:
            cases = [_compare(case, big, ours, peer, plan) for case in cases_for(big, ours)]
        sizes = [_compare_sizes(on_big, on_small, plan) for on_big, on_small in _on_sizes(big, small, ours)]
        limits = _limits(url, big, ours, plan)
        others, missing = _others(url, (big, small), ours, plan)
    return Findings(name, seconds, plan.customers, cases, sizes, limits, others, missing)


def _others(url: str, askers: Sequence[Asker], ours: str, plan: Plan) -> tuple[list[Other], list[str]]:
    """What was measured beside the other services for this database, and why some could not be."""
    found: list[Other] = []
    missing: list[str] = []
    for other in OTHERS:
        if url.partition(":")[0] not in other.DATABASES:
            continue
        try:
            other.install()
        except RuntimeError as error:
            missing.append(str(error).partition("\n")[0])
            _tell(f"  {missing[-1]}")
        else:
            found += _compare_with(other, url, askers, ours, plan)
    return found, missing


def _compare_with(other: ModuleType, url: str, askers: Sequence[Asker], ours: str, plan: Plan) -> Iterator[Other]:
    """The first page with its exact total, which the other must have too, on each asker's tenant."""
    with other.running(url, plan.load.workers, plan.folder) as peer:
        for asker in askers:
            case = first_page()
            total = asker.ask(ours, case.path)["meta"]["total"]
            theirs = Asker(asker.tenant_id, peer.headers(asker.tenant_id))
            page = Case(case.name, peer.first_page(asker.tenant_id), case.is_right)
            found = peer.rows(theirs.ask(peer.address, page.path))
            if found != (15, total):
                raise RuntimeError(f"{other.NAME} gave {found[0]} rows of {found[1]}, not 15 of {total}.")
            best = _by_turns(plan, Subject(ours, case, asker), Subject(peer.address, page, theirs))
            _tell(f"  {other.NAME}, {total:,} customers: {best[1].rate:,.1f} a second, ours {best[0].rate:,.1f}")
            yield Other(other.NAME, other.versions(), total, *best)


def _compare(case: Case, asker: Asker, ours: str, peer: str, plan: Plan) -> Compared:
    same_answers(case, asker, ours, peer)
    our_best, peers_best = _by_turns(plan, Subject(ours, case, asker), Subject(peer, case, asker))
    _tell(f"  {case.name}: {our_best.rate:,.1f} a second, the peer {peers_best.rate:,.1f}")
    return Compared(case.name, our_best, peers_best)


def _on_sizes(big: Asker, small: Asker, address: str) -> list[tuple[Subject, Subject]]:
    on_big, on_small = (
        [Subject(address, case, asker) for case in cases_for(asker, address) if case.on_sizes] for asker in (big, small)
    )
    return list(zip(on_big, on_small, strict=True))


def _compare_sizes(big: Subject, small: Subject, plan: Plan) -> Sizes:
    check(small.case, small.asker, small.address)
    on_big, on_small = _by_turns(plan, big, small)
    _tell(f"  {big.case.name}: {on_big.rate:,.1f} a second, on the small tenant {on_small.rate:,.1f}")
    return Sizes(big.case.name, on_big, on_small)


def _limits(url: str, asker: Asker, ours: str, plan: Plan) -> Limits:
    case = first_page()
    body, _ = fetch(ours, case.path, asker.headers)
    load = plan.load
    found: list[tuple[Measure, Measure]] = []
    loops = []
    with running_memory(body, load.workers, plan.folder) as memory:
        for _ in range(plan.rounds):
            found.append((_measured(Subject(ours, case, asker), plan), _measured(Subject(memory, case, asker), plan)))
            loops.append(first_pages_per_second(url, asker.tenant_id, load.workers, load.seconds))
    our_best, memory_best = map(_best, zip(*found, strict=True))
    _tell(f"  limits: from memory {memory_best.rate:,.1f} a second, the bare statement {max(loops):,.1f}")
    return Limits(our_best, memory_best, max(loops))


def _by_turns(plan: Plan, *subjects: Subject) -> list[Measure]:
    """The best of each one's rounds; they take turns, so that a slow moment of the machine falls on all."""
    rounds = [[_measured(one, plan) for one in subjects] for _ in range(plan.rounds)]
    return [_best(measures) for measures in zip(*rounds, strict=True)]


def _measured(subject: Subject, plan: Plan) -> Measure:
    return measure(subject.address, subject.case.path, subject.asker.headers, plan.load)


def _best(measures: Iterable[Measure]) -> Measure:
    """Of several rounds the quickest: whatever else the machine does can only make a round slower."""
    return max(measures, key=lambda found: found.rate)


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
