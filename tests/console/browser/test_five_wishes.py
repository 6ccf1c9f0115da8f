"""Five wishes of a salon's owner who sees the console for the first time, and what each of them costs.

With `WALK=FOLDER`, each step leaves a screenshot in FOLDER, and `pytest -s` prints the costs.
"""

import os
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.chromium import screen
from tests.support.imports import xlsx_file
from tests.support.server import Server

WALK = os.environ.get("WALK", "")
HEADINGS = ["Ad Soyad", "Cep Telefonu", "E-posta", "Doğum Tarihi", "Cinsiyet", "Notlar"]
PEOPLE = [
    ["Ayşe Yılmaz", "0532 555 01 22", "ayse.yilmaz@example.com", "03.04.1985", "Kadın", "boya"],
    ["Şahin Öztürk", "0541 555 01 00", "sahin@example.com", "01.11.1990", "Erkek", ""],
    ["İnci Şen", "0535 555 01 90", "inci@example.com", "29.02.1992", "Kadın", "fön"],
]
SUPPLIERS = [["Ad Soyad", "Telefon"], ["Kemal Toptancı", "0212 555 01 10"], ["Derya Havlucu", "0216 555 01 20"]]


class Newcomer:
    """A person with a mouse and a keyboard. `costs` counts clicks and key presses by wish."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.costs: dict[str, Counter[str]] = {}
        self.steps = 0

    def wish(self, name: str) -> None:
        """Begin with a wish."""
        self.cost = self.costs.setdefault(name, Counter(clicks=0, keys=0))

    def click(self, target: Locator) -> None:
        """Click on something that is in sight."""
        expect(target).to_be_visible()
        self.look()
        target.click()
        self.cost["clicks"] += 1

    def type(self, text: str) -> None:
        """Type text where the cursor is."""
        self.page.keyboard.type(text)
        self.cost["keys"] += len(text)

    def press(self, key: str) -> None:
        """Press a key."""
        self.look()
        self.page.keyboard.press(key)
        self.cost["keys"] += 1

    def choose_file(self, name: str, rows: list[list[str]], folder: Path) -> None:
        """Choose a spreadsheet in the dialog of the browser: a click on the file, and one on Open."""
        (folder / name).write_bytes(xlsx_file({"Sayfa1": rows}))
        with self.page.expect_file_chooser() as chooser:
            self.click(self.page.get_by_text("Dosya seç", exact=True))
        chooser.value.set_files(folder / name)
        self.cost["clicks"] += 2

    def see(self, text: str) -> None:
        """Wait until a text is in sight."""
        expect(self.page.locator("main").get_by_text(text).first).to_be_visible(timeout=20_000)
        self.look()

    def look(self) -> None:
        """Take a screenshot for people who want to see the walk."""
        if WALK:
            self.steps += 1
            self.page.screenshot(path=Path(WALK, f"{self.steps:02}.png"))


def go(page: Page, place: str) -> Locator:
    """Return the link to a place in the sidebar."""
    return page.locator(".sidebar").get_by_role("link", name=place)


def import_list(person: Newcomer, name: str, rows: list[list[str]], folder: Path) -> None:
    """Import a spreadsheet, from the page with the button for files."""
    person.choose_file(name, rows, folder)
    person.see("İçe aktarınca ne olacak")
    person.click(person.page.get_by_role("button", name=f"{len(rows) - 1} müşteriyi içe aktar"))
    expect(person.page.locator('[data-state="imported"]')).to_be_visible(timeout=20_000)


def test_a_newcomer_gets_five_wishes(chromium: Browser, server: Server, tmp_path: Path) -> None:
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Istanbul")).date()
    nil = [
        "Nil Doğan",
        "0533 555 01 33",
        "nil@example.com",
        f"{date(1984, today.month, today.day):%d.%m.%Y}",
        "Kadın",
        "",
    ]
    viewport = {"width": 1280, "height": 800}
    with screen(chromium, server, locale="tr-TR", viewport=viewport) as page:
        person = Newcomer(page)
        person.wish("import the spreadsheet")
        person.click(page.get_by_role("link", name="Dosya içe aktar"))
        import_list(person, "müşteriler.xlsx", [HEADINGS, *PEOPLE, nil], tmp_path)

        person.wish("look someone up")
        person.click(go(page, "Müşteriler"))
        person.click(page.get_by_role("searchbox"))
        person.type("sahin")
        expect(page.locator(".total")).to_have_text("1 müşteri")
        person.see("0541 555 01 00")

        person.wish("change a phone number")
        person.press("Enter")
        person.click(page.get_by_role("button", name="Düzenle: Telefon"))
        person.type("05415550199")
        person.press("Enter")
        expect(page.locator(".toast")).to_contain_text("Kaydedildi.")
        expect(page.locator("tr[data-id]")).to_contain_text("0541 555 01 99")

        person.wish("see today's birthdays")
        person.click(go(page, "Bugün"))
        person.see("Nil Doğan")

        person.wish("undo a wrong import")
        person.click(go(page, "İçe ve dışa aktar"))
        import_list(person, "tedarikçiler.xlsx", SUPPLIERS, tmp_path)
        person.click(page.get_by_role("button", name="İçe aktarmayı geri al"))
        person.click(page.get_by_role("dialog").get_by_role("button", name="İçe aktarmayı geri al"))
        person.see("İçe aktarma geri alındı")
        expect(go(page, "Müşteriler")).to_contain_text("4")
    for wish, cost in person.costs.items():
        print(f"{wish}: {cost['clicks']} clicks, {cost['keys']} keys")  # noqa: T201
    assert {wish: (cost["clicks"], cost["keys"]) for wish, cost in person.costs.items()} == {
        "import the spreadsheet": (5, 0),
        "look someone up": (2, 5),
        "change a phone number": (1, 13),
        "see today's birthdays": (1, 0),
        "undo a wrong import": (7, 0),
    }
