"""The customers screen: looking up, opening, editing and selecting customers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from regulars.customers.tags import create_tag
from tests.support.axe import violations
from tests.support.chromium import looks, screen
from tests.support.server import Server

PHONE = {"width": 375, "height": 812}


@pytest.fixture(scope="module", autouse=True)
def customers(server: Server) -> None:
    """Add customers to the clinic: 37 of the world, and 100 others, so that the table has several pages."""
    world = server.world
    world.add_customers()
    for number in range(100):
        world.add(first_name="Zeynep", last_name=f"Kaya {number:03}", email=f"zeynep{number}@example.com")
    create_tag(world.database, world.clinic, "VIP", "#E4572E")


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """Yield the customers screen as Alice, the owner of the clinic, sees it."""
    with screen(chromium, server) as opened:
        yield opened


def rows(page: Page) -> list[str]:
    """Return the names in the rows of the table that exist."""
    return page.locator("tr[data-id] a.open").all_inner_texts()


def test_one_types_a_name_and_opens_edits_and_closes_the_customer_by_keyboard(page: Page, server: Server) -> None:
    customer = server.world.add(first_name="İnci", last_name="Şen", phone_number="+905352041890")
    expect(page.locator("table.is-live")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("inci sen")
    expect(page.locator(".total")).to_have_text("1 customer")
    assert page.url.endswith("/?search=inci+sen")
    page.keyboard.press("Enter")
    expect(page.locator("[data-heading]")).to_have_text("İnci Şen")
    assert f"/customers/{customer}?search=inci+sen" in page.url
    assert page.title() == "İnci Şen · Regulars"
    expect(page.get_by_role("button", name="Next customer")).to_be_visible()
    page.keyboard.press("e")
    page.keyboard.type("İncinur")
    page.keyboard.press("Enter")
    expect(page.locator("[data-heading]")).to_have_text("İncinur Şen")
    expect(page.locator(".toast")).to_contain_text("Saved.")
    expect(page.locator("tr[data-id] a.open")).to_have_text("İncinur Şen")
    expect(page.locator(".history")).to_contain_text("İnci → İncinur")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-heading]")).to_have_text("İnci Şen")
    page.keyboard.press("Escape")
    expect(page.locator("[data-panel]")).to_be_hidden()
    page.go_back()
    expect(page.locator("[data-heading]")).to_have_text("İnci Şen")


def test_a_wrong_value_stays_in_its_field_with_the_reason(page: Page, server: Server) -> None:
    customer = server.world.add(first_name="Ayşe", email="ayse@example.com")
    page.goto(f"/customers/{customer}")
    page.get_by_role("button", name="Edit E-mail").click()
    page.keyboard.type("nobody")
    page.keyboard.press("Enter")
    expect(page.locator(".fact .fault")).to_contain_text("must be an e-mail address")
    expect(page.get_by_role("textbox", name="E-mail")).to_have_value("nobody")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Edit E-mail")).to_have_text("ayse@example.com")


def test_two_people_who_change_the_same_value_see_both(chromium: Browser, server: Server, page: Page) -> None:
    customer = server.world.add(first_name="Can", job="Mimar")
    page.goto(f"/customers/{customer}")
    with screen(chromium, server, "bob@example.com") as other:
        other.goto(f"/customers/{customer}")
        for each, job in ((other, "Doktor"), (page, "Avukat")):
            each.get_by_role("button", name="Edit Job").click()
            each.get_by_role("textbox", name="Job").fill(job)
            each.keyboard.press("Enter")
            expect(each.locator(".toast, dialog").first).to_be_visible()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Avukat")
    expect(dialog).to_contain_text("Doktor")
    dialog.get_by_role("button", name="Save your value").click()
    expect(page.get_by_role("button", name="Edit Job")).to_have_text("Avukat")


def test_the_table_scrolls_through_all_customers_and_keeps_the_position(page: Page) -> None:
    total = int(page.locator("[data-total]").get_attribute("data-total") or 0)
    names: set[str] = set()
    for top in range(0, (total + 10) * 42, 420):
        page.locator(".table-scroll").evaluate("(element, top) => { element.scrollTop = top; }", top)
        expect(page.locator("tbody.is-waiting")).to_have_count(0)
        names |= {row.get_attribute("data-id") or "" for row in page.locator("tr[data-id]").element_handles()}
    assert len(names) == total
    expect(page).to_have_url(re.compile(r"page=[56]"))
    last = rows(page)[-1]
    page.reload()
    expect(page.locator("table.is-live")).to_be_visible()
    assert last in rows(page)
    page.get_by_label("Page", exact=False).last.fill("1")
    page.keyboard.press("Enter")
    expect(page.locator('tbody[data-page="1"]')).to_be_visible()


def test_filters_and_sorting_are_links_that_work(page: Page) -> None:
    page.locator("summary", has_text="Gender").click()
    page.get_by_role("link", name="female", exact=True).click()
    expect(page.locator(".total")).to_have_text("10 customers")
    expect(page.locator(".chip.active").first).to_have_text("Gender: female")
    page.get_by_role("link", name="Date of birth").click()
    expect(page.locator('th[data-column="date_of_birth"]')).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("link", name="Remove the filter").click()
    expect(page.locator(".chip.active")).to_have_count(0)


def test_a_cell_is_edited_in_place(page: Page) -> None:
    page.goto("/?search=kaya+007")
    expect(page.locator("table.is-live")).to_be_visible()
    page.locator('td[data-column="email"]').dblclick()
    page.get_by_role("textbox", name="Value").fill("yeni@example.com")
    page.keyboard.press("Enter")
    expect(page.locator('td[data-column="email"] .text')).to_have_text("yeni@example.com")


def test_what_others_change_appears(page: Page, server: Server) -> None:
    with page.expect_response(re.compile(r"changes\?since=now")):
        page.goto("/?search=kaya+011")
    customer = page.locator("tr[data-id]").get_attribute("data-id")
    server.world.send("PATCH", f"/api/v1/customers/{customer}", {"first_name": "Zehra"}, user=server.world.bob)
    expect(page.locator("tr.is-changed a.open")).to_have_text("Zehra Kaya 011", timeout=15_000)


def test_a_session_that_ends_while_typing_loses_nothing(page: Page, server: Server) -> None:
    customer = server.world.add(first_name="Emre")
    page.goto(f"/customers/{customer}")
    page.get_by_role("button", name="Edit Job").click()
    page.get_by_role("textbox", name="Job").fill("Öğretmen")
    page.context.clear_cookies(name="regulars_session")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Password").fill("correct horse battery")
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Edit Job")).to_have_text("Öğretmen")


def test_a_new_customer_who_may_exist_already_is_pointed_out_while_typing(page: Page, server: Server) -> None:
    known = server.world.add(first_name="Nazlı", last_name="Akın", phone_number="+905350009988")
    page.keyboard.press("n")
    page.get_by_label("First name").fill("Nazlı")
    page.get_by_label("Phone").fill("0535 000 99 88")
    warning = page.get_by_role("status").get_by_role("link", name="Nazlı Akın")
    expect(warning).to_be_in_viewport()
    expect(warning).to_have_attribute("href", f"/customers/{known}")
    page.get_by_label("Phone").fill("0535 000 99 87")
    expect(warning).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-heading]")).to_have_text("Nazlı")


def test_a_viewer_sees_no_control_that_changes_something(chromium: Browser, server: Server) -> None:
    with screen(chromium, server, "dora@example.com") as page:
        page.locator("tr[data-id]").first.click()
        expect(page.locator("[data-heading]")).to_be_visible()
        assert page.get_by_role("button", name=re.compile("Edit|trash")).count() == 0
        page.goto("/customers/new")
        assert "does not allow this" in page.locator("main").inner_text()


def test_looking_up_and_editing_work_without_scripts(chromium: Browser, server: Server) -> None:
    with screen(chromium, server, java_script_enabled=False) as page:
        page.get_by_role("searchbox").fill("kaya 042")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Zeynep Kaya 042").click()
        page.get_by_role("link", name="Edit all fields").click()
        page.get_by_label("Job").fill("Esnaf")
        page.get_by_label("Address of a picture").fill("https://example.com/a.png")
        page.get_by_role("button", name="Save").click()
        assert {"Esnaf", "https://example.com/a.png"} <= set(page.locator(".facts").inner_text().split("\n"))


def test_hostile_text_is_shown_as_text(page: Page, server: Server) -> None:
    script = "<script>alert(1)</script>"
    customer = server.world.add(
        first_name=script, last_name="مريم 👩‍⚕️ " + "x" * 240, job=script, address=script, identity_number=script[:20]
    )
    page.goto(f"/customers/{customer}")
    expect(page.locator("[data-heading]")).to_contain_text(script)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_look_is_accessible(page: Page, server: Server) -> None:
    customer = server.world.add(first_name="Deniz", last_name="Ak", phone_number="+905350000000")
    for path in ("/?search=kaya", f"/customers/{customer}", "/customers/new", "/?search=qqqq", "/more"):
        for look in looks(page, path):
            assert violations(page) == [], (path, look)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, look)


def test_a_thumb_finds_and_opens_a_customer(chromium: Browser, server: Server) -> None:
    with screen(chromium, server, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        page.get_by_role("searchbox").fill("kaya 050")
        expect(page.locator(".total")).to_have_text("1 customer")
        page.locator("tr[data-id]").tap()
        expect(page.locator("[data-heading]")).to_have_text("Zeynep Kaya 050")
        page.get_by_role("link", name="Close").tap()
        expect(page.locator("[data-panel]")).to_be_hidden()


def test_a_view_keeps_filters_order_and_columns_at_its_own_address(page: Page) -> None:
    page.goto("/?view=all&gender=male&sort_by=first_name&columns=email,job")
    expect(page.locator("table.is-live")).to_be_visible()
    page.get_by_role("button", name="New view").click()
    page.get_by_label("Name").fill("Erkekler")
    page.get_by_label("Open the list with it").check()
    page.get_by_role("button", name="Save the view").click()
    page.wait_for_url(re.compile(r"view=[0-9a-f-]+&gender=male"))
    page.goto("/")
    expect(page.locator(".sidebar .place", has_text="Erkekler")).to_have_attribute("aria-current", "page")
    expect(page.locator(".chip", has_text="Gender: male")).to_be_visible()
    assert page.locator("thead th[data-column]").count() == 3
    page.get_by_role("link", name="Remove the filter Gender").click()
    page.locator("summary", has_text="Erkekler").click()
    page.get_by_role("button", name="Save the changes").click()
    page.wait_for_url(re.compile(r"view=[0-9a-f-]+&sort_by"))
    expect(page.locator(".chip.active", has_text="Gender")).to_have_count(0)
    page.locator("summary", has_text="Erkekler").click()
    page.get_by_role("button", name="Delete the view").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the view").click()
    page.wait_for_url("**/?view=all")


def test_all_that_match_are_tagged_and_the_change_is_undone(page: Page) -> None:
    page.goto("/?view=all&search=kaya+02")
    expect(page.locator("table.is-live")).to_be_visible()
    boxes = page.locator("tr[data-id] .pick input")
    boxes.nth(1).check()
    boxes.nth(3).click(modifiers=["Shift"])
    selection = page.get_by_role("region", name="Selected customers")
    expect(selection).to_contain_text("3 selected")
    expect(page.locator("tr[data-id]").nth(3)).to_have_attribute("aria-rowindex", "5")
    selection.get_by_role("button", name="Export").click()
    page.wait_for_url(re.compile(r"/exports\?ids=\d+,\d+,\d+$"))
    page.go_back()
    expect(page.locator("table.is-live")).to_be_visible()
    boxes.nth(1).check()
    selection.get_by_role("button", name="Select all 11 that match").click()
    selection.get_by_role("button", name="Tag").click()
    page.get_by_role("dialog").get_by_label("VIP").first.check()
    page.get_by_role("button", name="Change tags").click()
    expect(page.locator(".toast")).to_contain_text("The tags were changed.", timeout=20_000)
    expect(page.locator('td[data-column="tags"] .tag')).to_have_count(11)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Undone.", timeout=20_000)
    expect(page.locator('td[data-column="tags"] .tag')).to_have_count(0)


def test_a_server_that_is_away_is_waited_for(page: Page) -> None:
    expect(page.locator("table.is-live")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("searchbox").fill("kaya 030")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.context.set_offline(False)
    expect(page.locator(".total")).to_have_text("1 customer", timeout=10_000)
    expect(page.locator(".banner")).to_have_count(0)
