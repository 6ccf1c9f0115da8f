"""Measure the service with a million customers on both databases, beside what limits it and what others would use.

python -m benchmarks.bench [--quick] [--customers N] [--sizes N…] [--seconds S] [--rounds R] [--workers W]
                           [--databases …] [--data DIR] [--write FILE]
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cases import Asker, Case, cases_for, same_answers
from benchmarks.growth import measure_growth
from benchmarks.limits import measure_limits
from benchmarks.machine import describe
from benchmarks.measuring import Load, need_wrk
from benchmarks.peer_comparison import compete, installed_peers, running_peers
from benchmarks.peers.fastapi_sqlalchemy import peer as fastapi
from benchmarks.pictures import draw
from benchmarks.plan import Plan, tell
from benchmarks.postgres import running_postgres
from benchmarks.report import has_part, put_into, write_report
from benchmarks.results import Compared, Findings
from benchmarks.rounds import Subject, by_turns
from benchmarks.seeding import BIG_TENANT, SMALL_TENANT, asker, seeded_skewed
from benchmarks.servers import peer_python, running_regulars
from benchmarks.writing import measure_writing

INTERRUPTED = 130
LEAST = 4_000
LEAST_SIZE = 1_000
MOST_SIZES = 7
"""The seed makes so many tenants with an owner of their own."""
QUICK = {"customers": 20_000, "sizes": [1_000, 10_000], "seconds": 1.0, "rounds": 1}
"""Whether it works is seen in five minutes; the figures say little."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        need_wrk()
        peer_python()
        with _folder(options.data, options.customers) as folder:
            plan = Plan(
                options.customers, sorted(options.sizes), options.seconds, options.rounds, options.workers, folder
            )
            findings, machine = _run(plan, options.databases)
    except KeyboardInterrupt:
        return INTERRUPTED
    print(write_report(findings, machine))
    if options.write:
        pictures = options.write.with_suffix("")
        draw(findings, pictures)
        put_into(options.write, write_report(findings, machine, pictures.name))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"other defaults, to see whether it works: {QUICK}")
    parser.add_argument("--customers", type=int, default=1_000_000, help="how many in all; one tenant has half of them")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10**3, 10**4, 10**5, 10**6], help="of tenants, whose cost is compared"
    )
    parser.add_argument("--seconds", type=float, default=3, help="how long each case is measured")
    parser.add_argument("--rounds", type=int, default=3, help="how often; the best round counts")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of each server")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--data", type=Path, help="a folder to keep the filled databases in, for the next time")
    parser.add_argument(
        "--write", type=Path, help="a file in which to replace the part marked <!-- bench -->, with pictures beside it"
    )
    if parser.parse_known_args(arguments)[0].quick:
        parser.set_defaults(**QUICK)
    options = parser.parse_args(arguments)
    if options.customers < LEAST:
        parser.error(f"--customers must be at least {LEAST}")
    if min(options.sizes) < LEAST_SIZE or not 2 <= len(options.sizes) <= MOST_SIZES:
        parser.error(f"--sizes must be 2 to {MOST_SIZES} numbers of at least {LEAST_SIZE}")
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


def _run(plan: Plan, databases: Sequence[str]) -> tuple[list[Findings], list[str]]:
    with running_postgres(plan.folder / "postgresql") as postgres:
        urls = {"sqlite": f"sqlite:///{plan.folder}/%s.db", "postgresql": f"{postgres}/%s"}
        machine = describe(postgres, plan.workers)
        return [_measure_database(urls[name], plan) for name in databases], machine


def _measure_database(url: str, plan: Plan) -> Findings:
    """All that is measured on one kind of database; `url` lacks the name of the database."""
    database = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    skewed = url % "regulars"
    tell(f"{database}: seeding {plan.customers:,} customers")
    seconds = seeded_skewed(skewed, plan.customers, plan.folder)
    tell(f"{database}: seeded in {seconds:.1f} seconds")
    big, small = (asker(skewed, tenant_id) for tenant_id in (BIG_TENANT, SMALL_TENANT))
    peers, missing = installed_peers(url)
    with (
        running_regulars(skewed, plan.workers, plan.folder) as ours,
        running_peers(peers, skewed, plan.workers, plan) as running,
    ):
        contests = [compete(ours.address, running, asker, plan) for asker in (big, small)]
        fastapis = running[fastapi.NAME].address
        cases = [_compare(case, big, ours.address, fastapis, plan) for case in cases_for(big, ours.address)]
    limits = [measure_limits(skewed, big, workers, plan) for workers in sorted({1, plan.workers})]
    writing = measure_writing(url % "writing", plan)
    growth = measure_growth(url % "growth", peers, plan)
    settings = [*dict.fromkeys(peer.versions() for peer in peers), *missing]
    return Findings(database, plan.customers, seconds, cases, limits, contests, settings, growth, writing)


def _compare(case: Case, asker: Asker, ours: str, peer: str, plan: Plan) -> Compared:
    same_answers(case, asker, ours, peer)
    subjects = [Subject(address, case, asker) for address in (ours, peer)]
    our_best, peers_best = by_turns(subjects, Load(plan.seconds, plan.workers), plan.rounds)
    tell(f"  {case.name}: {our_best.rate:,.1f} a second, FastAPI {peers_best.rate:,.1f}")
    return Compared(case.name, our_best, peers_best)


if __name__ == "__main__":
    sys.exit(main())
