"""Subjects that are measured by turns."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.cases import Asker, Case
from benchmarks.measuring import Load, Measure, measure


@dataclass(frozen=True, slots=True)
class Subject:
    """A server, what it is asked for, and by whom."""

    address: str
    case: Case
    asker: Asker

    def measured(self, load: Load) -> Measure:
        """One round."""
        return measure(self.address, self.case.path, self.asker.headers, load)


def by_turns(subjects: Sequence[Subject], load: Load, rounds: int) -> list[Measure]:
    """The best of each one's rounds; they take turns, so that a slow moment of the machine falls on all."""
    found = [[one.measured(load) for one in subjects] for _ in range(rounds)]
    return [best(measures) for measures in zip(*found, strict=True)]


def best(measures: Sequence[Measure]) -> Measure:
    """Of several rounds the quickest: whatever else the machine does can only make a round slower."""
    return max(measures, key=lambda found: found.rate)
