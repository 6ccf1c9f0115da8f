"""Repeated measurement of several targets in turns."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.cases import Case, Client
from benchmarks.measuring import Load, Measure, measure


@dataclass(frozen=True, slots=True)
class Target:
    """A server, the request that it receives, and the client that sends it."""

    address: str
    case: Case
    client: Client

    def measure(self, load: Load) -> Measure:
        """Measure one round."""
        return measure(self.address, self.case.path, self.client.headers, load)


def measure_in_turns(targets: Sequence[Target], load: Load, rounds: int) -> list[Measure]:
    """Return the best round of each target.

    Each round measures every target once, so that a slow period of the machine affects all targets.
    """
    measures = [[target.measure(load) for target in targets] for _ in range(rounds)]
    return [best_of(rounds_of_target) for rounds_of_target in zip(*measures, strict=True)]


def best_of(measures: Sequence[Measure]) -> Measure:
    """Return the round with the highest rate. Other load on the machine can only make a round slower."""
    return max(measures, key=lambda measured: measured.rate)
