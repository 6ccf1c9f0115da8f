"""People in Debian's Chromium: each has a browser context of their own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.server import Server
from tests.support.world import PASSWORD

FLAGS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update".split()
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run Debian's Chromium, which `make test` installs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS, "--disable-sync"])
        with browser:
            yield browser


@contextmanager
def open_page(chromium: Browser, server: Server, **options: Any) -> Iterator[Page]:
    """Yield a page of a new browser context at the public origin of the service."""
    with chromium.new_context(base_url=server.world.settings.origin, **options) as context:
        yield context.new_page()


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Submit the sign-in page, which must be open."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def add_authenticator(page: Page) -> None:
    """Give the browser a virtual authenticator that keeps passkeys and confirms their use by itself."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
