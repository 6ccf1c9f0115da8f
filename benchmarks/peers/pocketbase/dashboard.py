"""The dashboard of PocketBase in a browser."""

from collections.abc import Sequence

from playwright.sync_api import Browser, Page

from benchmarks.browser import LIMIT_MILLISECONDS, first_load, latency, painted, watch
from benchmarks.peers.pocketbase.peer import SUPERUSER_EMAIL
from benchmarks.results import ConsoleSpeed

ROWS = ".records-table tbody"
NAME_CELL = f"{ROWS} td[data-name=first_name]"
SEARCH_BOX = ".records-searchbar-wrapper [contenteditable]"
OPENED = 12
"""It opens only records in sight without scrolling, and copies their values from the table."""


def measure(browser: Browser, address: str, password: str, words: Sequence[str]) -> ConsoleSpeed:
    """Measure the customers of all tenants, as the superuser sees them. A search begins with the key Enter."""
    customers = f"http://{address}/_/#/collections?collection=customers"
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(LIMIT_MILLISECONDS)
        _sign_in(page, customers, password)
        page.goto(customers)
        page.wait_for_selector(NAME_CELL)
        openings = [_open(page, row) for row in range(OPENED)]
        searches = [_search(page, word) for word in words]
        load = first_load(browser, customers, context.storage_state(), NAME_CELL)
    return ConsoleSpeed(latency(searches), latency(openings), load, longest_blank=None)


def _sign_in(page: Page, customers: str, password: str) -> None:
    page.goto(customers)
    page.locator("input[name=identity]").fill(SUPERUSER_EMAIL)
    page.locator("input[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-pb=appHeader]")


def _search(page: Page, word: str) -> float:
    page.locator(SEARCH_BOX).fill(word)
    watch(page, "keydown", ROWS)
    page.keyboard.press("Enter")
    time = painted(page)
    # It adds the rows in several parts, and counts them with a request of its own.
    page.wait_for_selector(".records-table thead .loader", state="hidden")
    page.wait_for_selector(".total-count.faded", state="detached")
    return time


def _open(page: Page, row: int) -> float:
    watch(page, "click", "body")
    page.locator(NAME_CELL).nth(row).click()
    time = painted(page)
    while page.locator(".record-upsert-modal").count():
        # It does not listen yet while it slides in.
        page.keyboard.press("Escape")
        page.wait_for_timeout(300)
    return time
