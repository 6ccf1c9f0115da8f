"""The first page and its two upper limits: the same response from memory, and the bare database driver."""

from benchmarks.cases import Client, first_page
from benchmarks.measuring import Load, fetch
from benchmarks.plan import Plan, log_progress
from benchmarks.query_loop import first_pages_per_second
from benchmarks.results import Limits
from benchmarks.rounds import Target, best_of
from benchmarks.servers import running_regulars, running_static_server


def measure_limits(url: str, client: Client, workers: int, plan: Plan) -> Limits:
    """Measure the first page and both limits in turns, each with `workers` processes."""
    case = first_page()
    load = Load(plan.seconds, workers)
    measures = []
    driver_rates = []
    with running_regulars(url, workers, plan.folder) as ours:
        body, _ = fetch(ours.address, case.path, client.headers)
        with running_static_server(body, workers, plan.folder) as memory:
            for _ in range(plan.rounds):
                measures.append([Target(server.address, case, client).measure(load) for server in (ours, memory)])
                driver_rates.append(first_pages_per_second(url, client.tenant_id, workers, plan.seconds))
    our_best, memory_best = map(best_of, zip(*measures, strict=True))
    limits = Limits(workers, our_best, memory_best, max(driver_rates))
    log_progress(
        f"  limits with {workers} workers: Regulars {our_best.rate:,.1f} requests/s, from memory"
        f" {memory_best.rate:,.1f}, bare statement {limits.driver:,.1f}"
    )
    return limits
