"""Markdown report of the results."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill

from benchmarks.cases import matches_text
from benchmarks.measuring import Measure
from benchmarks.pictures import OURS, file_name
from benchmarks.results import (
    CaseResult,
    Console,
    ConsoleSpeed,
    Footprint,
    Growth,
    LatencySeries,
    Limits,
    PeerComparison,
    Results,
    WriteRate,
)

GENERATED_SECTION = re.compile(r"(<!-- bench -->\n).*(<!-- /bench -->)", re.DOTALL)
BASE_SIZE = 10_000
"""Tenant size that the largest tenant is compared with."""


def write_report(results: Sequence[Results], machine: Sequence[str], pictures: str | None = None) -> str:
    """Return the report as Markdown, with the pictures from the folder named `pictures`, if given."""
    parts = [_list(machine), *(part for result in results for part in _database_parts(result, pictures))]
    return "\n\n".join(parts) + "\n"


def has_section(file: Path) -> bool:
    """Return whether `file` has a section between `<!-- bench -->` and `<!-- /bench -->`."""
    return file.exists() and GENERATED_SECTION.search(file.read_text("utf-8")) is not None


def write_section(file: Path, report: str) -> None:
    """Replace the section of `file` between `<!-- bench -->` and `<!-- /bench -->`."""
    text = file.read_text("utf-8")
    file.write_text(GENERATED_SECTION.sub(lambda match: f"{match[1]}\n{report}\n{match[2]}", text), "utf-8")


def _database_parts(result: Results, pictures: str | None) -> Iterator[str]:
    name, growth = result.database, result.growth

    def picture(kind: str, title: str) -> list[str]:
        return [f"![{title}, {name}]({pictures}/{file_name(kind, name)})"] if pictures else []

    yield f"## {name}"
    yield "### First page, compared with the peers"
    yield from picture("first-page", "First pages per second")
    yield _comparison_table(result.comparisons)
    yield _list([f"{line}." for line in result.settings])
    yield f"### Other requests, compared with FastAPI (tenant of {result.comparisons[0].customers:,} customers)"
    yield _case_table(result.cases)
    yield "### Upper limits"
    yield _limit_table(result.limits)
    yield "### Writes"
    yield _write_table(result.writing)
    yield f"### Console (tenant of {result.comparisons[0].customers:,} customers)"
    yield console_table(result.console)
    yield f"### Latency by tenant size, {growth.sizes[0]:,} to {growth.sizes[-1]:,} customers"
    yield from picture("pages", "Latency of pages by tenant size")
    yield from picture("searches", "Latency of searches by tenant size")
    yield from picture("peers", "Latency of the first page by tenant size, compared with the peers")
    yield _growth_table(growth)
    yield _wrapped(
        f"Seeding {result.customers:,} customers took {result.seeding_seconds:,.0f} seconds; seeding the"
        f" {sum(growth.sizes):,} customers of these tenants took {growth.seeding_seconds:,.0f} seconds."
        f" {_footprint_text(growth.footprint)}"
    )


def _comparison_table(comparisons: Sequence[PeerComparison]) -> str:
    headings = [""]
    for comparison in comparisons:
        headings += [f"{comparison.customers:,} customers: requests/s", "p50 ms", "p99 ms", f"{OURS} : peer"]
    ours = [OURS, *(cell for comparison in comparisons for cell in (*_cells(comparison.ours), ""))]
    peers = [
        [name, *(cell for comparison in comparisons for cell in _peer_cells(comparison.ours, comparison.peers[name]))]
        for name in comparisons[0].ranking
    ]
    return _table(headings, [ours, *peers])


def _case_table(cases: Sequence[CaseResult]) -> str:
    headings = ("", f"{OURS}: requests/s", "p50 ms", "p99 ms", "FastAPI: requests/s", "p50 ms", "p99 ms")
    rows = [(case.name, *_cells(case.ours), *_peer_cells(case.ours, case.peer)) for case in cases]
    return _table([*headings, f"{OURS} : FastAPI"], rows)


def _limit_table(limits: Sequence[Limits]) -> str:
    headings = ["first pages per second"]
    for limit in limits:
        headings += [f"{limit.workers} worker{'s' * (limit.workers > 1)}", f"{OURS} : limit"]
    rows = [
        (OURS, [limit.ours.rate for limit in limits]),
        ("the same response from memory, same server", [limit.memory.rate for limit in limits]),
        ("its SQL statement on the bare driver", [limit.driver for limit in limits]),
        ("both limits combined", [limit.combined for limit in limits]),
    ]
    return _table(
        headings,
        [
            [name, *(cell for rate, limit in zip(rates, limits, strict=True) for cell in _share(rate, limit.ours.rate))]
            for name, rates in rows
        ],
    )


def _write_table(writing: Sequence[WriteRate]) -> str:
    headings = ("rows per second", OURS, "bare inserts of the same rows", f"{OURS} : limit")
    return _table(headings, [(rate.name, f"{rate.ours:,.0f}", *_share(rate.limit, rate.ours)) for rate in writing])


def console_table(console: Console) -> str:
    """Return the table of the console's speed in the browser."""
    headings = ["milliseconds in Chromium", f"{OURS}: p50", "p95"]
    columns = [_console_cells(console.ours)]
    if console.peer:
        headings += ["PocketBase's dashboard: p50", "p95"]
        columns.append(_console_cells(console.peer))
    names = (
        "key press (PocketBase: Enter) to painted results",
        "click on a customer to the painted panel",
        "first paint with empty caches",
        "its scripts and styles, KB",
        "longest time with a row in sight not drawn, scrolling 1,000 rows a second",
    )
    rows = [[name, *(cell for pair in pairs for cell in pair)] for name, *pairs in zip(names, *columns, strict=True)]
    return _table(headings, rows)


