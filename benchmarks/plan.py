"""Parameters of a benchmark run, and the progress that it logs."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """Parameters of a run: number of customers, tenant sizes, seconds per round, rounds, workers and scratch folder."""

    customers: int
    sizes: Sequence[int]
    seconds: float
    rounds: int
    workers: int
    folder: Path


def log_progress(line: str) -> None:
    """Print `line` with the current time to stderr."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
