"""Edge cases of the pages for applications: permissions, form values, and secrets that are shown only once."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from falcon.testing import Result
from sqlalchemy import update

from regulars.accounts.memberships import add_member
from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import sessions
from regulars.oauth.clients import get_client, list_clients
from regulars.permissions import Role
from tests.support.oauth import Application, Browser
from tests.support.world import World

NEW = "/applications/new"
SECRET = re.compile(r"rgl_secret_\w+")


@pytest.fixture
def browser(empty_world: World) -> Browser:
    return Browser.signed_in(empty_world, empty_world.alice)


@pytest.fixture
def register(empty_world: World, browser: Browser) -> Callable[..., Result]:
    """Submit the form that registers an application of the clinic."""

    def send(**fields: str) -> Result:
        usual = {"tenant": str(empty_world.clinic), "name": "CRM", "scope": "customers:read"}
        return browser.submit(browser.get(NEW), NEW, **(usual | fields))

    return send


def checked(page: Result) -> set[str]:
    """Return the values of the checked boxes of a form."""
    return set(re.findall(r'value="([^"]+)"(?: required)? (?:checked|selected)>', page.text))


def sign_in_long_ago(world: World) -> None:
    then = utc_now() - timedelta(minutes=16)
    world.database.execute(Statement(update(sessions).values(authenticated_at=then)))


def test_one_sees_the_applications_of_the_tenants_that_one_manages_and_no_others(empty_world: World) -> None:
    for tenant_id, name in ((empty_world.clinic, "Of the clinic"), (empty_world.salon, "Of the salon"), (None, "Ours")):
        Application.register(empty_world, tenant_id=tenant_id, name=name)
    add_member(empty_world.database, empty_world.salon, "dora@example.com", Role.ADMIN)
    viewer = Browser.signed_in(empty_world, empty_world.dora)
    assert viewer.get("/applications").status_code == 403, "viewers must not see applications of the tenant"
    viewer.cookies["regulars_business"] = str(empty_world.salon)
    dora = viewer.get("/applications").text
    assert "Of the salon" in dora
    assert "Of the clinic" not in dora
    assert "Ours" not in dora
    add_member(empty_world.database, empty_world.clinic, "dora@example.com", Role.ADMIN)
    both = Browser.signed_in(empty_world, empty_world.dora)
    assert "Of the clinic" in both.get("/applications").text
    both.cookies["regulars_business"] = str(empty_world.salon)
    assert "Of the salon" in both.get("/applications").text


def test_only_managers_of_a_tenant_change_its_applications(empty_world: World) -> None:
    app = Application.register(empty_world, "web", tenant_id=empty_world.clinic)
    address = f"/applications/{app.client.id}"
    for user_id in (empty_world.bob, empty_world.dora, empty_world.charlie):
        stranger = Browser.signed_in(empty_world, user_id)
        page = stranger.get("/account/profile")
        for fields in ({"do": "save"}, {"do": "rotate", "sure": "yes"}, {"do": "delete", "sure": "yes"}):
            assert stranger.submit(page, address, **fields).status_code in {403, 404}
    assert get_client(empty_world.database, app.client.id) == app.client


@pytest.mark.parametrize("client_id", ["x", "%00", "..", "%C3%BC" * 300])
def test_an_application_that_does_not_exist_is_not_found(browser: Browser, client_id: str) -> None:
    assert browser.get(f"/applications/{client_id}").status_code == 404


def test_the_form_has_useful_defaults(empty_world: World) -> None:
    add_member(empty_world.database, empty_world.salon, "alice@example.com", Role.ADMIN)
    browser = Browser.signed_in(empty_world, empty_world.alice)
    assert {"openid", "customers:read"} <= checked(browser.get(NEW))
    assert "customers:write" not in checked(browser.get(NEW))
    for tenant_id in (empty_world.clinic, empty_world.salon):
        browser.cookies["regulars_business"] = str(tenant_id)
        assert f'name="tenant" value="{tenant_id}"' in browser.get(NEW).text


def test_a_form_keeps_its_input_next_to_the_faults(empty_world: World, register: Callable[..., Result]) -> None:
    typed = "http://one.example/\r\nhttps://two.example/<script>"
    page = register(name="", kind="browser", scope="tenants:read", redirect_uris=typed)
    assert page.status_code == 422
    assert page.text.count('class="fault"') == 3
    assert "<script>" not in page.text
    assert "https://two.example/&lt;script&gt;</textarea>" in page.text
    assert checked(page) >= {"browser", "tenants:read"}
    assert "customers:read" not in checked(page)
    assert list_clients(empty_world.database, empty_world.clinic) == []


@pytest.mark.parametrize("kind", ["native", "browser", "device"])
def test_what_cannot_keep_a_secret_gets_none(
    browser: Browser, register: Callable[..., Result], empty_world: World, kind: str
) -> None:
    uris = "" if kind == "device" else "http://127.0.0.1/cb https://app.example/cb"
    address = register(kind=kind, redirect_uris=uris, role="admin").headers["location"]
    page = browser.get(address)
    assert not SECRET.search(page.text)
    assert 'value="rotate"' not in page.text
    assert browser.submit(page, address, do="rotate").status_code == 422
    (client,) = list_clients(empty_world.database, empty_world.clinic)
    assert (client.secret_digest, client.role, list(client.redirect_uris)) == (None, None, uris.split())


def test_a_service_has_a_role_in_its_tenant(
    empty_world: World, browser: Browser, register: Callable[..., Result]
) -> None:
    page = browser.get(register(kind="service", role="agent").headers["location"])
    assert SECRET.search(page.text)
    (client,) = list_clients(empty_world.database, empty_world.clinic)
    assert (client.tenant_id, client.role) == (empty_world.clinic, Role.AGENT)
    assert register(kind="service", role="owner").status_code == 422


def test_a_secret_is_shown_once_to_its_user_on_its_own_page(
    empty_world: World, browser: Browser, register: Callable[..., Result]
) -> None:
    other = Application.register(empty_world, "web", tenant_id=empty_world.clinic)
    made = register(kind="web", redirect_uris="https://crm.example/cb")
    address = made.headers["location"]
    assert not SECRET.search(address + made.text)
    cookie = made.cookies["regulars_step"]
    assert cookie.http_only
    assert 0 < (cookie.max_age or 0) <= 300
    add_member(empty_world.database, empty_world.clinic, "dora@example.com", Role.ADMIN)
    dora = Browser.signed_in(empty_world, empty_world.dora)
    dora.cookies["regulars_step"] = cookie.value
    assert not SECRET.search(dora.get(address).text)
    assert not SECRET.search(browser.get(f"/applications/{other.client.id}").text)
    shown = browser.get(address)
    assert SECRET.search(shown.text)
    assert shown.headers["Cache-Control"] == "no-store"
    browser.cookies["regulars_step"] = cookie.value
    assert not SECRET.search(browser.get(address).text), "the same cookie must not show the secret again"


def test_a_change_needs_a_sign_in_of_late_and_leads_back_to_the_page(empty_world: World, browser: Browser) -> None:
    app = Application.register(empty_world, "web", tenant_id=empty_world.clinic)
    address = f"/applications/{app.client.id}"
    page = browser.get(address)
    sign_in_long_ago(empty_world)
    assert browser.get(address).status_code == 200, "viewing requires no new sign-in"
    for path, fields in ((address, {"do": "rotate"}), (address, {"do": "delete", "sure": "yes"}), (NEW, {"name": "x"})):
        answer = browser.submit(page, path, **fields)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?")
        assert "reauthenticate=1" in answer.headers["location"]
        assert path.rpartition("/")[2] in answer.headers["location"]
    assert get_client(empty_world.database, app.client.id) == app.client
