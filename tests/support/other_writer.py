"""Somebody else who writes at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from regulars.db.connect import open_database
from regulars.tenants.locks import lock_customers
from tests.support.server import PATIENCE_SECONDS
from tests.support.world import World

AN_HOUR = 3600
Result = TypeVar("Result")


def beside_a_writer(world: World, action: Callable[[], Result]) -> Result:
    """What `action` gives while another program writes, for whom who waits would wait an hour."""
    other = open_database(world.url)
    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(1) as pool:
        patched.setattr("regulars.db.sqlite.BUSY_SECONDS", AN_HOUR)
        with other.transaction():
            lock_customers(other, world.clinic)
            # A thread of its own has a connection of its own, which is opened only now.
            result = pool.submit(action).result(PATIENCE_SECONDS)
    other.close()
    return result
