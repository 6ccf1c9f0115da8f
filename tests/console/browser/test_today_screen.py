"""Today: birthdays, news and figures that lead to the list."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, expect

from regulars.customers.tags import create_tag
from tests.support.axe import violations
from tests.support.chromium import looks, screen
from tests.support.server import Server


def born(day: date, year: int) -> date:
    """Return a date of birth with a birthday on `day`, in a leap year."""
    return day.replace(year=year)


def test_today_shows_birthdays_and_each_bar_leads_to_its_customers(chromium: Browser, server: Server) -> None:
    world = server.world
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Istanbul")).date()
    world.add_customers()
    world.add(first_name="Nil", last_name="Doğan", date_of_birth=born(today, 1984), phone_number="+905351112233")
    world.add(first_name="Su", last_name="Yakın", date_of_birth=born(today + timedelta(days=3), 1988))
    tag = create_tag(world.database, world.clinic, "VIP", "#E4572E")
    world.send("PATCH", f"/api/v1/customers/{world.create()}", {"tags": [tag.id]})
    with screen(chromium, server) as page:
        page.keyboard.press("g")
        page.keyboard.press("t")
        page.wait_for_url("**/today")
        birthdays = page.locator("section", has=page.get_by_role("heading", name="Birthdays today"))
        expect(birthdays).to_contain_text("Nil Doğan")
        expect(birthdays.get_by_role("link", name="Call Nil Doğan")).to_have_attribute("href", "tel:+905351112233")
        expect(page.locator("section", has=page.get_by_role("heading", name="next 7 days"))).to_contain_text("Su Yakın")
        for bar in ("VIP: 1", "Bob: "):
            link = page.locator(f'a.bar[aria-label^="{bar}"]')
            count = (link.get_attribute("aria-label") or "").rpartition(" ")[2]
            link.click()
            expect(page.locator("[data-total]")).to_have_text(count)
            page.go_back()
        ages = page.locator("section.pyramid a.bar")
        for index in range(0, ages.count(), 5):
            count = (ages.nth(index).get_attribute("aria-label") or "").rpartition(" ")[2]
            page.goto(ages.nth(index).get_attribute("href") or "")
            if count == "0":
                expect(page.locator(".empty")).to_be_visible()
            else:
                expect(page.locator("[data-total]")).to_have_text(count)
            page.goto("/today")
        page.goto("/today")
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        for look in looks(page, "/today"):
            assert violations(page) == [], look
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), look
