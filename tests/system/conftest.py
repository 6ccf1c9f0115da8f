"""Fixtures of tests with a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import running_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium for all tests of a module."""
    with running_chromium() as browser:
        yield browser
