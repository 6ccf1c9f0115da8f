"""Concurrent writer for tests of reads that must not block."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from regulars.db.connect import open_database
from regulars.tenants.locks import lock_customers
from tests.support.server import TIMEOUT_SECONDS
from tests.support.world import World

LOCK_TIMEOUT_SECONDS = 3600
Result = TypeVar("Result")


def during_write(world: World, action: Callable[[], Result]) -> Result:
    """Return the result of `action`, called while another program holds the write lock.

    The lock timeout is an hour, so an action that waits for the lock exceeds the timeout of the test.
    """
    other = open_database(world.url)
    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(1) as pool:
        patched.setattr("regulars.db.sqlite.BUSY_SECONDS", LOCK_TIMEOUT_SECONDS)
        with other.transaction():
            lock_customers(other, world.clinic)
            # The new thread opens its own connection, to which the patched timeout applies.
            result = pool.submit(action).result(TIMEOUT_SECONDS)
    other.close()
    return result
