"""The findings as Markdown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Measure

PART = re.compile(r"(<!-- bench -->\n).*(<!-- /bench -->)", re.DOTALL)
HEADINGS = ("", "requests/s", "p50 ms", "p99 ms", "peer's requests/s", "p50 ms", "p99 ms", "ours : peer")


@dataclass(frozen=True, slots=True)
class Compared:
    """A case, measured on our service and on the peer."""

    name: str
    ours: Measure
    peer: Measure


@dataclass(frozen=True, slots=True)
class Sizes:
    """A case, measured on the great tenant and on one of a thousand customers."""

    name: str
    big: Measure
    small: Measure


@dataclass(frozen=True, slots=True)
class Limits:
    """Our first page; the same bytes from memory; how often the bare driver can run its statement in a second."""

    ours: Measure
    memory: Measure
    query_loop: float


@dataclass(frozen=True, slots=True)
class Other:
    """The first page of a tenant of so many customers, on our service and on another one."""

    name: str
    versions: str
    customers: int
    ours: Measure
    other: Measure


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was measured on one database."""

    database: str
    seeding_seconds: float
    customers: int
    cases: Sequence[Compared]
    sizes: Sequence[Sizes]
    limits: Limits
    others: Sequence[Other]
    missing: Sequence[str]


def write_report(findings: Sequence[Findings], machine: Sequence[str]) -> str:
    """Everything, as Markdown."""
    parts = ["\n".join(f"- {line}" for line in machine)]
    for found in findings:
        parts += [f"### {found.database}", _cases(found), _limits(found.limits), _sizes(found), *_others(found)]
    return "\n\n".join(parts) + "\n"


def has_part(file: Path) -> bool:
    """Whether there is a part between `<!-- bench -->` and `<!-- /bench -->` in `file`."""
    return file.exists() and PART.search(file.read_text("utf-8")) is not None


def put_into(file: Path, report: str) -> None:
    """Replace what `file` has between `<!-- bench -->` and `<!-- /bench -->`."""
    text = file.read_text("utf-8")
    file.write_text(PART.sub(lambda match: f"{match[1]}\n{report}\n{match[2]}", text), "utf-8")


def _cases(found: Findings) -> str:
    rows = [
        (case.name, *_cells(case.ours), *_cells(case.peer), f"{case.ours.rate / case.peer.rate:.1f}")
        for case in found.cases
    ]
    return _table(HEADINGS, rows)


def _limits(limits: Limits) -> str:
    ours, memory, query_loop = limits.ours, limits.memory, limits.query_loop
    rows = [
        ("our first page", *_cells(ours), ""),
        ("the same bytes from memory, same server", *_cells(memory), f"{ours.rate / memory.rate:.0%} of it"),
        ("its statement on the bare driver", f"{query_loop:,.0f}", "", "", f"{ours.rate / query_loop:.0%} of it"),
    ]
    return _table(("limits", "per second", "p50 ms", "p99 ms", "ours is"), rows)


def _sizes(found: Findings) -> str:
    rows = [
        (case.name, f"{case.big.rate:,.0f}", f"{case.small.rate:,.0f}", f"{case.big.rate / case.small.rate:.2f}")
        for case in found.sizes
    ]
    table = _table(("requests/s", f"tenant of {found.customers // 2:,}", "tenant of 1,000", "big : small"), rows)
    return f"{table}\n\nSeeding {found.customers:,} customers took {found.seeding_seconds:,.0f} seconds."


def _others(found: Findings) -> list[str]:
    if not found.others and not found.missing:
        return []
    headings = ("first page", "customers", "requests/s", "p50 ms", "p99 ms", "ours", "ours : theirs")
    rows = [
        (
            each.name,
            f"{each.customers:,}",
            *_cells(each.other),
            f"{each.ours.rate:,.0f}",
            f"{each.ours.rate / each.other.rate:.1f}",
        )
        for each in found.others
    ]
    versions = dict.fromkeys(f"{each.versions}." for each in found.others)
    return [_table(headings, rows), "\n".join(f"- {line}" for line in (*versions, *found.missing))]


def _cells(measure: Measure) -> tuple[str, str, str]:
    rate = f"{measure.rate:,.0f}" if measure.rate >= 10 else f"{measure.rate:.2f}"
    return rate, _time(measure.p50), _time(measure.p99)


def _time(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
