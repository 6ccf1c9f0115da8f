"""Charts of the results."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.charts import Bar, bar_chart, line_chart
from benchmarks.results import LatencySeries, PeerComparison, Results

OURS = "Regulars"
LATENCY_SUBTITLE = "Median latency; one request at a time, one worker"


def draw(results: Sequence[Results], folder: Path) -> None:
    """Write the charts of all databases into `folder`."""
    folder.mkdir(exist_ok=True)
    for result in results:
        for kind, picture in _pictures(result).items():
            (folder / file_name(kind, result.database)).write_text(picture, "utf-8")


def file_name(kind: str, database: str) -> str:
    """Return the file name of a chart."""
    return f"{kind}-{database.lower()}.svg"


def _pictures(result: Results) -> Mapping[str, str]:
    database, growth = result.database, result.growth
    ours = LatencySeries(OURS, None, growth.pages[0].milliseconds)
    latencies = {
        "pages": ("pages of the list", growth.pages),
        "searches": ("searches with their exact totals", growth.searches),
        "peers": ("first page with its exact total, compared with the peers", [ours, *growth.peers]),
    }
    comparison = bar_chart(
        f"{database}: first pages per second, with the exact total",
        f"\u00d7 10: {OURS} returns ten times as many first pages per second",
        [_group(comparison) for comparison in result.comparisons],
    )
    return {"first-page": comparison} | {
        kind: line_chart(
            f"{database}: {title}", LATENCY_SUBTITLE, growth.sizes, [(line.name, line.milliseconds) for line in series]
        )
        for kind, (title, series) in latencies.items()
    }


def _group(comparison: PeerComparison) -> tuple[str, list[Bar]]:
    ours = comparison.ours.rate
    rates = [(name, comparison.peers[name].rate) for name in comparison.ranking]
    peers = [(name, rate, f"\u00d7 {ours / rate:,.1f}") for name, rate in rates]
    return f"Tenant of {comparison.customers:,} customers", [(OURS, ours, ""), *peers]
