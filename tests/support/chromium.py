"""People in Debian's Chromium: each has a browser context of their own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.server import Server
from tests.support.world import PASSWORD

FLAGS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update".split()
FAILED_REQUEST = "Failed to load resource"
"""The start of what Chromium says about each answer that is an error, which the page itself handles."""
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


@contextmanager
def screen(chromium: Browser, server: Server, email: str = "alice@example.com", **options: Any) -> Iterator[Page]:
    """Yield the customers screen of a user who has signed in, in a new browser context.

    At the end, check that the console was quiet and that the pages asked no other server for anything.
    """
    said: list[str] = []
    elsewhere: list[str] = []
    with open_page(chromium, server, **options) as page:
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        origin = server.world.settings.origin
        page.on("request", lambda sent: elsewhere.append(sent.url) if not sent.url.startswith(origin) else None)
        page.goto("/")
        page.locator("main input[name=email]").fill(email)
        page.locator("main input[name=password]").fill(PASSWORD)
        page.locator("main form").first.get_by_role("button").click()
        page.wait_for_url(f"{origin}/")
        yield page
    assert [line for line in said if not line.startswith(FAILED_REQUEST)] == []
    assert elsewhere == []


LOOKS = ((1280, 800, "light", "en"), (1280, 800, "dark", "tr"), (375, 812, "light", "tr"), (375, 812, "dark", "en"))


def looks(page: Page, path: str) -> Iterator[str]:
    """Open a page with a wide and a narrow window, in both themes and languages. Yield the name of each look."""
    for width, height, theme, language in LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.context.add_cookies([{"name": "regulars_language", "value": language, "url": page.url}])
        page.goto(path)
        yield f"{theme} {width} {language}"
    page.context.clear_cookies(name="regulars_language")


def sign_out(page: Page) -> None:
    """Sign out with the menu of the person in the sidebar."""
    page.locator(".person > summary").click()
    page.locator(".person").get_by_role("button", name="Sign out").click()
