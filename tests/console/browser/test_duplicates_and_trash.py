"""Possible duplicates, the trash, and the personal data of one customer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import violations
from tests.support.chromium import looks, screen
from tests.support.server import Server
from tests.support.world import LIST, World


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """Yield the console as Alice, the owner of the clinic, sees it."""
    with screen(chromium, server) as opened:
        yield opened


def stored(world: World, customer: int) -> dict[str, Any]:
    """Return a customer as the API returns it, without what each change moves on."""
    found = world.get(f"{LIST}/{customer}?include=tags").json
    return {name: value for name, value in found.get("data", {}).items() if name != "updated_at"}


def add_pair(world: World, name: str, number: int) -> tuple[int, int]:
    """Add two customers with the same e-mail address, and different phone numbers and jobs."""
    return (
        world.create(
            first_name=name,
            last_name="Şen",
            email=f"{name}@example.com",
            phone_number=f"+9053520418{number}0",
            job="Mimar",
        ),
        world.create(
            first_name=name.upper(), email=f"{name}@example.com", phone_number=f"+9053520418{number}1", job="Doktor"
        ),
    )


def test_pairs_are_merged_dismissed_and_brought_back_by_keyboard(page: Page, server: Server) -> None:
    world = server.world
    world.send("PATCH", f"/api/v1/tenants/{world.clinic}", {"unique_fields": ["phone_number"]})
    pairs = [add_pair(world, name, number) for number, name in enumerate(("arda", "banu", "cem"))]
    before = [[stored(world, each) for each in pair] for pair in pairs]
    heading, links, toast = page.locator("[data-heading]"), page.locator("[data-pair-link]"), page.locator(".toast")
    page.goto("/duplicates")
    expect(heading).to_have_text("arda Şen · ARDA")
    expect(links).to_have_count(3)
    expect(page.locator(".reasons")).to_have_text("same e-mail address")
    expect(page.locator("tr.differs")).to_have_count(3)
    page.keyboard.press("ArrowDown")
    expect(heading).to_have_text("banu Şen · BANU")
    page.keyboard.press("k")
    expect(heading).to_have_text("arda Şen · ARDA")

    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Keep this customer: ARDA (2)")).to_be_checked()
    page.get_by_role("radio", name="Mimar").check()
    page.get_by_role("radio", name="0535 204 18 00").check()
    page.keyboard.press("m")
    expect(toast).to_contain_text("The customers were merged.")
    expect(heading).to_have_text("banu Şen · BANU")
    expect(heading).to_be_focused()
    expect(links).to_have_count(2)
    kept = stored(world, pairs[0][1])
    assert (kept["first_name"], kept["last_name"], kept["job"]) == ("ARDA", "Şen", "Mimar")
    assert kept["phone_number"] == "+905352041800"
    page.keyboard.press("u")
    expect(heading).to_have_text("arda Şen · ARDA")
    expect(links).to_have_count(3)
    assert [stored(world, each) for each in pairs[0]] == before[0]

    page.keyboard.press("j")
    expect(heading).to_have_text("banu Şen · BANU")
    page.keyboard.press("b")
    expect(heading).to_have_text("cem Şen · CEM")
    page.reload()
    expect(links).to_have_count(2)
    page.keyboard.press("b")
    expect(links).to_have_count(1)
    expect(page.locator(".toast").last).to_be_visible()
    page.keyboard.press("u")
    expect(heading).to_have_text("arda Şen · ARDA")
    expect(links).to_have_count(2)
    assert [[stored(world, each) for each in pair] for pair in pairs] == before

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Merge the two customers that are compared")


def test_what_somebody_else_has_done_is_not_overwritten(page: Page, server: Server) -> None:
    one, other = add_pair(server.world, "deniz", 3)
    page.goto(f"/duplicates?customer_id={one}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Possible duplicates of deniz Şen")
    assert server.world.send("PATCH", f"{LIST}/{one}", {"job": "Avukat"}).status_code == 200
    page.get_by_role("button", name="Merge").click()
    expect(page.locator(".toast.is-fault")).to_contain_text("has been changed since you read it")
    assert stored(server.world, one)["job"] == "Avukat"
    assert stored(server.world, other)["job"] == "Doktor"
    expect(page.get_by_role("radio", name="Avukat")).to_be_visible()
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("heading", name="No possible duplicates")).to_be_visible()
    assert server.world.get(f"{LIST}/{other}").status_code == 410


def test_pairs_are_merged_and_dismissed_without_scripts(chromium: Browser, server: Server) -> None:
    ada, ece = add_pair(server.world, "ada", 4), add_pair(server.world, "ece", 5)
    with screen(chromium, server, java_script_enabled=False) as page:
        page.goto(f"/duplicates?customer_id={ada[0]}")
        page.get_by_role("radio", name="Doktor").check()
        page.get_by_role("button", name="Merge").click()
        expect(page.get_by_role("status").first).to_have_text("The customers were merged.")
        assert stored(server.world, ada[0])["job"] == "Doktor"
        page.goto(f"/duplicates?customer_id={ece[0]}")
        page.get_by_role("button", name="Not the same person").click()
        page.goto(f"/duplicates?customer_id={ece[0]}")
        expect(page.get_by_role("heading", name="No possible duplicates")).to_be_visible()


def test_customers_leave_the_trash_and_come_back(page: Page, server: Server) -> None:
    world = server.world
    ids = [world.create(first_name="Fidan", last_name=f"Er {number}") for number in range(4)]
    for each in ids:
        assert world.send("DELETE", f"{LIST}/{each}").status_code == 204
    rows, total, toast = page.locator("tr[data-id]"), page.locator(".total"), page.locator(".toast")
    page.goto("/trash")
    page.keyboard.press("/")
    page.keyboard.type("fidan")
    expect(total).to_have_text("4 customers")
    page.get_by_role("link", name="Fidan Er 2").click()
    assert f"/trash/{ids[2]}?search=fidan" in page.url
    page.get_by_role("button", name="Restore").click()
    expect(toast).to_contain_text("The customer was restored.")
    expect(total).to_have_text("3 customers")
    page.get_by_role("button", name="Undo").click()
    expect(total).to_have_text("4 customers")

    rows.first.get_by_role("checkbox").check()
    page.get_by_role("button", name="Select all 4 that match").click()
    page.locator(".selection").get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name="No customer matches")).to_be_visible()
    assert all(stored(world, each)["deleted_at"] is None for each in ids)
    page.get_by_role("button", name="Undo").last.click()
    expect(total).to_have_text("4 customers")

    for name in ("Fidan Er 0", "Fidan Er 1"):
        page.get_by_role("checkbox", name=f"Select {name}").check()
    page.get_by_role("button", name="Delete permanently").click()
    dialog = page.get_by_role("dialog", name="Delete 2 customers permanently")
    dialog.get_by_role("button", name="Delete 2 customers permanently").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("to confirm").fill("Delete ")
    page.keyboard.press("Enter")
    expect(total).to_have_text("2 customers")
    page.goto("/trash")
    page.get_by_role("button", name="Empty the trash").click()
    page.get_by_label("to confirm").fill("delete")
    page.get_by_role("button", name="Delete permanently").last.click()
    expect(toast.filter(has_text="deleted permanently")).to_be_visible()
    assert [world.get(f"{LIST}/{each}").status_code for each in ids] == [404] * 4


def test_an_admin_downloads_and_erases_personal_data(page: Page, server: Server, tmp_path: Path) -> None:
    world = server.world
    customer = world.create(first_name="Gönül", last_name="Işık", email="gonul@example.com")
    page.goto(f"/customers/{customer}")
    page.locator("summary[aria-label=More]").click()
    page.get_by_role("link", name="Personal data").click()
    expect(page.get_by_text("gonul@example.com")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as JSON").click()
    download.value.save_as(tmp_path / "data.json")
    assert json.loads((tmp_path / "data.json").read_bytes())["data"]["customer"]["customer"]["id"] == customer
    page.get_by_label("to confirm").fill("Gönül")
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_role("alert")).to_have_text("This is not the name of the customer.")
    page.get_by_label("to confirm").fill("gönül ışık")
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The personal data was erased")
    expect(page.locator("main")).to_contain_text("First name")
    expect(page.locator("main")).not_to_contain_text("Işık")
    assert world.get(f"{LIST}/{customer}").status_code == 404


def test_roles_see_only_what_they_may_do(chromium: Browser, server: Server) -> None:
    world = server.world
    one, _ = add_pair(world, "hale", 6)
    trashed = world.create(first_name="İnci")
    world.send("DELETE", f"{LIST}/{trashed}")
    with screen(chromium, server, "bob@example.com") as agent:
        agent.goto(f"/trash/{trashed}")
        expect(agent.get_by_role("button", name="Restore")).to_be_visible()
        assert agent.get_by_text("permanently").count() == agent.get_by_text("Empty the trash").count() == 0
        agent.goto(f"/customers/{one}/personal-data")
        expect(agent.locator("main")).to_contain_text("does not allow this")
    with screen(chromium, server, "dora@example.com") as viewer:
        viewer.goto(f"/duplicates?customer_id={one}")
        expect(viewer.locator("[data-heading]")).to_have_text("hale Şen · HALE")
        assert viewer.get_by_role("radio").count() == viewer.get_by_role("button", name="Merge").count() == 0


def test_every_look_is_accessible(page: Page, server: Server) -> None:
    world = server.world
    one, _ = add_pair(world, "jale", 7)
    trashed = world.create(first_name="Kaan")
    world.send("DELETE", f"{LIST}/{trashed}")
    for path in (
        f"/duplicates?customer_id={one}",
        "/duplicates",
        f"/trash/{trashed}",
        f"/customers/{one}/personal-data",
    ):
        for look in looks(page, path):
            assert violations(page) == [], (path, look)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, look)
