"""The speed of the console in Debian's Chromium: from a key press or a click to painted results.

python -m benchmarks.console_speed URL [--workers N] measures the console on a seeded database.
"""

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks.seeding import BIG_TENANT
from benchmarks.servers import running_regulars
from regulars.accounts.sessions import start_session
from regulars.accounts.users import get_named_user
from regulars.db.connect import open_database
from regulars.http.cookies import PREFIX, SESSION
from regulars.settings import Settings

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WORDS = ("ayşe", "mehmet yıl", "0532 11", "zeynep", "öztürk", "ali kaya", "fatma", "+90 54", "çelik", "example.com")
OPENED = 40
SCROLLED_ROWS = 10_000
SCROLL_STEP = 700

PAINTED = """
window.painted = (region, isDone) => new Promise((resolve) => {
  const check = () => {
    if (!isDone()) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
  };
  const observer = new MutationObserver(check);
  observer.observe(region, { childList: true, subtree: true, attributes: true });
});
"""
"""A function that resolves to the time at which the browser has painted what a change of `region` has brought."""
NEXT_RESULTS = """() => {
  const region = document.querySelector("[data-list-region]");
  const before = region.firstElementChild;
  window.result = new Promise((resolve) => {
    document.addEventListener("keydown", (event) => {
      const start = event.timeStamp;
      window.painted(region, () => region.firstElementChild !== before).then((end) => resolve(end - start));
    }, { once: true, capture: true });
  });
}"""
NEXT_PANEL = """() => {
  const panel = document.querySelector("[data-panel]");
  const before = panel.firstElementChild;
  window.result = new Promise((resolve) => {
    document.addEventListener("click", (event) => {
      const start = event.timeStamp;
      window.painted(panel, () => panel.firstElementChild && panel.firstElementChild !== before)
        .then((end) => resolve(end - start));
    }, { once: true, capture: true });
  });
}"""
SCROLL = """async ([rows, step]) => {
  const scroller = document.querySelector(".table-scroll");
  let blankSince = null, longest = 0;
  const isBlank = () => [...document.querySelectorAll("tbody.is-waiting")].some((body) => {
    const box = body.getBoundingClientRect(), frame = scroller.getBoundingClientRect();
    return box.bottom > frame.top && box.top < frame.bottom;
  });
  for (let top = 0; top < rows * 42; top += step) {
    scroller.scrollTop = top;
    const now = await new Promise(requestAnimationFrame);
    if (isBlank()) blankSince ??= now;
    else if (blankSince !== null) { longest = Math.max(longest, now - blankSince); blankSince = null; }
  }
  return longest;
}"""
LOADED = """() => {
  const files = performance.getEntriesByType("resource").filter((each) => /\\.(js|css)$/.test(each.name));
  return {
    bytes: files.reduce((sum, each) => sum + each.encodedBodySize, 0),
    milliseconds: performance.getEntriesByName("first-contentful-paint")[0].startTime,
  };
}"""


@dataclass(frozen=True, slots=True)
class ConsoleSpeed:
    """Times in milliseconds, as pairs of median and 95th percentile, and the bytes of scripts and styles."""

    search: tuple[float, float]
    opening: tuple[float, float]
    longest_blank: float
    first_paint: float
    bytes: int


def measure_console(url: str, workers: int, folder: Path) -> ConsoleSpeed:
    """Measure the console as the owner of the largest tenant sees it."""
    with running_regulars(url, workers, folder, is_public=True) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with browser, browser.new_context(base_url=f"http://{server.address}") as context:
            _sign_in(context, url, server.address)
            return _measure(context.new_page())


def _sign_in(context: BrowserContext, url: str, address: str) -> None:
    database = open_database(url)
    settings = Settings(database=url)
    user = get_named_user(database, f"owner{BIG_TENANT}@example.com")
    _session, token = start_session(database, settings, user.id, ["pwd"], user_agent="benchmark", address="127.0.0.1")
    database.close()
    context.add_cookies([{"name": PREFIX + SESSION, "value": token, "url": f"http://{address}"}])


def _measure(page: Page) -> ConsoleSpeed:
    page.goto("/")
    page.wait_for_selector("table.is-live")
    loaded = page.evaluate(LOADED)
    page.evaluate(PAINTED)
    searches = [time for word in WORDS for time in _type(page, word)]
    page.goto("/")
    page.wait_for_selector("table.is-live")
    page.evaluate(PAINTED)
    blank = page.evaluate(SCROLL, [SCROLLED_ROWS, SCROLL_STEP])
    page.goto("/")
    page.wait_for_selector("table.is-live")
    page.evaluate(PAINTED)
    openings = [_open(page, number % 12) for number in range(OPENED)]
    return ConsoleSpeed(_percentiles(searches), _percentiles(openings), blank, loaded["milliseconds"], loaded["bytes"])


def _type(page: Page, word: str) -> list[float]:
    box = page.get_by_role("searchbox")
    box.fill("")
    page.wait_for_timeout(300)
    times = []
    for letter in word:
        if letter == " ":
            # A space at the end changes nothing.
            page.keyboard.type(letter)
            continue
        page.evaluate(NEXT_RESULTS)
        page.keyboard.press(letter) if letter.isascii() else _press(page, letter)
        times.append(float(page.evaluate("window.result")))
    return times


def _press(page: Page, letter: str) -> None:
    """Type a letter that is on no key of the keyboard that Chromium emulates."""
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown'))")
    page.keyboard.insert_text(letter)


def _open(page: Page, row: int) -> float:
    page.evaluate(NEXT_PANEL)
    page.locator("tr[data-id] a.open").nth(row).click()
    return float(page.evaluate("window.result"))


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main() -> None:
    """Measure the console on the database of the command line, and print the figures."""
    parser = argparse.ArgumentParser(prog="benchmarks.console_speed", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", help="a database that `regulars seed --skewed` has filled")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        speed = measure_console(options.url, options.workers, Path(folder))
    print(f"key press to painted results: p50 {speed.search[0]:.0f} ms, p95 {speed.search[1]:.0f} ms")
    print(f"opening a customer: p50 {speed.opening[0]:.0f} ms, p95 {speed.opening[1]:.0f} ms")
    print(f"longest blank while scrolling {SCROLLED_ROWS:,} rows: {speed.longest_blank:.0f} ms")
    print(f"first paint: {speed.first_paint:.0f} ms, {speed.bytes / 1000:.1f} KB of scripts and styles")


if __name__ == "__main__":
    main()
