"""The reference of the API: people find an operation, copy its example, and try it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import violations
from tests.support.chromium import open_page, sign_in
from tests.support.server import Server

PAGE = "/api/docs"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# axe looks at every element, hidden ones too. What is in closed operations is like what is in the open one.
DROP_HIDDEN = "document.querySelectorAll('details:not([open]) .operation-body').forEach((body) => body.remove())"
HEIGHT = "document.documentElement.scrollHeight"


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """Yield a page that may use the clipboard. At the end, check that its scripts had no errors."""
    said: list[str] = []
    with open_page(chromium, server, permissions=["clipboard-read", "clipboard-write"]) as opened:
        opened.set_default_timeout(10_000)
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        yield opened
    assert [line for line in said if "the server responded with a status of" not in line] == []


def test_people_find_an_operation_copy_its_example_and_try_it(page: Page, server: Server) -> None:
    server.world.add(first_name="İnci")
    page.goto(PAGE)
    assert page.evaluate(HEIGHT) < 12_000
    page.keyboard.press("/")
    page.keyboard.type("GET listcustomers")
    expect(page.locator("details.operation:visible")).to_have_count(1)
    expect(page.get_by_role("status").first).to_have_text("1 found")
    page.keyboard.press("Enter")
    operation = page.locator("details[open]")
    page.wait_for_url(f"**{PAGE}#listCustomers")
    operation.get_by_role("button", name="Copy").first.click()
    expect(operation.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl '{server.world.settings.origin}/api/v1/customers' \\\n")

    operation.get_by_role("link", name="Sign in to try it").click()
    sign_in(page, "alice@example.com")
    operation.get_by_role("button", name="Try it").click()
    operation.get_by_label("search").fill("inci")
    operation.get_by_role("button", name="Send").click()
    result = operation.locator(".try-result")
    expect(result).to_contain_text("200 OK")
    expect(result).to_contain_text("GET /api/v1/customers?search=inci")
    expect(result).to_contain_text('"first_name": "İnci"')
    result.get_by_text("Headers of the response").click()
    expect(result).to_contain_text("x-request-id: ")


def test_a_write_is_sent_with_the_body_and_the_form_token(page: Page) -> None:
    page.goto(PAGE + "#createTag")
    page.get_by_role("link", name="Sign in to try it").click()
    sign_in(page, "alice@example.com")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("This changes the real data of Klinik Güneş.")).to_be_visible()
    page.get_by_label("Body").fill('{"name": "Tried", "color": "#E4572E"}')
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".try-result")).to_contain_text("201 Created")
    page.get_by_label("Body").fill("{")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".try-result")).to_contain_text("400 Bad Request")


def test_it_is_readable_on_a_phone_and_accessible(page: Page) -> None:
    for width, theme in ((375, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 812})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.goto(PAGE)
        page.goto(PAGE + "#updateCustomer")
        page.get_by_role("link", name="Sign in to try it").wait_for()
        assert page.evaluate(OVERFLOW) == 0
        page.evaluate(DROP_HIDDEN)
        assert violations(page) == []


def test_it_needs_no_script(chromium: Browser, server: Server) -> None:
    with open_page(chromium, server, java_script_enabled=False) as page:
        page.goto(PAGE + "#createCustomer")
        expect(page.get_by_text("Creates a customer of the tenant.")).to_be_visible()
        page.get_by_text("Get all tags").last.click()
        expect(page.get_by_text("Returns the tags")).to_be_visible()
        expect(page.get_by_role("searchbox")).to_be_hidden()
