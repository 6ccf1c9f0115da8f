"""Pages of the settings of a business, and the switch of the language on pages of signing in."""

import re
from html import unescape
from urllib.parse import quote

import pytest
from falcon.testing import Result

from regulars.accounts.administration import delete_user
from regulars.accounts.memberships import add_member
from regulars.accounts.users import get_user
from regulars.customers.tags import list_tags
from regulars.oauth.clients import get_client
from regulars.permissions import Role
from regulars.security.audit import list_tenant_events
from regulars.tenants.channels import list_channels
from regulars.tenants.tenants import get_tenant
from tests.support.oauth import Application, Browser, redirect_parameters
from tests.support.world import PASSWORD, World

BUSINESS = "/settings/business"
CHANNELS = "/settings/channels"
TAGS = "/settings/tags"
AUDIT = "/settings/audit"


@pytest.fixture
def browser(empty_world: World) -> Browser:
    return Browser.signed_in(empty_world, empty_world.alice)


def send(browser: Browser, path: str, **fields: str) -> Result:
    """Open a page and submit a form of it."""
    return browser.submit(browser.get(path), path, **fields)


def faults(page: Result) -> list[str]:
    """Return the faults on a page, which must be an answer to a form that was refused."""
    assert page.status_code == 422
    return [unescape(fault) for fault in re.findall(r'class="fault" role="alert">([^<]+)<', page.text)]


def test_the_settings_start_at_the_first_page_that_the_role_may_see(empty_world: World) -> None:
    add_member(empty_world.database, empty_world.clinic, "dora@example.com", Role.ADMIN)
    for user_id, path in ((empty_world.alice, BUSINESS), (empty_world.dora, BUSINESS), (empty_world.bob, TAGS)):
        person = Browser.signed_in(empty_world, user_id)
        assert person.get("/settings").headers["location"] == path
        assert person.get(path).status_code == 200
    agent = Browser.signed_in(empty_world, empty_world.bob)
    for path in (BUSINESS, CHANNELS, AUDIT, "/members", "/applications"):
        refused = agent.get(path)
        assert refused.status_code == 403
        assert "Your role in Klinik Güneş is agent." in refused.text
        assert f'href="{path}"' not in agent.get("/account/profile").text
    admin = Browser.signed_in(empty_world, empty_world.dora)
    assert admin.get(AUDIT).status_code == 403, "only owners see the audit log, as in the API"


def test_an_admin_changes_the_business(empty_world: World, browser: Browser) -> None:
    world = empty_world
    fields = {"name": "Güneş & Kızları", "timezone": "Asia/Tokyo", "locale": "tr-TR", "country": "TR", "logo_url": ""}
    assert send(browser, BUSINESS, **fields, unique_fields="email").status_code == 303
    changed = get_tenant(world.database, world.clinic)
    assert (changed.name, changed.time_zone, changed.unique_fields) == ("Güneş & Kızları", "Asia/Tokyo", ["email"])
    page = browser.get(f"{BUSINESS}?done=business").text
    assert "The business was changed." in page
    assert 'value="Güneş &amp; Kızları"' in page
    assert 'value="email" checked' in page
    wrong = {"name": " ", "timezone": "Mars/Olympus", "locale": "Turkish", "country": "ZZ", "logo_url": "http://x"}
    refused = send(browser, BUSINESS, **wrong)
    assert len(faults(refused)) == 5
    assert 'value="Mars/Olympus"' in refused.text
    log = browser.get(AUDIT).text
    assert "Alice</strong> changed the business: " in log
    assert "Time zone" in log


def test_a_field_with_equal_values_cannot_become_unique(empty_world: World, browser: Browser) -> None:
    twins = [empty_world.create(phone_number="+905321112233") for _ in range(2)]
    browser.language = "tr"
    fields = {"name": "Klinik", "timezone": "Europe/Istanbul", "locale": "tr-TR", "country": "TR", "logo_url": ""}
    refused = send(browser, BUSINESS, **fields, unique_fields="phone_number")
    (fault,) = faults(refused)
    assert all(str(customer) in fault for customer in twins)
    assert "benzersiz olamaz" in fault
    assert 'href="/duplicates"' in refused.text


def test_a_form_of_another_business_changes_nothing(empty_world: World, browser: Browser) -> None:
    add_member(empty_world.database, empty_world.salon, "alice@example.com", Role.OWNER)
    page = browser.get(CHANNELS)
    browser.cookies["regulars_business"] = str(empty_world.salon)
    refused = browser.submit(page, CHANNELS, do="add", kind="website", name="Site")
    assert refused.status_code == 409
    assert "opened for another business" in refused.text
    assert len(list_channels(empty_world.database, empty_world.salon)) == 4


