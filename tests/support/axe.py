"""Faults of pages that axe-core finds: what people with disabilities cannot use or read."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """Return the faults on the page as it is now, each with its rule, its element and what to do; none if empty."""
    return [
        f"{rule['id']} at {node['target']}: {node['failureSummary']}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]
