"""A billion customers in a hundred thousand tenants on a Citus cluster: what lies where, how evenly, and what it costs.

python -m benchmarks.simulation [--write docs/scale.md]

Pure computing. The bytes are measured, with the query below, on a database of `regulars seed --customers 300000
--tenants 50 --skewed` (PostgreSQL 15, indexes built at once). Everything that is an assumption is called one.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median

# SELECT relname, pg_relation_size(c.oid) / 300000.0 FROM pg_class AS c LEFT JOIN pg_index ON indexrelid = c.oid
# WHERE CAST('customers' AS regclass) IN (c.oid, indrelid)
BYTES_PER_CUSTOMER = {
    "the rows": 294.1,
    "search: six letters or digits": 360.4,
    "search: trigrams": 133.3,
    "search: one or two letters": 128.7,
    "date of birth, both directions": 56.6 + 39.9,
    "last name, both directions": 54.1 + 54.1,
    "first name": 51.8,
    "user": 48.8,
    "gender, both directions": 39.9 + 39.9,
    "creation": 39.8,
    "change": 39.8,
    "primary key": 31.6,
    "trash": 0.9,
}
CENSUS_PER_CUSTOMER = 157.3
"""With its index, in tenants of some thousand; each cell counts a few customers."""
LARGEST_CENSUS = 256e6
"""Of a tenant of ten million, measured too: the days of birth are known by then."""
INDEXING_SECONDS = 8e-6 + 3 * 62e-6
"""For each customer, one core: 62 millionths of a second for the search indexes of 300,000, and 8 for the others; those
of ten million took three times as long for each (2.6 for the trigrams, 3.3 for six digits in a row)."""
REQUESTS_PER_CORE = 920
"""First pages a second, `make bench` on PostgreSQL: two cores did 1,843, with server, database and load on them."""

CUSTOMERS, TENANTS = 1_000_000_000, 100_000
EXPONENT = 0.8
SHARDS, NODES = 256, 8
ISOLATED_ABOVE = 0.25
"""A tenant that is larger than this part of a mean shard gets a shard of its own."""
LOOSENESS = 1.4
"""Assumption: indexes that are written to are so much larger than those built at once."""
HOT = 0.15
"""Assumption: the share of all bytes that is read within a busy hour, and should be in memory."""
BANDWIDTH = 100e6
"""Assumption: bytes a second from one node to another while people go on working."""
REQUESTS_AT_PEAK = 17_000
"""Assumption: a million people, 200 requests a day each within ten hours, three times as many at the peak."""
UTILISATION = 0.5
"""Assumption: of a core that serves requests, at the peak."""
GB = 1e9


@dataclass(frozen=True)
class Node:
    """Assumption: a machine, and what it costs a month."""

    cores: int = 8
    memory: float = 64 * GB
    disk: float = 960 * GB
    euros: int = 300


NODE = Node()
Table = list[list[object]]


def tenant_sizes(customers: int, tenants: int, exponent: float) -> list[int]:
    """How many customers each tenant has, largest first: the tenant of rank r has so many as r to the -exponent."""
    weights = [rank**-exponent for rank in range(1, tenants + 1)]
    scale = customers / sum(weights)
    return [max(1, round(weight * scale)) for weight in weights]


def hash_of(tenant_id: int) -> int:
    """PostgreSQL's `hashint8`, which Citus finds the shard by (Bob Jenkins's lookup3, for four bytes)."""
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


def _mix(one: int, other: int, bits: int) -> int:
    rotated = ((other << bits) | (other >> (32 - bits))) & 0xFFFFFFFF
    return ((one ^ other) - rotated) & 0xFFFFFFFF


def shard_of(tenant_id: int, shards: int) -> int:
    """The shard of a tenant: each has the same part of all hashes."""
    return min((hash_of(tenant_id) + 2**31) // (2**32 // shards), shards - 1)


def bytes_per_customer() -> float:
    """Row and indexes, without the census."""
    rows = BYTES_PER_CUSTOMER["the rows"]
    return rows + (sum(BYTES_PER_CUSTOMER.values()) - rows) * LOOSENESS


def bytes_of(customers: int) -> float:
    """All that a tenant of this size takes on disk."""
    census = min(customers * CENSUS_PER_CUSTOMER, LARGEST_CENSUS)
    return customers * bytes_per_customer() + census * LOOSENESS


def moving_seconds(customers: int) -> float:
    """To copy them to another node and build their indexes there, on one core."""
    return customers * (BYTES_PER_CUSTOMER["the rows"] / BANDWIDTH + INDEXING_SECONDS)


class Cluster:
    """Shards with their bytes, and the node of each."""

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
        """The bytes on each node."""
        found = [0.0] * self.nodes
        for size, node in zip(self.shards, self.node_of, strict=True):
            found[node] += size
        return found

    def rebalance(self) -> float:
        """Move shards from the fullest node to the emptiest while that helps, as Citus does; the bytes moved."""
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
    """The largest, as times the mean."""
    return f"{max(loads) / (sum(loads) / len(loads)):.2f}"


def report() -> Iterator[str]:
    """All of it, as Markdown."""
    sizes = tenant_sizes(CUSTOMERS, TENANTS, EXPONENT)
    total = sum(map(bytes_of, sizes))
    yield from sizes_in_words(sizes, total)
    yield from as_table(["for each customer", "bytes"], bytes_table())
    yield from as_table(
        [
            "shards",
            "mean GB",
            "largest : mean",
            f"fullest node of {NODES} : mean",
            "tenants isolated",
            "largest : mean then",
            "fullest node then",
            "GB moved",
        ],
        spread_table(sizes, total),
    )
    yield from as_table(["moved", "GB", f"of a mean shard of {SHARDS}", "copied and indexed in"], moving_table(total))
    yield from as_table(
        ["nodes", "GB each", "of its disk", "GB hot each", "of its memory", "servers", "euros a month"],
        cost_table(total),
    )


def sizes_in_words(sizes: Sequence[int], total: float) -> Iterator[str]:
    """The tenants, in a sentence."""
    share = sum(sizes[: len(sizes) // 100]) / sum(sizes)
    yield (
        f"{len(sizes):,} tenants with {sum(sizes) / 1e9:.2f} billion customers, sizes by Zipf's law with exponent"
        f" {EXPONENT}: the largest has {sizes[0]:,}, the tenth {sizes[9]:,}, the median {median(sizes):,.0f}; one in a"
        f" hundred has {share:.0%} of all customers. Together {total / 1e12:.2f} TB."
    )
    yield ""


def bytes_table() -> Table:
    """Rows of the table of bytes."""
    rows: Table = [[name, f"{size:,.0f}"] for name, size in BYTES_PER_CUSTOMER.items()]
    rows.append([f"census, up to {LARGEST_CENSUS / 1e6:.0f} MB a tenant", f"{CENSUS_PER_CUSTOMER:,.0f}"])
    return [*rows, [f"together, indexes {LOOSENESS} times as large as measured", f"{bytes_of(1000) / 1000:,.0f}"]]


def spread_table(sizes: Sequence[int], total: float) -> Table:
    """How evenly shards and nodes are filled, before and after the largest tenants get shards of their own."""
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
    """What it takes to move a tenant that has outgrown its shard, or a new node's share."""
    sizes = (100_000, 1_000_000, 10_000_000, tenant_sizes(CUSTOMERS, TENANTS, EXPONENT)[0])
    parts = [(f"a tenant of {size:,}", size, bytes_of(size)) for size in sizes]
    parts.append((f"what node {NODES + 1} takes over", CUSTOMERS // (NODES + 1), total / (NODES + 1)))
    return [
        [name, f"{size / GB:.1f}", f"{size / (total / SHARDS):.0%}", f"{moving_seconds(customers) / 60:,.1f} min"]
        for name, customers, size in parts
    ]


def cost_table(total: float) -> Table:
    """Clusters of some sizes: each node and the coordinator with a standby, and the servers before them."""
    rows: Table = []
    servers = ceil(REQUESTS_AT_PEAK / REQUESTS_PER_CORE / UTILISATION / NODE.cores)
    for nodes in (4, NODES, 16):
        each = total / nodes
        machines = 2 * (nodes + 1) + servers
        rows.append(
            [
                nodes,
                f"{each / GB:.0f}",
                f"{each / NODE.disk:.0%}",
                f"{each * HOT / GB:.0f}",
                f"{each * HOT / NODE.memory:.0%}",
                servers,
                f"{machines * NODE.euros:,}",
            ]
        )
    return rows


def as_table(heads: Sequence[str], rows: Table) -> Iterator[str]:
    """Lines of a Markdown table, its columns but the first to the right."""
    yield "| " + " | ".join(heads) + " |"
    yield "| --- |" + " ---: |" * (len(heads) - 1)
    for row in rows:
        yield "| " + " | ".join(map(str, row)) + " |"
    yield ""


def write_into(path: Path, text: str) -> None:
    """Put `text` between the marks of a document."""
    start, end = "<!-- simulation -->\n", "<!-- /simulation -->"
    before, _, rest = path.read_text("utf-8").partition(start)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}", "utf-8")


def main() -> None:
    """Print it, or write it into a document."""
    parser = argparse.ArgumentParser(description="A billion customers, worked out.")
    parser.add_argument("--write", type=Path, help="a document with marks to put the result between")
    options = parser.parse_args()
    text = "\n".join(report()).strip() + "\n"
    if options.write:
        write_into(options.write, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