def test_channels_are_added_renamed_and_deleted(empty_world: World, browser: Browser) -> None:
    world = empty_world
    assert send(browser, CHANNELS, do="add", kind="website", name="Our site").status_code == 303
    channel = list_channels(world.database, world.clinic)[-1]
    assert (channel.kind, channel.name) == ("website", "Our site")
    assert send(browser, CHANNELS, do="rename", channel=str(channel.id), name="Shop").status_code == 303
    assert list_channels(world.database, world.clinic)[-1].name == "Shop"
    assert len(faults(send(browser, CHANNELS, do="add", kind="fax", name=""))) == 1
    world.create(default_channel_id=1)
    assert "1 customer" in browser.get(CHANNELS).text
    for channel_id, status in ((channel.id, 303), (1, 422)):
        asked = send(browser, CHANNELS, do="delete", channel=str(channel_id))
        assert "?</h1>" in asked.text
        assert browser.submit(asked, CHANNELS, sure="yes").status_code == status
    assert [each.id for each in list_channels(world.database, world.clinic)] == [1, 2, 3, 4]


def test_agents_manage_tags(empty_world: World) -> None:
    world = empty_world
    agent = Browser.signed_in(world, world.bob)
    assert send(agent, TAGS, do="add", name="VIP", color="#F59E0B").status_code == 303
    (tag,) = list_tags(world.database, world.clinic)
    world.create(tags=[tag.id])
    assert "1 customer" in agent.get(TAGS).text
    assert send(agent, TAGS, do="change", tag=str(tag.id), name="<b>Gold", color="#14B8A6").status_code == 303
    assert "&lt;b&gt;Gold" in agent.get(TAGS).text
    taken = send(agent, TAGS, do="add", name="<B>GOLD", color="#14B8A6")
    assert faults(taken) == [f"name is already used by tag {tag.id}."]
    asked = send(agent, TAGS, do="delete", tag=str(tag.id))
    assert "removed from all customers" in asked.text
    assert agent.submit(asked, TAGS, sure="yes").status_code == 303
    assert list_tags(world.database, world.clinic) == []


def test_an_application_is_changed_and_loses_a_scope(empty_world: World, browser: Browser) -> None:
    world = empty_world
    app = Application.register(world, tenant_id=world.clinic)
    token = app.tokens(browser)["refresh_token"]
    path = f"/applications/{app.client.id}"
    page = browser.get(path)
    for value in (app.client.id, world.settings.origin, f"{world.settings.origin}/oauth/token", "Randevu"):
        assert value in page.text
    fields = {"do": "save", "name": "Takvim", "redirect_uris": "https://app.example/callback", "logo_url": ""}
    assert len(faults(browser.submit(page, path, **fields | {"name": "", "redirect_uris": "x"}))) == 3
    saved = browser.submit(page, path, **fields, scope="customers:read")
    assert saved.headers["location"] == f"{path}?done=application"
    changed = get_client(world.database, app.client.id)
    assert (changed.name, changed.scopes) == ("Takvim", ("customers:read",))
    assert app.refresh(token).json["scope"] == "customers:read"
    (event,) = list_tenant_events(world.database, world.clinic, kind="client.changed")
    assert (event.user_id, event.about, event.client_id) == (world.alice, "Takvim", app.client.id)
    assert "changed the application Takvim" in browser.get(AUDIT).text


def test_the_audit_log_has_pages_and_kinds(empty_world: World, browser: Browser) -> None:
    world = empty_world
    for number in range(60):
        send_role = Role.VIEWER if number % 2 else Role.AGENT
        add_member(world.database, world.clinic, "charlie@example.com", send_role)
    newest = browser.get(AUDIT)
    assert newest.text.count("<tr>") == 51
    (older,) = re.findall(r'rel="next" href="([^"]+)"', newest.text)
    oldest = browser.get(unescape(older))
    assert "Alice became a member: owner" in oldest.text
    assert 'rel="next"' not in oldest.text
    invited = send(browser, "/members", do="invite", email="zeynep@example.com", role="agent")
    assert invited.status_code == 303
    shown = browser.get(f"{AUDIT}?kind=invitation.sent").text
    assert "Alice</strong> invited zeynep@example.com: agent" in shown
    assert "became a member" not in shown
    assert "No events" in browser.get(f"{AUDIT}?kind=client.deleted").text
    delete_user(world.database, get_user(world.database, world.dora))
    assert f"deleted user {world.dora} is no longer a member" in browser.get(AUDIT).text
    events = world.send("GET", "/api/v1/audit-events?kind=invitation.sent").json["data"]
    assert [event["kind"] for event in events] == ["invitation.sent"]


def test_the_language_is_switched_without_losing_the_request(empty_world: World) -> None:
    app, browser = Application.register(empty_world), Browser(empty_world)
    request = app.request(ui_locales="en", state="a&b=ç")
    page = browser.get(browser.get(request).headers["location"])
    page = browser.submit(page, "/sign-in", email="alice@example.com", password="wrong")
    assert page.status_code == 422
    back = browser.submit(page, "/preferences", language="tr").headers["location"]
    page = browser.get(back)
    assert '<html lang="tr">' in page.text, "the choice of the visitor counts more than that of the application"
    consent = browser.get(
        browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD).headers["location"]
    )
    assert '<html lang="tr">' in consent.text
    back = browser.submit(consent, "/preferences", language="en").headers["location"]
    consent = browser.get(back)
    assert "Allow Randevu?" in consent.text
    answer = browser.submit(consent, "/oauth/consent", decision="allow")
    assert redirect_parameters(answer)["state"] == "a&b=ç"
    assert quote("a&b=ç") in back
