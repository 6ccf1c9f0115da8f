"""The speed of the console in Debian's Chromium, beside the dashboard of PocketBase.

python -m benchmarks.console_speed URL [--workers N] measures a database that `regulars seed --skewed` has filled.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.browser import first_load, latency, painted, running_chromium, type_letter, watch
from benchmarks.peers.pocketbase import dashboard
from benchmarks.peers.pocketbase import peer as pocketbase
from benchmarks.plan import log_progress
from benchmarks.report import console_table
from benchmarks.results import Console, ConsoleSpeed
from benchmarks.seeding import BIG_TENANT
from benchmarks.servers import running_regulars
from regulars.accounts.sessions import start_session
from regulars.accounts.users import get_named_user
from regulars.db.connect import is_embedded, open_database
from regulars.http.cookies import PREFIX, SESSION
from regulars.settings import Settings

WORDS = ("ayşe", "yılmaz", "zeynep", "öztürk", "ali", "+90532", "fatma", "çelik", "example.com")
LONGER_SEARCHES = ("mehmet yıl", "ayşe kaya", "0532 11")
"""PocketBase searches each field on its own, as it is stored, and does not find these."""
OPENED = 40
SCROLLED_ROWS = 10_000
SCROLL_STEP = 700
"""Pixels per frame: the 10,000 rows take ten seconds."""
TABLE = "table.is-live"

SCROLL = """async ([rows, step]) => {
  const scroller = document.querySelector(".table-scroll");
  const { top, bottom } = scroller.getBoundingClientRect();
  const isBlank = () => [...document.querySelectorAll("tbody.is-waiting")].some((body) => {
    const box = body.getBoundingClientRect();
    return box.bottom > top && box.top < bottom;
  });
  const rowHeight = document.querySelector("tr[data-id]").offsetHeight;
  let filled = performance.now(), longest = 0;
  while (scroller.scrollTop < rows * rowHeight || isBlank()) {
    const before = scroller.scrollTop;
    if (before < rows * rowHeight) scroller.scrollTop += step;
    const now = await new Promise(requestAnimationFrame);
    if (!isBlank()) filled = now;
    longest = Math.max(longest, now - filled);
    if (scroller.scrollTop === before && !isBlank()) break;
  }
  return longest;
}"""
"""Scrolls, and returns the longest time during which a row in sight was not drawn, in milliseconds."""


def measure_consoles(url: str, workers: int, folder: Path) -> Console:
    """Measure the console as the owner of the largest tenant sees it, and PocketBase's dashboard if it is installed."""
    with running_chromium() as browser:
        ours = _measure_ours(browser, url, workers, folder)
        log_progress(f"  console: {ours.search.p50:.0f} ms from a key press to painted results")
        return Console(ours, _measure_peer(browser, url, workers, folder) if is_embedded(url) else None)


def _measure_ours(browser: Browser, url: str, workers: int, folder: Path) -> ConsoleSpeed:
    with running_regulars(url, workers, folder, is_public=True) as server:
        address = f"http://{server.address}/"
        with browser.new_context() as context:
            _sign_in(context, url, address)
            page = context.new_page()
            page.goto(address)
            page.wait_for_selector(TABLE)
            searches = [time for text in (*WORDS, *LONGER_SEARCHES) for time in _search(page, text)]
            page.goto(address)
            page.wait_for_selector(TABLE)
            openings = [_open(page, row) for row in range(OPENED)]
            page.goto(address)
            page.wait_for_selector(TABLE)
            blank = float(page.evaluate(SCROLL, [SCROLLED_ROWS, SCROLL_STEP]))
            load = first_load(browser, address, context.storage_state(), TABLE)
    return ConsoleSpeed(latency(searches), latency(openings), load, blank)


def _sign_in(context: BrowserContext, url: str, address: str) -> None:
    database = open_database(url)
    user = get_named_user(database, f"owner{BIG_TENANT}@example.com")
    settings = Settings(database=url)
    _session, token = start_session(database, settings, user.id, ["pwd"], user_agent="benchmark", address="127.0.0.1")
    database.close()
    context.add_cookies([{"name": PREFIX + SESSION, "value": token, "url": address}])


def _search(page: Page, text: str) -> list[float]:
    """Type a text in place of the one before. Return the time of each key that changes what is searched for."""
    page.get_by_role("searchbox").select_text()
    times = []
    for letter in text:
        if letter == " ":
            type_letter(page, letter)
            continue
        watch(page, "keydown", "[data-list-region]")
        type_letter(page, letter)
        times.append(painted(page))
    return times


def _open(page: Page, row: int) -> float:
    watch(page, "click", "[data-panel]")
    page.locator("tr[data-id] a.open").nth(row).click()
    return painted(page)


def _measure_peer(browser: Browser, url: str, workers: int, folder: Path) -> ConsoleSpeed | None:
    try:
        pocketbase.install()
    except RuntimeError:
        return None
    with pocketbase.running(url, workers, folder) as running:
        speed = dashboard.measure(browser, running.address, pocketbase.password(folder), WORDS)
    log_progress(f"    PocketBase's dashboard: {speed.search.p50:.0f} ms")
    return speed


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the database of the command line, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.console_speed", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", help="a database that `regulars seed --skewed` has filled")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        print(console_table(measure_consoles(options.url, options.workers, Path(folder))))


if __name__ == "__main__":
    main()
