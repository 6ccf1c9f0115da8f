"""Fixtures of the screens: a server, and people who have signed in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.conftest import FreshDatabase
from tests.support.chromium import running_chromium
from tests.support.postgres import free_port
from tests.support.server import Server, running
from tests.support.world import World


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium for all tests of a module."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(fresh_database: FreshDatabase) -> Iterator[Server]:
    """Run the service, with its jobs, for all tests of a module."""
    with World.on(fresh_database("sqlite"), port=free_port()) as world, running(world, "--jobs") as started:
        yield started