def _console_cells(speed: ConsoleSpeed) -> list[tuple[str, str]]:
    return [
        (_time(speed.search.p50), _time(speed.search.p95)),
        (_time(speed.opening.p50), _time(speed.opening.p95)),
        (_time(speed.first_load.first_paint), ""),
        (f"{speed.first_load.bytes / 1000:,.0f}", ""),
        ("" if speed.longest_blank is None else _time(speed.longest_blank), ""),
    ]


def _share(limit: float, ours: float) -> tuple[str, str]:
    return f"{limit:,.0f}", "" if ours == limit else f"{ours / limit:.0%}"


def _growth_table(growth: Growth) -> str:
    base = next((number for number, size in enumerate(growth.sizes[:-1]) if size >= BASE_SIZE), 0)
    headings = ["p50 ms, one request at a time", *(f"{size:,}" for size in growth.sizes)]
    headings.append(f"{growth.sizes[-1]:,} : {growth.sizes[base]:,}")
    peers = [LatencySeries(f"first page, {series.name}", None, series.milliseconds) for series in growth.peers]
    rows = [
        [
            series.name if series.matches is None else f"{series.name} ({matches_text(series.matches)} in the largest)",
            *map(_time, series.milliseconds),
            _ratio(series.milliseconds[-1] / series.milliseconds[base]),
        ]
        for series in (*growth.pages, *growth.searches, *peers)
    ]
    return _table(headings, rows)


def _footprint_text(footprint: Footprint) -> str:
    return (
        f"After searches of every kind in the largest tenant, on 16 connections, a worker had {footprint.own:.0f} MB of"
        f" private memory; its peak resident memory, with shared pages and mapped files, was {footprint.peak:.0f} MB."
        f" The first page was returned {footprint.start:.2f} seconds after the start of the command."
    )


def _peer_cells(ours: Measure, peer: Measure) -> tuple[str, ...]:
    return *_cells(peer), _ratio(ours.rate / peer.rate)


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
    return "\n".join(_wrapped(f"- {line}", "  ") for line in lines)


def _wrapped(text: str, indent: str = "") -> str:
    return fill(text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
