"""Capacity model of a Citus cluster with a billion customers in 100,000 tenants: distribution, balance and cost.

python -m benchmarks.simulation [--write docs/scale.md]

The model only calculates. Its bytes per customer were measured, with the query below, on a database filled by
`regulars seed --customers 300000 --tenants 50 --skewed` (PostgreSQL 15, indexes built after the rows). Constants that
are assumptions are marked as such.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median
from textwrap import fill

# SELECT relname, pg_relation_size(c.oid) / 300000.0 FROM pg_class AS c LEFT JOIN pg_index ON indexrelid = c.oid
# WHERE CAST('customers' AS regclass) IN (c.oid, indrelid)
BYTES_PER_CUSTOMER = {
    "rows": 294.1,
    "search index: six letters or digits": 360.4,
    "search index: trigrams": 133.3,
    "search index: one or two letters": 128.7,
    "date of birth, ascending and descending": 56.6 + 39.9,
    "last name, ascending and descending": 54.1 + 54.1,
    "first name": 51.8,
    "assigned user": 48.8,
    "gender, ascending and descending": 39.9 + 39.9,
    "creation time": 39.8,
    "time of the last change": 39.8,
    "primary key": 31.6,
    "time of deletion": 0.9,
}
COUNT_BYTES_PER_CUSTOMER = 157.3
"""Size of the customer counts with their index, in tenants of a few thousand, where each count covers few customers."""
MAX_COUNT_BYTES = 256e6
"""Size of the customer counts in a tenant of ten million (measured). They hardly grow beyond that: each date of birth
has its count by then."""
INDEXING_SECONDS = 8e-6 + 3 * 62e-6
"""Seconds of one core per customer: 62 µs for the search indexes and 8 µs for the other indexes of 300,000 customers.
With ten million, the search indexes took three times as long per customer (2.6 times for the trigrams, 3.3 times for
six digits in a row)."""
REQUESTS_PER_CORE = 920
"""First pages per second, from `make bench` on PostgreSQL: 1,843 on two cores shared by server, database and load."""

CUSTOMERS, TENANTS = 1_000_000_000, 100_000
EXPONENT = 0.8
SHARDS, NODES = 256, 8
ISOLATED_ABOVE = 0.25
"""A tenant gets its own shard if it is larger than this fraction of an average shard."""
INDEX_BLOAT = 1.4
"""Assumption: size of an index under writes, relative to a newly built one."""
HOT_FRACTION = 0.15
"""Assumption: fraction of all bytes that is read within a busy hour and should fit in memory."""
BANDWIDTH = 100e6
"""Assumption: bytes per second copied from one node to another while the service is in use."""
REQUESTS_AT_PEAK = 17_000
"""Assumption: a million users with 200 requests each in a day of ten hours; the peak is three times the average."""
UTILIZATION = 0.5
"""Assumption: utilization of the servers' cores at the peak."""
GB = 1e9


@dataclass(frozen=True)
class Node:
    """Assumption: cores, bytes of memory and disk, and monthly price of a machine."""

    cores: int = 8
    memory: float = 64 * GB
    disk: float = 960 * GB
    euros: int = 300


NODE = Node()
Table = list[list[object]]


def tenant_sizes(customers: int, tenants: int, exponent: float) -> list[int]:
    """Return the number of customers of each tenant, largest first: proportional to rank to the power of -exponent."""
    weights = [rank**-exponent for rank in range(1, tenants + 1)]
    scale = customers / sum(weights)
    return [max(1, round(weight * scale)) for weight in weights]


def hash_of(tenant_id: int) -> int:
    """Return PostgreSQL's `hashint8`, which Citus uses to find the shard (Bob Jenkins's lookup3, for four bytes)."""
    low, high = tenant_id & 0xFFFFFFFF, (tenant_id >> 32) & 0xFFFFFFFF
    low ^= high if tenant_id >= 0 else ~high & 0xFFFFFFFF
    a = b = c = (0x9E3779B9 + 4 + 3923095) & 0xFFFFFFFF
    a = (a + low) & 0xFFFFFFFF
    c = _mix(c, b, 14)
    a = _mix(a, c, 11)
    b = _mix(b, a, 25)
    c = _mix(c, b, 16)
    a = _mix(a, c, 4)
    b = _mix(b, a, 14)
    c = _mix(c, b, 24)
    return c - 2**32 if c >= 2**31 else c


