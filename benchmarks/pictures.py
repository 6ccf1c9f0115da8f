"""Which pictures are drawn of the findings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.charts import Bar, bars, lines
from benchmarks.results import Contest, Findings, Line

OURS = "Regulars"
TIME = "Half of the requests take no longer than this; one at a time, one worker"


def draw(findings: Sequence[Findings], folder: Path) -> None:
    """Write the pictures of all databases into `folder`."""
    folder.mkdir(exist_ok=True)
    for found in findings:
        for kind, picture in _pictures(found).items():
            (folder / name_of(kind, found.database)).write_text(picture, "utf-8")


def name_of(kind: str, database: str) -> str:
    """The name of a picture's file."""
    return f"{kind}-{database.lower()}.svg"


def _pictures(found: Findings) -> Mapping[str, str]:
    database, growth = found.database, found.growth
    ours = Line(OURS, None, growth.pages[0].milliseconds)
    grown = {
        "pages": ("a page of the list", growth.pages),
        "searches": ("a search, with its exact count", growth.searches),
        "peers": ("the first page with its exact total, beside others", [ours, *growth.peers]),
    }
    contest = bars(
        f"{database}: first pages a second, with the exact total",
        "Behind each: how many times as many Regulars gives",
        [_group(each) for each in found.contests],
    )
    return {"contest": contest} | {
        kind: lines(f"{database}: {title}", TIME, growth.sizes, [_series(line) for line in shown])
        for kind, (title, shown) in grown.items()
    }


def _group(contest: Contest) -> tuple[str, list[Bar]]:
    ours = contest.ours.rate
    others = [(name, contest.peers[name].rate) for name in contest.ranking]
    rows = [(name, rate, f"\u00d7 {ours / rate:,.1f}") for name, rate in others]
    return f"Tenant of {contest.customers:,} customers", [(OURS, ours, ""), *rows]


def _series(line: Line) -> tuple[str, Sequence[float]]:
    return line.name, line.milliseconds
