"""Benchmark the service on both databases against its upper limits and against its peers.

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

from benchmarks.cases import Case, Client, cases_for, require_same_response
from benchmarks.console_speed import measure_consoles
from benchmarks.growth import measure_growth
from benchmarks.limits import measure_limits
from benchmarks.machine import describe
from benchmarks.measuring import Load, install_wrk
from benchmarks.peer_comparison import compare_first_page, install_peers, running_peers
from benchmarks.peers.fastapi_sqlalchemy import peer as fastapi
from benchmarks.pictures import draw
from benchmarks.plan import Plan, log_progress
from benchmarks.postgres import running_postgres
from benchmarks.report import has_section, write_report, write_section
from benchmarks.results import CaseResult, Results
from benchmarks.rounds import Target, measure_in_turns
from benchmarks.seeding import BIG_TENANT, SMALL_TENANT, seeded_skewed, tenant_owner
from benchmarks.servers import peer_python, running_regulars
from benchmarks.writing import measure_writing

INTERRUPTED_EXIT_STATUS = 130
MIN_CUSTOMERS = 4_000
MIN_TENANT_SIZE = 1_000
MAX_TENANT_SIZES = 7
"""`regulars seed` gives only this number of tenants an owner of their own."""
QUICK_DEFAULTS = {"customers": 20_000, "sizes": [1_000, 10_000], "seconds": 1.0, "rounds": 1}
"""Defaults of `--quick`, which checks in ten minutes that the benchmark works. Its figures are not meaningful."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        install_wrk()
        peer_python()
        with _folder(options.data, options.customers) as folder:
            plan = Plan(
                options.customers, sorted(options.sizes), options.seconds, options.rounds, options.workers, folder
            )
            results, machine = _run(plan, options.databases)
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_STATUS
    print(write_report(results, machine))
    if options.write:
        pictures = options.write.with_suffix("")
        draw(results, pictures)
        write_section(options.write, write_report(results, machine, pictures.name))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help=f"check that the benchmark works, with smaller defaults: {QUICK_DEFAULTS}"
    )
    parser.add_argument(
        "--customers",
        type=int,
        default=1_000_000,
        help="number of customers in all tenants; one tenant has half of them",
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[10**3, 10**4, 10**5, 10**6],
        help="numbers of customers of the tenants whose latency is compared",
    )
    parser.add_argument("--seconds", type=float, default=3, help="seconds per round of a request")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per request; the best round counts")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="worker processes of each server")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--data", type=Path, help="folder that keeps the seeded databases for the next run")
    parser.add_argument(
        "--write",
        type=Path,
        help="file whose <!-- bench --> section is replaced; charts are written to a folder next to it",
    )
    if parser.parse_known_args(arguments)[0].quick:
        parser.set_defaults(**QUICK_DEFAULTS)
    options = parser.parse_args(arguments)
    if options.customers < MIN_CUSTOMERS:
        parser.error(f"--customers must be at least {MIN_CUSTOMERS}")
    if min(options.sizes) < MIN_TENANT_SIZE or not 2 <= len(options.sizes) <= MAX_TENANT_SIZES:
        parser.error(f"--sizes must be 2 to {MAX_TENANT_SIZES} numbers of at least {MIN_TENANT_SIZE}")
    if options.write and not has_section(options.write):
        parser.error(f"{options.write} has no section between <!-- bench --> and <!-- /bench -->")
    return options


@contextmanager
def _folder(kept: Path | None, customers: int) -> Iterator[Path]:
    """Return the scratch folder: one in `kept` for this number of customers, or else a temporary folder."""
    if kept is not None:
        folder = kept.resolve() / str(customers)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name:
        # The user that runs PostgreSQL must be able to reach its data folder.
        Path(name).chmod(0o711)
        yield Path(name)


def _run(plan: Plan, databases: Sequence[str]) -> tuple[list[Results], list[str]]:
    with running_postgres(plan.folder / "postgresql") as postgres:
        urls = {"sqlite": f"sqlite:///{plan.folder}/%s.db", "postgresql": f"{postgres}/%s"}
        machine = describe(postgres, plan.workers)
        return [_measure_database(urls[name], plan) for name in databases], machine


def _measure_database(url: str, plan: Plan) -> Results:
    """Measure everything on one kind of database. `url` has `%s` in place of the database name."""
    database = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    skewed = url % "regulars"
    log_progress(f"{database}: seeding {plan.customers:,} customers")
    seconds = seeded_skewed(skewed, plan.customers, plan.folder)
    log_progress(f"{database}: seeded in {seconds:.1f} seconds")
    big, small = (tenant_owner(skewed, tenant_id) for tenant_id in (BIG_TENANT, SMALL_TENANT))
    peers, failures = install_peers(url)
    with (
        running_regulars(skewed, plan.workers, plan.folder) as ours,
        running_peers(peers, skewed, plan.workers, plan) as running,
    ):
        comparisons = [compare_first_page(ours.address, running, client, plan) for client in (big, small)]
        fastapi_address = running[fastapi.NAME].address
        cases = [_measure_case(case, big, ours.address, fastapi_address, plan) for case in cases_for(big, ours.address)]
    console = measure_consoles(skewed, plan.workers, plan.folder)
    limits = [measure_limits(skewed, big, workers, plan) for workers in sorted({1, plan.workers})]
    writing = measure_writing(url % "writing", plan)
    growth = measure_growth(url % "growth", peers, plan)
    settings = [*dict.fromkeys(peer.versions() for peer in peers), *failures]
    return Results(database, plan.customers, seconds, cases, limits, comparisons, settings, growth, writing, console)


def _measure_case(case: Case, client: Client, ours: str, peer: str, plan: Plan) -> CaseResult:
    require_same_response(case, client, ours, peer)
    targets = [Target(address, case, client) for address in (ours, peer)]
    our_best, peer_best = measure_in_turns(targets, Load(plan.seconds, plan.workers), plan.rounds)
    log_progress(f"  {case.name}: {our_best.rate:,.1f} requests/s, FastAPI {peer_best.rate:,.1f}")
    return CaseResult(case.name, our_best, peer_best)


if __name__ == "__main__":
    sys.exit(main())
