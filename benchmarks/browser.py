"""Debian's Chromium, and the times from a person's action to the painted change of a page."""

import shutil
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from benchmarks.results import FirstLoad, Latency

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
FIRST_LOADS = 5
LIMIT_MILLISECONDS = 120_000
"""Longer than the slowest search."""

WATCH = """([type, selector, limit]) => {
  const region = document.querySelector(selector);
  window.painted = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${selector} did not change`)), limit);
    document.addEventListener(type, (event) => {
      const observer = new MutationObserver(() => {
        observer.disconnect();
        // The task after the callbacks of a frame runs when the frame has been painted.
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - event.timeStamp), 0));
      });
      observer.observe(region, { childList: true });
    }, { once: true, capture: true });
  });
}"""
"""Measures from the browser's time stamp of the next event of a type to the painted change of a region's children."""
LOADED = """() => new Promise((resolve) => new PerformanceObserver((list) => {
  const files = performance.getEntriesByType("resource").filter((each) => /\\.(js|css)$/.test(each.name));
  for (const paint of list.getEntriesByName("first-contentful-paint")) {
    resolve([paint.startTime, files.reduce((sum, each) => sum + each.encodedBodySize, 0)]);
  }
}).observe({ type: "paint", buffered: true }))"""


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run Debian's Chromium, which `make bench` installs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with browser:
            yield browser


def watch(page: Page, event: str, region: str) -> None:
    """Begin to measure from the next `event` to the painted change of the children of the element `region`."""
    page.evaluate(WATCH, [event, region, LIMIT_MILLISECONDS])


def painted(page: Page) -> float:
    """Return the milliseconds of the last `watch`, after waiting for the end."""
    return float(page.evaluate("window.painted"))


def type_letter(page: Page, letter: str) -> None:
    """Press and release the key of a letter, also of one that Playwright's keyboard does not have."""
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchKeyEvent", {"type": "keyDown", "key": letter, "text": letter})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": letter})
    session.detach()


def first_load(browser: Browser, address: str, state: StorageState, ready: str) -> FirstLoad:
    """Load the page at `address` with empty caches, as a user who has signed in, until the element `ready` exists."""
    loads = []
    for _load in range(FIRST_LOADS):
        with browser.new_context(storage_state=state) as context:
            page = context.new_page()
            page.goto(address)
            page.wait_for_selector(ready)
            loads.append(page.evaluate(LOADED))
    return FirstLoad(statistics.median(milliseconds for milliseconds, _bytes in loads), loads[0][1])


def latency(times: Sequence[float]) -> Latency:
    """Return the median and the 95th percentile of times."""
    return Latency(statistics.median(times), statistics.quantiles(times, n=20, method="inclusive")[-1])
