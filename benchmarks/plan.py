"""How it is measured, and how the one who waits is told of it."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """How much, how long, how often, by how many workers, and in which folder."""

    customers: int
    sizes: Sequence[int]
    seconds: float
    rounds: int
    workers: int
    folder: Path


def tell(line: str) -> None:
    """Say what was done, and when."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
