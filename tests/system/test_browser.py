"""Pages of a running server in Debian's Chromium."""

from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Page

from regulars.console.assets import load_assets
from tests.conftest import FreshDatabase
from tests.console.test_pages import make_stale
from tests.support.axe import violations
from tests.support.chromium import add_authenticator, open_page, sign_in, sign_out
from tests.support.oauth import Application
from tests.support.postgres import free_port
from tests.support.server import Server, running
from tests.support.world import PASSWORD, World

PHONE = {"width": 360, "height": 740}
CALLBACK = "http://127.0.0.1/healthz"
SAY = """async (path) => (await import(path))._("{count} harf, {other}", { count: 3 })"""
MY_PAGES = "profile password second-factor passkeys sessions connections tokens".split()


@pytest.fixture(scope="module")
def server(fresh_database: FreshDatabase) -> Iterator[Server]:
    """Run the service for all tests of this module. Each test creates its own user."""
    with World.on(fresh_database("sqlite"), port=free_port()) as world, running(world) as started:
        yield started


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """Yield a page of a new browser context at the public origin of the service."""
    with open_page(chromium, server) as opened:
        yield opened


def request_of(server: Server, app: Application) -> tuple[str, str]:
    """Return the path of an authorization request of a native app, and its redirect URI, which is an existing page."""
    address = server.world.settings.origin.replace("localhost", "127.0.0.1") + "/healthz"
    return app.request(redirect_uri=address, scope="openid customers:read"), address


def test_sign_in_and_consent_lead_back_to_the_application(page: Page, server: Server) -> None:
    app = Application.register(server.world, "native", redirect_uris=[CALLBACK])
    request, address = request_of(server, app)
    page.goto(request)
    assert violations(page) == []
    sign_in(page, "alice@example.com", "a wrong one")
    assert page.get_by_role("alert").first.inner_text() == "The e-mail address or the password is wrong."
    sign_in(page, "alice@example.com")
    assert page.get_by_role("heading", level=1).inner_text() == "Allow Randevu?"
    assert page.get_by_text("See the customers of your businesses.").is_visible()
    assert page.get_by_text("Klinik Güneş").is_visible()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(address + "?code=*")
    page.goto(request)
    page.get_by_role("button", name="Deny").click()
    page.wait_for_url(address + "?error=access_denied*")

    page.goto("/account/connections")
    page.get_by_role("button", name="Disconnect Randevu").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    assert page.get_by_role("status").inner_text() == "The application was disconnected and has no access anymore."
    assert page.get_by_text("Randevu").count() == 0


def test_a_second_factor_is_set_up_and_required(page: Page) -> None:
    page.goto("/account/second-factor")
    sign_in(page, "dora@example.com")
    secret = page.locator("#key").inner_text().replace(" ", "")
    assert page.locator("svg.qr").is_visible()
    page.get_by_label("Code from the app").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn on").click()
    code = page.get_by_role("status").locator(".secret").inner_text().split()[0]
    sign_out(page)
    page.goto("/account/profile")
    sign_in(page, "dora@example.com")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").inner_text() == "The code is wrong or has already been used."
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Profile"


def test_a_passkey_signs_in_without_a_password(page: Page, server: Server) -> None:
    add_authenticator(page)
    page.goto("/account/passkeys")
    sign_in(page, "charlie@example.com")
    make_stale(server.world)
    page.get_by_label("Name of the passkey").fill("My phone")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Name of the passkey").fill("My phone")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("The passkey was added.").wait_for()
    sign_out(page)
    page.goto("/sign-in?next=/account/passkeys")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("My phone").wait_for()
    page.get_by_role("button", name="Delete My phone").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("The passkey was deleted.").wait_for()
    assert page.get_by_text("My phone").count() == 0


def test_an_owner_registers_an_application(page: Page) -> None:
    page.goto("/applications/new")
    sign_in(page, "alice@example.com")
    page.get_by_label("Name", exact=True).fill("CRM")
    page.get_by_label("A web application").check()
    page.get_by_label("Redirect URIs").fill("https://crm.example/callback")
    page.get_by_role("button", name="Register").click()
    assert page.locator("#secret").inner_text().startswith("rgl_secret_")
    page.reload()
    assert page.locator("#secret").count() == 0
    assert page.locator("#client_id").is_visible()


def test_the_keyboard_skips_to_the_content(page: Page) -> None:
    page.goto("/account/profile")
    sign_in(page, "bob@example.com")
    page.get_by_role("heading", name="Profile").wait_for()
    for key in ("Tab", "Enter", "Tab"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.id") == "name"


def test_all_but_passkeys_works_without_a_script_and_on_a_phone(chromium: Browser, server: Server) -> None:
    with open_page(chromium, server, java_script_enabled=False, viewport=PHONE, color_scheme="dark") as page:
        page.goto("/account/tokens")
        assert page.get_by_role("button", name="Sign in with a passkey").count() == 0
        sign_in(page, "bob@example.com")
        page.get_by_label("Name", exact=True).fill("a script")
        page.get_by_role("button", name="Create token").click()
        assert page.locator(".secret").inner_text().startswith("rgl_pat_")


def test_no_page_is_wider_than_a_phone_and_all_is_quiet(chromium: Browser, server: Server) -> None:
    said: list[str] = []
    with open_page(chromium, server, viewport=PHONE, locale="tr-TR") as page:
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/account/profile")
        page.get_by_label("E-posta adresi").fill("bob@example.com")
        page.get_by_label("Parola").fill(PASSWORD)
        page.get_by_role("button", name="Giriş yap", exact=True).click()
        for name in MY_PAGES:
            page.goto(f"/account/{name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        assert page.evaluate(SAY, load_assets().path("lib/words.js")) == "3 harf, {other}"
        assert said == []
