"""Results of a benchmark run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring import Measure


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A request, measured on Regulars and on FastAPI with SQLAlchemy."""

    name: str
    ours: Measure
    peer: Measure


@dataclass(frozen=True, slots=True)
class Limits:
    """The first page of Regulars and its two upper limits, measured with the same number of workers.

    `memory` is the same response from memory; `driver` is the SQL statement on the bare driver, in executions per
    second.
    """

    workers: int
    ours: Measure
    memory: Measure
    driver: float

    @property
    def combined(self) -> float:
        """Requests per second of an ideal service that spends its time on HTTP and on the driver only."""
        return 1 / (1 / self.memory.rate + 1 / self.driver)


@dataclass(frozen=True, slots=True)
class PeerComparison:
    """The first page of a tenant with this number of customers, on Regulars and on each peer (by name)."""

    customers: int
    ours: Measure
    peers: Mapping[str, Measure]

    @property
    def ranking(self) -> list[str]:
        """Names of the peers, fastest first."""
        return sorted(self.peers, key=lambda name: -self.peers[name].rate)


@dataclass(frozen=True, slots=True)
class LatencySeries:
    """The median latency of a request, in milliseconds, for each tenant size."""

    name: str
    matches: int | None
    """Number of customers that a search matches in the largest tenant; None if the request is not a search."""
    milliseconds: Sequence[float]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory and start time of a worker, measured with the largest tenant."""

    peak: float
    """Peak resident memory in megabytes, including shared pages and mapped files."""
    own: float
    """Private memory in megabytes after the load."""
    start: float
    """Seconds from the start of the command to the first page."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Latency by tenant size, measured with one connection and one worker."""

    sizes: Sequence[int]
    seeding_seconds: float
    pages: Sequence[LatencySeries]
    searches: Sequence[LatencySeries]
    peers: Sequence[LatencySeries]
    footprint: Footprint


@dataclass(frozen=True, slots=True)
class WriteRate:
    """Rows per second written by Regulars, and by bare inserts of the same rows into the same table (`limit`)."""

    name: str
    ours: float
    limit: float


@dataclass(frozen=True, slots=True)
class Latency:
    """The median and the 95th percentile, in milliseconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class FirstLoad:
    """A page that is loaded with empty caches."""

    first_paint: float
    """Milliseconds from the start to the first painted text."""
    bytes: int
    """Bytes of scripts and styles as they are sent."""


@dataclass(frozen=True, slots=True)
class ConsoleSpeed:
    """The speed of a console in a browser, from a person's action to the painted change."""

    search: Latency
    opening: Latency
    first_load: FirstLoad
    longest_blank: float | None
    """The longest time, in milliseconds, during which a row in sight was not drawn. None if the console has pages."""


@dataclass(frozen=True, slots=True)
class Console:
    """The console of Regulars, and PocketBase's dashboard, if it was measured."""

    ours: ConsoleSpeed
    peer: ConsoleSpeed | None


@dataclass(frozen=True, slots=True)
class Results:
    """All results of one database."""

    database: str
    customers: int
    seeding_seconds: float
    cases: Sequence[CaseResult]
    limits: Sequence[Limits]
    comparisons: Sequence[PeerComparison]
    settings: Sequence[str]
    """For each peer its versions and configuration, or the reason why it was not measured."""
    growth: Growth
    writing: Sequence[WriteRate]
    console: Console
