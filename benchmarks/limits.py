"""Our first page beside what limits it: the server that gives the same bytes from memory, and the bare driver."""

from benchmarks.cases import Asker, first_page
from benchmarks.measuring import Load, fetch
from benchmarks.plan import Plan, tell
from benchmarks.query_loop import first_pages_per_second
from benchmarks.results import Limits
from benchmarks.rounds import Subject, best
from benchmarks.servers import running_memory, running_regulars


def measure_limits(url: str, asker: Asker, workers: int, plan: Plan) -> Limits:
    """What so many workers reach, and each of the limits alone."""
    case = first_page()
    load = Load(plan.seconds, workers)
    found = []
    loops = []
    with running_regulars(url, workers, plan.folder) as ours:
        body, _ = fetch(ours.address, case.path, asker.headers)
        with running_memory(body, workers, plan.folder) as memory:
            for _ in range(plan.rounds):
                found.append([Subject(each.address, case, asker).measured(load) for each in (ours, memory)])
                loops.append(first_pages_per_second(url, asker.tenant_id, workers, plan.seconds))
    our_best, memory_best = map(best, zip(*found, strict=True))
    limits = Limits(workers, our_best, memory_best, max(loops))
    tell(
        f"  limits of {workers}: {our_best.rate:,.1f} a second, from memory {memory_best.rate:,.1f},"
        f" the bare statement {limits.driver:,.1f}"
    )
    return limits
