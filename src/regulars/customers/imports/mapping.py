"""Recognition of the columns of a file, by their headings and by their values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from regulars.customers.fields import CSV_COLUMNS
from regulars.customers.imports.cells import Cell, filled_text
from regulars.customers.imports.headings import (
    ADDRESS_PARTS,
    FULL_NAME,
    MIDDLE_NAME,
    NAME,
    REVERSED_NAME,
    find_heading,
)
from regulars.customers.imports.value_kinds import VALUE_KINDS, could_be
from regulars.customers.validation import ReadContext

TARGETS = (*CSV_COLUMNS, FULL_NAME, REVERSED_NAME, MIDDLE_NAME, *ADDRESS_PARTS)
"""What a column of a file may be imported as."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A column of a file, and which of `TARGETS` it is imported as."""

    heading: str
    target: str | None = None
    """None if the column is not imported."""
    recognised_by: Literal["heading", "values"] | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A column that may have a target. The lowest rank is the best."""

    position: int
    target: str
    rank: int
    is_empty: bool

    @property
    def order(self) -> tuple[bool, int, int]:
        return self.is_empty, self.rank, self.position


def suggest_mapping(
    headings: Sequence[str], samples: Sequence[Sequence[Cell]], context: ReadContext
) -> tuple[ColumnMapping, ...]:
    """Return the mapping of each column of a file. `samples` are some of its rows.

    No two columns have the same target. If several could have it, a column with values wins, then the one with the best
    name (a mobile phone before a home phone), then the first one.
    """
    if names := _own_columns(headings):
        return tuple(
            ColumnMapping(heading, name, "heading" if name else None)
            for heading, name in zip(headings, names, strict=True)
        )
    columns = [[row[position] for row in samples if position < len(row)] for position in range(len(headings))]
    by_heading = _recognise_headings(headings, columns, context)
    by_values = _recognise_values(headings, columns, context, set(by_heading.values()))
    return tuple(
        ColumnMapping(heading, by_heading[position], "heading")
        if position in by_heading
        else ColumnMapping(heading, by_values.get(position), "values" if position in by_values else None)
        for position, heading in enumerate(headings)
    )


def _own_columns(headings: Sequence[str]) -> list[str | None]:
    """Return the columns of a file that has no others than our own format, or all of it; otherwise nothing.

    In other files, an id and the times are not those of our customers.
    """
    names = _own_names(headings)
    if not set(names) <= set(CSV_COLUMNS) and not is_own_export(names):
        return []
    return [name if name in CSV_COLUMNS and name not in names[:at] else None for at, name in enumerate(names)]


def _own_names(headings: Sequence[str]) -> list[str]:
    return [heading.strip().lower() for heading in headings]


def is_own_format(mapping: Sequence[ColumnMapping]) -> bool:
    """Tell whether a file has our own format, and its columns their own targets: then no value needs interpretation."""
    names = _own_names([column.heading for column in mapping])
    if any(column.target not in {None, name} for column, name in zip(mapping, names, strict=True)):
        return False
    return set(names) <= set(CSV_COLUMNS) or is_own_export([column.target for column in mapping])


def is_own_export(targets: Sequence[str | None]) -> bool:
    """Tell whether these are all columns of our own export, whose values need no interpretation."""
    return set(CSV_COLUMNS) <= set(targets)


def _recognise_headings(
    headings: Sequence[str], columns: Sequence[Sequence[Cell]], context: ReadContext
) -> dict[int, str]:
    """Return the targets of columns whose headings are known, by position."""
    best: dict[str, _Candidate] = {}
    for position, heading in enumerate(headings):
        target, rank = find_heading(heading) or (None, 0)
        if target is None or not could_be(target, columns[position], context):
            continue
        is_empty = not any(map(filled_text, columns[position]))
        candidate = _Candidate(position, target, rank, is_empty)
        best[target] = min(best.get(target, candidate), candidate, key=lambda each: each.order)
    found = {candidate.position: target for target, candidate in best.items()}
    return _resolve_name(found)


def _resolve_name(targets: dict[int, str]) -> dict[int, str]:
    """Replace the target of a heading such as "Name", whose meaning depends on the other columns."""
    others = set(targets.values())
    has_full = not others.isdisjoint({FULL_NAME, REVERSED_NAME})
    meaning = _meaning_of_name("first_name" in others, "last_name" in others, has_full)
    resolved = {position: meaning if target == NAME else target for position, target in targets.items()}
    return {position: target for position, target in resolved.items() if target}


def _meaning_of_name(has_first: bool, has_last: bool, has_full: bool) -> str | None:
    if has_first != has_last:
        return "last_name" if has_first else "first_name"
    return None if has_full else FULL_NAME


def _recognise_values(
    headings: Sequence[str], columns: Sequence[Sequence[Cell]], context: ReadContext, taken: set[str]
) -> dict[int, str]:
    """Return the targets of columns with unknown headings, by position."""
    found: dict[int, str] = {}
    unknown = [position for position, heading in enumerate(headings) if find_heading(heading) is None]
    for target, share in VALUE_KINDS.items():
        shares = {at: share(columns[at], context) for at in unknown if at not in found and target not in taken}
        best = max(shares, key=lambda at: shares[at], default=None)
        if best is not None and shares[best]:
            found[best] = target
    return found
