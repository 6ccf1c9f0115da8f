"""What was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring import Measure


@dataclass(frozen=True, slots=True)
class Compared:
    """A case, measured on our service and on FastAPI with SQLAlchemy."""

    name: str
    ours: Measure
    peer: Measure


@dataclass(frozen=True, slots=True)
class Limits:
    """Our first page, the same bytes from memory, and its statement on the bare driver, each with so many workers."""

    workers: int
    ours: Measure
    memory: Measure
    driver: float

    @property
    def both(self) -> float:
        """How often per second one after the other can be done."""
        return 1 / (1 / self.memory.rate + 1 / self.driver)


@dataclass(frozen=True, slots=True)
class Contest:
    """The first page of a tenant of so many customers, on our service and on the peers by name."""

    customers: int
    ours: Measure
    peers: Mapping[str, Measure]

    @property
    def ranking(self) -> list[str]:
        """The peers, the quickest first."""
        return sorted(self.peers, key=lambda name: -self.peers[name].rate)


@dataclass(frozen=True, slots=True)
class Line:
    """A request and how many milliseconds half of its answers take at most, for each size of the tenant."""

    name: str
    found: int | None
    """How many customers a search finds in the largest tenant."""
    milliseconds: Sequence[float]


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one worker takes, with the largest tenant."""

    peak: float
    """Megabytes that were resident at the most, with the pages of files that it shares."""
    own: float
    """Megabytes of its own memory after the load."""
    start: float
    """Seconds from the start of the command to the first page."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The cost against the size of the tenant: one request at a time, one worker."""

    sizes: Sequence[int]
    seeding_seconds: float
    pages: Sequence[Line]
    searches: Sequence[Line]
    peers: Sequence[Line]
    footprint: Footprint


@dataclass(frozen=True, slots=True)
class Written:
    """Rows written in a second: by our service, and the same rows by the database alone, with the same indexes."""

    name: str
    ours: float
    limit: float


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was measured on one database."""

    database: str
    customers: int
    seeding_seconds: float
    cases: Sequence[Compared]
    limits: Sequence[Limits]
    contests: Sequence[Contest]
    settings: Sequence[str]
    """Of the peers: their versions and how they are set up, or why they could not be measured."""
    growth: Growth
    writing: Sequence[Written]
