"""Defaults: one worker per core, few database connections, and a fast start without unused modules."""

import gc
import os
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import httpx
import psycopg
import pytest

from regulars.cpu import usable_cores
from regulars.customers.read.list_sql import QueryShape, SortBy, page_statement
from regulars.customers.read.search import TextIndex
from regulars.settings import MAX_DEFAULT_WORKERS, Settings, load_settings
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.server import running
from tests.support.world import LIST, World

NOT_WHEN_SERVING = ("alembic", "mako", "faker", "pycountry", "psycopg")
"""Modules for migrations, for sample data, or for another database."""


def test_a_server_loads_nothing_that_it_does_not_use() -> None:
    program = (
        f"import sys, regulars.server.workers; print([name for name in {NOT_WHEN_SERVING} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def cores_in(folder: Path, own: str, **files: str) -> int:
    """Return the number of usable cores of a process in the control group `own`, given the files of the groups."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_max", ".max")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "own").write_text(own)
    return usable_cores(folder, folder / "own")


def test_the_number_of_cores_respects_affinity_and_quotas(tmp_path: Path) -> None:
    allowed = len(os.sched_getaffinity(0))
    assert cores_in(tmp_path, "") == allowed
    assert cores_in(tmp_path / "a", "0::/\n", cpu_max="max 100000\n") == allowed
    assert cores_in(tmp_path / "b", "0::/\n", cpu_max="50000 100000\n") == 1
    assert cores_in(tmp_path / "c", "0::/\n", cpu_max=f"{allowed * 100000 + 1} 100000\n") == allowed
    assert cores_in(tmp_path / "d", "0::/x/y\n", x__y__cpu_max="max 100000\n", x__cpu_max="90000 100000\n") == 1
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cores_in(tmp_path, "3:cpu:/\n", **{"cpu/cpu.cfs_quota_us": "-1\n"}) == allowed
    assert cores_in(tmp_path, "3:cpu:/\n", **{"cpu/cpu.cfs_quota_us": "80000\n"}) == 1


def test_the_default_number_of_workers_is_that_of_cores_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().workers == min(len(os.sched_getaffinity(0)), MAX_DEFAULT_WORKERS)
    monkeypatch.setattr("regulars.settings.usable_cores", lambda: 256)
    assert Settings().workers == MAX_DEFAULT_WORKERS
    assert load_settings({"workers": 40}).workers == 40


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DATABASE_KINDS)
def test_each_query_shape_takes_a_few_kilobytes(dialect: str) -> None:
    """Clients can request thousands of different query shapes."""
    shapes = [
        QueryShape(dialect, rows, sort_by, "asc", False, True, False, True, False, ((TextIndex.TRIGRAMS,),))
        for rows in range(200, 230)
        for sort_by in get_args(SortBy)
    ]
    page_statement(shapes[0])
    gc.collect()
    tracemalloc.start()
    try:
        for shape in shapes:
            page_statement(shape)
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / len(shapes) < 10_000


@pytest.mark.postgresql
def test_a_worker_that_gets_a_single_connection_answers_all_the_same(fresh_database: FreshDatabase) -> None:
    """Two workers open up to eight connections. With a limit of five, each worker still gets at least one."""
    with World.on(fresh_database("postgresql")) as world:
        world.add_customers()
        with psycopg.connect(world.url, autocommit=True) as connection:
            connection.execute("CREATE ROLE poor LOGIN CONNECTION LIMIT 5")
            connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO poor")
        world.url = world.url.replace("postgres@", "poor@")
        with running(world, "--workers", "2") as server, ThreadPoolExecutor(16) as pool:
            asked = [pool.submit(server.get, LIST) for _ in range(100)]
            assert {answer.result().status_code for answer in asked} == {httpx.codes.OK}
