"""Take the screenshots of the documents from a demo with generated customers: `make screenshots`."""

import base64
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.support.chromium import running_chromium
from tests.support.imports import xlsx_file
from tests.support.postgres import free_port
from tests.support.server import running_command

from regulars.sample_data.demo import OWNER, demo_password

FOLDER = Path(__file__).parents[1] / "docs" / "console"
CUSTOMERS = 7_000
DESKTOP: ViewportSize = {"width": 1280, "height": 720}
QUALITY = 85
PHONE: ViewportSize = {"width": 375, "height": 812}
HEADINGS = ["Ad Soyad", "Cep Telefonu", "E-posta", "Doğum Tarihi", "Cinsiyet", "Meslek"]
PEOPLE = [
    ["Ayşe Yılmaz", "0532 555 01 22", "ayse.yilmaz@example.com", "03.04.1985", "Kadın", "Mimar"],
    ["İnci Şen", "0535 555 01 90", "inci@example.com", "29.02.1992", "Kadın", "Esnaf"],
    ["Şahin Öztürk", "0541 555 01 00", "sahin@example.com", "31.11.1990", "Erkek", "Öğretmen"],
    ["Ayse Yilmaz", "+90 532 555 01 22", "yilmaz@example.com", "03.04.1985", "", "İç mimar"],
]


@dataclass(frozen=True, slots=True)
class Shot:
    """A screenshot: its file, the page, and how to get there. Without `is_signed_in`, nobody has signed in."""

    name: str
    path: str
    prepare: Callable[[Page], object] = lambda page: None
    language: str = "en"
    theme: str = "light"
    is_phone: bool = False
    is_signed_in: bool = True


def search(page: Page) -> None:
    """Show what a search finds."""
    page.get_by_role("searchbox").fill("erdogan")
    expect(page).to_have_url(re.compile("search=erdogan"))
    expect(page.locator("tr[data-id]").first).to_contain_text("Erdoğan")
    page.mouse.move(0, 0)


def open_first(page: Page) -> None:
    """Open the first customer."""
    page.locator("tr[data-id] a.open").first.click()
    page.locator(".history").wait_for()
    page.mouse.move(0, 0)


def show_figures(page: Page) -> None:
    """Scroll to the figures."""
    page.locator("section.pyramid").evaluate("(section) => section.scrollIntoView()")


def check_import(page: Page) -> None:
    """Choose a spreadsheet, and wait for what its import will do."""
    content = xlsx_file({"Müşteriler": [HEADINGS, *PEOPLE]})
    page.locator("[data-file]").set_input_files({"name": "müşteriler.xlsx", "mimeType": "", "buffer": content})
    page.locator("#check .figures").wait_for()


def import_a_duplicate(page: Page) -> None:
    """Import the spreadsheet, in which a person has two rows, and show the pair."""
    check_import(page)
    page.locator("#do-start").click()
    page.locator('[data-state="imported"]').wait_for()
    page.goto("/duplicates")


COLUMNS = "columns=phone_number,date_of_birth,tags,updated_at"
TAGGED = f"/?tag_id=1,2&{COLUMNS}"
SHOTS = (
    Shot("sign-in", "/sign-in", is_signed_in=False),
    Shot("customers", TAGGED),
    Shot("customers-dark", f"/?{COLUMNS}", search, language="tr", theme="dark"),
    Shot("customer", TAGGED, open_first),
    Shot("phone", "/", language="tr", is_phone=True),
    Shot("today", "/today"),
    Shot("figures", "/today", show_figures),
    Shot("import", "/imports", check_import),
    Shot("duplicates", "/imports", import_a_duplicate),
    Shot("settings", "/settings/business"),
)


@contextmanager
def serve_demo() -> Iterator[tuple[str, str]]:
    """Run the demo with data of its own. Yield its address and the password of its users."""
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        data, port = Path(folder, "data"), free_port()
        arguments = ["demo", "--data", str(data), "--port", str(port), "--customers", str(CUSTOMERS)]
        with running_command(arguments, port, log):
            yield f"http://localhost:{port}", demo_password(data)


def sign_in(browser: Browser, address: str, password: str) -> Any:
    """Return the cookies of the owner, who has signed in."""
    with browser.new_context(base_url=address, locale="en") as context:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(OWNER)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(address + "/")
        return [cookie for cookie in context.cookies() if "session" in cookie["name"]]


def take(browser: Browser, address: str, shot: Shot, cookies: Any) -> None:
    """Take a screenshot, and store it."""
    scheme: Any = shot.theme
    with browser.new_context(
        base_url=address,
        locale=shot.language,
        color_scheme=scheme,
        viewport=PHONE if shot.is_phone else DESKTOP,
        reduced_motion="reduce",
    ) as context:
        if shot.is_signed_in:
            context.add_cookies(cookies)
        page = context.new_page()
        page.goto(shot.path)
        shot.prepare(page)
        page.wait_for_load_state("networkidle")
        (FOLDER / f"{shot.name}.webp").write_bytes(picture_of(page))


def picture_of(page: Page) -> bytes:
    """Return the page as a WebP file, which is half as large as a PNG file."""
    devtools = page.context.new_cdp_session(page)
    taken = devtools.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(taken["data"])


def main() -> None:
    """Take all screenshots."""
    FOLDER.mkdir(exist_ok=True)
    with serve_demo() as (address, password), running_chromium() as browser:
        cookies = sign_in(browser, address, password)
        for shot in SHOTS:
            take(browser, address, shot, cookies)


if __name__ == "__main__":
    main()
