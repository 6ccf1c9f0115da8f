"""The pages of the account and the settings: how they look, and what an owner does on them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from regulars.customers.tags import create_tag
from regulars.tenants.tenants import get_tenant
from tests.support.axe import violations
from tests.support.chromium import screen
from tests.support.oauth import Application
from tests.support.server import Server

PATHS = [f"/settings/{name}" for name in ("business", "channels", "tags", "audit")] + ["/members", "/applications"]
PATHS += [f"/account/{name}" for name in "profile email password second-factor passkeys".split()]
PATHS += [f"/account/{name}" for name in "sessions connections tokens".split()]
PATHS += ["/applications/new", "/device", "/device/done", "/oauth/logout", "/recovery", "/nowhere"]
PHONE = 375


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """Yield a page of Alice, the owner of the clinic."""
    with screen(chromium, server) as opened:
        yield opened


def test_every_page_can_be_read_by_all_in_both_themes_and_on_a_phone(page: Page, server: Server) -> None:
    create_tag(server.world.database, server.world.clinic, "Looks", "#E4572E")
    app = Application.register(server.world, "web", tenant_id=server.world.clinic)
    again = "/sign-in?reauthenticate=1&next=/"
    for path in (*PATHS, again, app.request(), f"/applications/{app.client.id}"):
        page.goto(path)
        # The tests of other screens check the frame in the other combinations.
        for width, dark in ((1280, False), (PHONE, True)):
            page.set_viewport_size({"width": width, "height": 812})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
            assert violations(page) == [], f"{path} {width}"


def test_an_owner_edits_the_business_a_tag_and_an_application(page: Page, server: Server) -> None:
    world = server.world
    page.goto("/settings")
    page.get_by_label("Time zone").fill("Mars")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("alert").first.inner_text().startswith("timezone must be an IANA time zone")
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_label("Phone number").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("The business was changed.")
    changed = get_tenant(world.database, world.clinic)
    assert (changed.time_zone, changed.unique_fields) == ("Asia/Tokyo", ["phone_number"])

    page.get_by_role("link", name="Tags").click()
    page.get_by_label("Name", exact=True).fill("VIP")
    page.get_by_role("button", name="Add tag").click()
    page.locator("summary", has_text="VIP").click()
    page.get_by_label("Name of VIP").fill("Gold")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("The tag was changed.")
    page.locator("summary", has_text="Gold").click()
    page.get_by_role("button", name="Delete Gold").click()
    expect(page.get_by_role("dialog", name="Delete the tag Gold?")).to_contain_text("removed from all customers")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Delete Gold").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_have_text("The tag was deleted.")

    app = Application.register(world, "web", tenant_id=world.clinic, name="CRM")
    page.goto("/applications")
    page.get_by_role("link", name="CRM").click()
    page.get_by_role("button", name="Copy: Client id").click()
    expect(page.get_by_role("button", name="Copy: Client id")).to_have_text("Copied")
    page.get_by_label("Name", exact=True).fill("Calendar")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Calendar")
    page.get_by_role("button", name="Create a new secret").click()
    question = page.get_by_role("dialog", name="Create a new secret for Calendar?")
    assert violations(page) == []
    question.get_by_role("button", name="Create a new secret").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("rgl_secret_")
    assert secret != app.secret
    page.get_by_role("link", name="Audit log").click()
    expect(page.locator("tbody tr").first).to_contain_text("Alice created a new secret for the application Calendar")
