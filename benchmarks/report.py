"""The findings as Markdown."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measuring import Measure
from benchmarks.pictures import OURS, name_of
from benchmarks.results import Compared, Contest, Findings, Footprint, Growth, Limits, Line, Written

PART = re.compile(r"(<!-- bench -->\n).*(<!-- /bench -->)", re.DOTALL)
SIZES_FROM = 10_000
"""From this size of a tenant on, its growth should not be felt."""


def write_report(findings: Sequence[Findings], machine: Sequence[str], pictures: str | None = None) -> str:
    """Everything, as Markdown, with the pictures that are in the folder of this name, if any."""
    parts = [_list(machine), *(part for found in findings for part in _database(found, pictures))]
    return "\n\n".join(parts) + "\n"


def has_part(file: Path) -> bool:
    """Whether there is a part between `<!-- bench -->` and `<!-- /bench -->` in `file`."""
    return file.exists() and PART.search(file.read_text("utf-8")) is not None


def put_into(file: Path, report: str) -> None:
    """Replace what `file` has between `<!-- bench -->` and `<!-- /bench -->`."""
    text = file.read_text("utf-8")
    file.write_text(PART.sub(lambda match: f"{match[1]}\n{report}\n{match[2]}", text), "utf-8")


def _database(found: Findings, pictures: str | None) -> Iterator[str]:
    name = found.database

    def shown(kind: str, title: str) -> list[str]:
        return [f"![{title}, {name}]({pictures}/{name_of(kind, name)})"] if pictures else []

    yield f"## {name}"
    yield "### The first page beside others"
    yield from shown("contest", "First pages a second")
    yield _contests(found.contests)
    yield _list([f"{line}." for line in found.settings])
    yield f"### Other requests, tenant of {found.contests[0].customers:,}, beside FastAPI with SQLAlchemy"
    yield _cases(found.cases)
    yield "### What the limits allow"
    yield _limits(found.limits)
    yield "### Writing"
    yield _writing(found.writing)
    yield f"### From {found.growth.sizes[0]:,} to {found.growth.sizes[-1]:,} customers in the tenant"
    yield from shown("pages", "Milliseconds for a page against the size of the tenant")
    yield from shown("searches", "Milliseconds for a search against the size of the tenant")
    yield from shown("peers", "Milliseconds for the first page against the size of the tenant, beside others")
    yield _growth(found.growth)
    yield (
        f"Seeding {found.customers:,} customers took {found.seeding_seconds:,.0f} seconds, these"
        f" {sum(found.growth.sizes):,} took {found.growth.seeding_seconds:,.0f}. {_footprint(found.growth.footprint)}"
    )


def _contests(contests: Sequence[Contest]) -> str:
    headings = [""]
    for each in contests:
        headings += [f"{each.customers:,}: requests/s", "p50 ms", "p99 ms", "ours : theirs"]
    ours = [OURS, *(cell for each in contests for cell in (*_cells(each.ours), ""))]
    peers = [
        [name, *(cell for each in contests for cell in _against(each.ours, each.peers[name]))]
        for name in contests[0].ranking
    ]
    return _table(headings, [ours, *peers])


def _cases(cases: Sequence[Compared]) -> str:
    headings = ("", "requests/s", "p50 ms", "p99 ms", "FastAPI's requests/s", "p50 ms", "p99 ms", "ours : theirs")
    return _table(headings, [(case.name, *_cells(case.ours), *_against(case.ours, case.peer)) for case in cases])


def _limits(limits: Sequence[Limits]) -> str:
    headings = ["first pages a second"]
    for each in limits:
        headings += [f"{each.workers} worker{'s' * (each.workers > 1)}", "ours is"]
    rows = [
        ("our first page", [(each.ours.rate, each.ours.rate) for each in limits]),
        ("the same bytes from memory, same server", [(each.memory.rate, each.ours.rate) for each in limits]),
        ("its statement on the bare driver", [(each.driver, each.ours.rate) for each in limits]),
        ("both limits together", [(each.both, each.ours.rate) for each in limits]),
    ]
    return _table(headings, [[name, *(cell for pair in found for cell in _share(*pair))] for name, found in rows])


def _writing(writing: Sequence[Written]) -> str:
    headings = ("rows a second", "ours", "the database alone, the same rows and indexes", "ours is")
    return _table(headings, [(one.name, f"{one.ours:,.0f}", *_share(one.limit, one.ours)) for one in writing])


def _share(limit: float, ours: float) -> tuple[str, str]:
    return f"{limit:,.0f}", "" if ours == limit else f"{ours / limit:.0%} of it"


def _growth(growth: Growth) -> str:
    start = next((number for number, size in enumerate(growth.sizes[:-1]) if size >= SIZES_FROM), 0)
    headings = ["ms, one request at a time", *(f"{size:,}" for size in growth.sizes)]
    headings.append(f"{growth.sizes[-1]:,} : {growth.sizes[start]:,}")
    peers = [Line(f"first page, {line.name}", None, line.milliseconds) for line in growth.peers]
    rows = [
        [
            line.name if line.found is None else f"{line.name} ({line.found:,} found in the largest)",
            *map(_time, line.milliseconds),
            _ratio(line.milliseconds[-1] / line.milliseconds[start]),
        ]
        for line in (*growth.pages, *growth.searches, *peers)
    ]
    return _table(headings, rows)


def _footprint(footprint: Footprint) -> str:
    return (
        f"After searches of every kind in the largest tenant, 16 at a time, a worker had {footprint.own:.0f} MB of its"
        f" own, and had never held more than {footprint.peak:.0f} MB with the pages of files that it reads or shares."
        f" It gave its first page {footprint.start:.2f} seconds after the command was started."
    )


def _against(ours: Measure, theirs: Measure) -> tuple[str, ...]:
    return *_cells(theirs), _ratio(ours.rate / theirs.rate)


def _cells(measure: Measure) -> tuple[str, str, str]:
    rate = f"{measure.rate:,.0f}" if measure.rate >= 10 else f"{measure.rate:.2f}"
    return rate, _time(measure.p50), _time(measure.p99)


def _time(milliseconds: float) -> str:
    if milliseconds >= 100:
        return f"{milliseconds:,.0f}"
    return f"{milliseconds:.1f}" if milliseconds >= 10 else f"{milliseconds:.2f}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.1f}"


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