def _mix(left: int, right: int, bits: int) -> int:
    rotated = ((right << bits) | (right >> (32 - bits))) & 0xFFFFFFFF
    return ((left ^ right) - rotated) & 0xFFFFFFFF


def shard_of(tenant_id: int, shards: int) -> int:
    """Return the shard of a tenant. Each shard covers a hash range of the same size."""
    return min((hash_of(tenant_id) + 2**31) // (2**32 // shards), shards - 1)


def bytes_per_customer() -> float:
    """Return the bytes of a customer's row and index entries, without the customer counts."""
    rows = BYTES_PER_CUSTOMER["rows"]
    return rows + (sum(BYTES_PER_CUSTOMER.values()) - rows) * INDEX_BLOAT


def bytes_of(customers: int) -> float:
    """Return the bytes on disk of a tenant with this number of customers."""
    counts = min(customers * COUNT_BYTES_PER_CUSTOMER, MAX_COUNT_BYTES)
    return customers * bytes_per_customer() + counts * INDEX_BLOAT


def moving_seconds(customers: int) -> float:
    """Return the seconds to copy the customers to another node and to build their indexes there on one core."""
    return customers * (BYTES_PER_CUSTOMER["rows"] / BANDWIDTH + INDEXING_SECONDS)


class Cluster:
    """Shards with their sizes in bytes, and the node of each shard."""

    def __init__(self, sizes: Sequence[int], shards: int, nodes: int, *, isolated_above: float = float("inf")) -> None:
        ids = list(range(1, len(sizes) + 1))
        random.Random(1).shuffle(ids)
        self.shards = [0.0] * shards
        self.isolated: list[int] = []
        for tenant_id, size in zip(ids, sizes, strict=True):
            if bytes_of(size) > isolated_above:
                self.isolated.append(size)
            else:
                self.shards[shard_of(tenant_id, shards)] += bytes_of(size)
        self.shards += [bytes_of(size) for size in self.isolated]
        self.node_of = [number % nodes for number in range(len(self.shards))]
        self.nodes = nodes

    def loads(self) -> list[float]:
        """Return the bytes on each node."""
        loads = [0.0] * self.nodes
        for size, node in zip(self.shards, self.node_of, strict=True):
            loads[node] += size
        return loads

    def rebalance(self) -> float:
        """Move shards from the fullest node to the emptiest while that helps, as Citus does; return the bytes moved."""
        moved = 0.0
        while True:
            loads = self.loads()
            full, empty = loads.index(max(loads)), loads.index(min(loads))
            gap = loads[full] - loads[empty]
            fitting = [n for n, node in enumerate(self.node_of) if node == full and self.shards[n] < gap]
            if gap < 0.1 * sum(loads) / self.nodes or not fitting:
                return moved
            best = min(fitting, key=lambda number: abs(self.shards[number] - gap / 2))
            self.node_of[best] = empty
            moved += self.shards[best]


def spread(loads: Sequence[float]) -> str:
    """Return the ratio of the largest load to the mean load."""
    return f"{max(loads) / (sum(loads) / len(loads)):.2f}"


def report() -> Iterator[str]:
    """Return the lines of the report in Markdown."""
    sizes = tenant_sizes(CUSTOMERS, TENANTS, EXPONENT)
    total = sum(map(bytes_of, sizes))
    yield from size_summary(sizes, total)
    yield from as_table(["table rows and each index, per customer", "bytes"], bytes_table())
    yield from as_table(
        [
            "shards",
            "mean GB",
            "largest shard : mean",
            f"fullest of {NODES} nodes : mean",
            "isolated tenants",
            "largest shard : mean, after isolation",
            "fullest node : mean, after rebalancing",
            "GB moved",
        ],
        spread_table(sizes, total),
    )
    yield from as_table(
        ["move", "GB", f"relative to the mean of {SHARDS} shards", "copy and index"], moving_table(total)
    )
    yield from as_table(
        ["nodes", "GB per node", "of its disk", "hot GB per node", "of its memory", "servers", "euros per month"],
        cost_table(total),
    )


def size_summary(sizes: Sequence[int], total: float) -> Iterator[str]:
    """Return a paragraph about the sizes of the tenants."""
    share = sum(sizes[: len(sizes) // 100]) / sum(sizes)
    text = (
        f"{len(sizes):,} tenants have {sum(sizes) / 1e9:.2f} billion customers together. Their sizes follow Zipf's law"
        f" with exponent {EXPONENT}: the largest has {sizes[0]:,} customers, the tenth {sizes[9]:,}, the median"
        f" {median(sizes):,.0f}; the largest 1% of the tenants have {share:.0%} of all customers. All data takes"
        f" {total / 1e12:.2f} TB."
    )
    yield fill(text, 100)
    yield ""


def bytes_table() -> Table:
    """Return the bytes per customer of the table and of each index."""
    rows: Table = [[name, f"{size:,.0f}"] for name, size in BYTES_PER_CUSTOMER.items()]
    counts = f"customer counts, at most {MAX_COUNT_BYTES / 1e6:.0f} MB per tenant"
    rows.append([counts, f"{COUNT_BYTES_PER_CUSTOMER:,.0f}"])
    return [*rows, [f"total, with indexes {INDEX_BLOAT} times as large as measured", f"{bytes_of(1000) / 1000:,.0f}"]]


def spread_table(sizes: Sequence[int], total: float) -> Table:
    """Return the balance of shards and nodes, before and after the largest tenants get their own shards."""
    rows: Table = []
    for shards in (64, 128, 256, 512, 1024):
        mean, before = total / shards, Cluster(sizes, shards, NODES)
        after = Cluster(sizes, shards, NODES, isolated_above=mean * ISOLATED_ABOVE)
        moved = after.rebalance()
        ordinary = after.shards[:shards]
        rows.append(
            [
                shards,
                f"{mean / GB:.1f}",
                spread(before.shards),
                spread(before.loads()),
                len(after.isolated),
                spread(ordinary),
                spread(after.loads()),
                f"{moved / GB:,.0f}",
            ]
        )
    return rows


def moving_table(total: float) -> Table:
    """Return the cost of moving a tenant to its own shard, and of moving a new node's share."""
    sizes = (100_000, 1_000_000, 10_000_000, tenant_sizes(CUSTOMERS, TENANTS, EXPONENT)[0])
    parts = [(f"tenant of {size:,} customers", size, bytes_of(size)) for size in sizes]
    parts.append((f"share of node {NODES + 1}", CUSTOMERS // (NODES + 1), total / (NODES + 1)))
    return [
        [name, f"{size / GB:.1f}", f"{size / (total / SHARDS):.0%}", f"{moving_seconds(customers) / 60:,.1f} min"]
        for name, customers, size in parts
    ]


def cost_table(total: float) -> Table:
    """Return clusters of several sizes. Each node and the coordinator has a standby; servers are separate machines."""
    rows: Table = []
    servers = ceil(REQUESTS_AT_PEAK / REQUESTS_PER_CORE / UTILIZATION / NODE.cores)
    for nodes in (4, NODES, 16):
        node_bytes = total / nodes
        machines = 2 * (nodes + 1) + servers
        rows.append(
            [
                nodes,
                f"{node_bytes / GB:.0f}",
                f"{node_bytes / NODE.disk:.0%}",
                f"{node_bytes * HOT_FRACTION / GB:.0f}",
                f"{node_bytes * HOT_FRACTION / NODE.memory:.0%}",
                servers,
                f"{machines * NODE.euros:,}",
            ]
        )
    return rows


def as_table(headings: Sequence[str], rows: Table) -> Iterator[str]:
    """Return the lines of a Markdown table. All columns except the first are aligned to the right."""
    yield "| " + " | ".join(headings) + " |"
    yield "| --- |" + " ---: |" * (len(headings) - 1)
    for row in rows:
        yield "| " + " | ".join(map(str, row)) + " |"
    yield ""


def write_into(path: Path, text: str) -> None:
    """Replace the text between the markers of the document at `path`."""
    start, end = "<!-- simulation -->\n", "<!-- /simulation -->"
    before, _, rest = path.read_text("utf-8").partition(start)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}", "utf-8")


def main() -> None:
    """Print the report or write it into a document."""
    parser = argparse.ArgumentParser(description="Capacity model of a cluster with a billion customers.")
    parser.add_argument(
        "--write", type=Path, help="document in which to replace the text between the simulation markers"
    )
    options = parser.parse_args()
    text = "\n".join(report()).strip() + "\n"
    if options.write:
        write_into(options.write, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
