"""Capacity model for a billion customers: hashing as in Citus, and agreement of docs/scale.md with the program."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from benchmarks.simulation import Cluster, bytes_of, hash_of, report, tenant_sizes
from hypothesis import given
from hypothesis import strategies as st

from tests.support import ROOT, postgres

DOCUMENT = ROOT / "docs" / "scale.md"


@pytest.fixture(scope="module")
def connection(postgres_server: postgres.Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(f"{postgres_server.url}/postgres", autocommit=True) as opened:
        yield opened


@given(tenant_ids=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50))
def test_a_tenant_is_hashed_as_postgresql_does(connection: psycopg.Connection[Any], tenant_ids: list[int]) -> None:
    query = "SELECT hashint8(id) FROM unnest(%s::bigint[]) WITH ORDINALITY AS ids (id, place) ORDER BY place"
    assert [number for (number,) in connection.execute(query, (tenant_ids,))] == list(map(hash_of, tenant_ids))


def test_no_byte_is_lost_when_tenants_are_isolated_and_shards_are_moved() -> None:
    sizes = tenant_sizes(1_000_000, 500, 0.8)
    total = sum(map(bytes_of, sizes))
    cluster = Cluster(sizes, 64, 4, isolated_above=total / 64)
    assert cluster.isolated
    uneven = max(cluster.loads())
    moved = cluster.rebalance()
    assert sum(cluster.loads()) == pytest.approx(total)
    assert (max(cluster.loads()) < uneven) == (moved > 0)


@pytest.mark.slow
def test_the_document_shows_the_figures_of_the_simulation() -> None:
    shown = DOCUMENT.read_text("utf-8").partition("<!-- simulation -->")[2].partition("<!-- /simulation -->")[0]
    assert shown.strip() == "\n".join(report()).strip()
