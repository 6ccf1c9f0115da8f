"""Imports and exports: from a list that is dropped to its undo, and from a view to its file."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from regulars.accounts.memberships import add_member
from regulars.permissions import Role
from tests.support.axe import violations
from tests.support.chromium import looks, screen
from tests.support.imports import csv_file, xlsx_file
from tests.support.server import Server

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADINGS = ["Ad Soyad", "Cep Telefonu", "E-posta", "Doğum Tarihi", "Cinsiyet", "Meslek bilgisi"]
PEOPLE = [
    ["Ayşe Yılmaz", "0532 111 22 33", "ayse.yilmaz@ornek.com", "03/04/1985", "Kadın", "Mimar"],
    ["İnci Şen", "0535 204 18 90", "inci@ornek.com", "29/02/1990", "Kadın", "Esnaf"],
    ["Şahin Öztürk", "0541 762 28 00", "sahin@ornek.com", "01/11/1990", "Erkek", ""],
]
DROP = """(zone, [name, type, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type }));
    for (const kind of ["dragover", "drop"]) {
        zone.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
    }
}"""


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """Yield the import screen as Alice, the owner of the clinic, sees it."""
    with screen(chromium, server) as opened:
        opened.goto("/imports")
        yield opened


def choose(page: Page, name: str, content: bytes) -> None:
    page.locator("[data-file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})


def in_state(page: Page, state: str) -> Locator:
    """Wait until the import is shown in a state, and return that part of the page."""
    shown = page.locator(f'[data-state="{state}"]')
    expect(shown).to_be_visible(timeout=20_000)
    return shown


def checked(page: Page) -> Locator:
    """Wait until all rows have been checked, and return the part of the page with the counts."""
    expect(page.locator("#check .figures")).to_be_visible(timeout=20_000)
    return page.locator("#check")


def figure(page: Page, name: str) -> Locator:
    return page.locator(".figures > div").filter(has_text=name).locator("dd")


def press_tab_to(page: Page, id: str) -> None:
    for _press in range(60):
        if page.evaluate("document.activeElement.id") == id:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The keyboard does not reach {id}.")


def test_a_list_is_dropped_checked_imported_and_undone(page: Page, server: Server) -> None:
    assert violations(page) == []
    content = base64.b64encode(xlsx_file({"Müşteriler": [HEADINGS, *PEOPLE]})).decode()
    page.locator("[data-drop-zone]").evaluate(DROP, ["müşteriler.xlsx", WORKBOOK, content])
    page.wait_for_url(re.compile("/imports/[0-9a-f-]{36}"))
    expect(checked(page)).to_contain_text("Doğum Tarihi must be a date such as")
    expect(figure(page, "New")).to_have_text("2")
    expect(figure(page, "Not imported")).to_have_text("1")
    expect(page.get_by_label("Import Cep Telefonu as")).to_have_value("phone_number")
    expect(page.locator(".mapping")).to_contain_text("0532 111 22 33 · 0535 204 18 90")
    expect(page.locator(".plain-table")).to_contain_text("Şahin")
    expect(page.locator(".notice").first).to_contain_text("Not imported: Meslek bilgisi.")

    page.get_by_label("Import Meslek bilgisi as").select_option("job")
    page.get_by_label("By phone").check()
    expect(page.locator(".plain-table")).to_contain_text("Mimar", timeout=20_000)
    checked(page)
    for look in looks(page, page.url):
        checked(page)
        assert violations(page) == [], look
        assert page.evaluate("document.querySelector('main').scrollWidth <= innerWidth"), look
    expect(page.get_by_label("By phone")).to_be_checked()
    press_tab_to(page, "do-start")
    page.keyboard.press("Enter")

    in_state(page, "imported")
    expect(page.locator(".sidebar .count")).to_have_text("2")
    page.reload()
    expect(figure(page, "New")).to_have_text("2")
    expect(page.locator(".plain-table")).to_contain_text("Doğum Tarihi must be a date")
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download them as a file").click()
    assert download.value.suggested_filename == "müşteriler.errors.xlsx"

    found = server.world.get("/api/v1/customers?search=sahin").json["data"][0]
    server.world.send("PATCH", f"/api/v1/customers/{found['id']}", {"job": "Doktor"}, user=server.world.bob)
    page.get_by_role("button", name="Undo the import").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("deleted permanently: 2")
    dialog.get_by_role("button", name="Undo the import").click()
    in_state(page, "undone")
    expect(figure(page, "Removed")).to_have_text("1")
    expect(page.get_by_role("link", name="Şahin Öztürk")).to_be_visible()
    assert violations(page) == []


def test_a_wrong_file_says_why_and_the_same_file_asks(page: Page) -> None:
    choose(page, "liste.xlsx", b"PK\x03\x04 damaged" * 9)
    expect(in_state(page, "unreadable").get_by_role("alert")).to_contain_text("damaged")
    assert violations(page) == []
    content = csv_file(["Name", "E-mail"], ["Emre Kurt", "emre@ornek.com"], delimiter=";")
    for number in (1, 2):
        choose(page, "kisiler.csv", content)
        in_state(page, "ready")
        checked(page)
        page.locator("#do-start").click()
        if number == 2:
            dialog = page.get_by_role("dialog")
            expect(dialog).to_contain_text("has been imported before: kisiler.csv")
            dialog.get_by_role("button", name="Import it again").click()
        in_state(page, "imported")
        page.goto("/imports")
    expect(page.locator(".job-list")).to_contain_text("0 new, 0 changed, 0 not imported")
    for look in looks(page, "/imports"):
        assert violations(page) == [], look
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), look


def test_a_view_is_exported_by_somebody_with_two_businesses(chromium: Browser, server: Server) -> None:
    world = server.world
    world.add(first_name="Fatma", last_name="Çelik", gender="female")
    world.add(first_name="Emre", gender="male")
    add_member(world.database, world.salon, "bob@example.com", Role.AGENT)
    with screen(chromium, server, "bob@example.com") as page:
        page.goto("/?gender=female&columns=gender")
        page.get_by_role("searchbox").fill("fatma")
        expect(page.locator(".total")).to_have_text("1 customer")
        page.get_by_role("link", name="Export", exact=True).click()
        expect(page.locator(".exported")).to_contain_text("1 customer: Search: fatma Gender: female Export all")
        for look in looks(page, page.url):
            assert violations(page) == [], look
        page.get_by_label("CSV").check()
        page.get_by_label("Only some").check()
        page.get_by_role("button", name="Export 1 customer").click()
        link = page.get_by_role("link", name="Download the file")
        expect(link).to_be_focused(timeout=20_000)
        assert violations(page) == []
        with page.expect_download() as download:
            link.click()
        lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
        assert lines == ["first_name,last_name,gender", "Fatma,Çelik,female"]
        page.goto("/imports")
        expect(page.get_by_role("link", name="CSV, 1 customer")).to_be_visible()
        expect(page.locator("main")).to_contain_text("Nothing has been imported yet.")


def test_a_viewer_is_told_why_nothing_can_be_imported(chromium: Browser, server: Server) -> None:
    with screen(chromium, server, "dora@example.com") as page:
        for path in ("/imports", "/exports"):
            page.goto(path)
            assert "does not allow this" in page.locator("main").inner_text()
