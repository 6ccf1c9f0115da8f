"""The API with the session of a signed-in browser, as the console's own pages use it."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from falcon.testing import Result

from regulars.accounts.administration import disable_user
from regulars.accounts.sessions import end_other_sessions
from regulars.accounts.users import add_user, get_user
from tests.support.oauth import Browser
from tests.support.world import LIST, World, client_for, expect_error

ORIGIN = "http://localhost"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(empty_world: World) -> Browser:
    return Browser.signed_in(empty_world, empty_world.alice)


def form_token(browser: Browser) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', browser.get("/account/profile").text)
    assert found
    return found[1]


def send(browser: Browser, method: str, path: str = LIST, content: object = None, **headers: str) -> Result:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    options: dict[str, Any] = {"headers": SAME | given}
    if content is not None:
        options["body"] = json.dumps(content)
        options["headers"]["Content-Type"] = "application/json"
    return browser.world.client.simulate_request(method, path, cookies=browser.cookies, **options)


def test_a_page_reads_and_writes_with_the_session_of_its_user(empty_world: World, browser: Browser) -> None:
    token = form_token(browser)
    made = send(browser, "POST", content={"first_name": "Ayşe"}, X_Form_Token=token, Origin=ORIGIN)
    assert made.status_code == 201, made.text
    found = send(browser, "GET", f"{LIST}/{made.json['data']['id']}")
    assert found.json["data"]["first_name"] == "Ayşe"
    assert found.headers["Cache-Control"] == "private, no-cache"
    assert found.headers["Vary"].startswith("Authorization, Cookie, X-Tenant")
    assert "Access-Control-Allow-Credentials" not in found.headers
    (entry,) = empty_world.get(f"{LIST}/{made.json['data']['id']}/history").json["data"]
    assert (entry["user"]["id"], entry["client_id"]) == (empty_world.alice, "console")
    assert send(browser, "GET", "/api/v1/account/roles").json["data"]["roles"] == ["owner"]


def test_only_a_page_of_this_service_can_change_something(browser: Browser) -> None:
    token = form_token(browser)
    other = form_token(Browser.signed_in(browser.world, browser.world.alice))
    for headers in ({}, {"X_Form_Token": ""}, {"X_Form_Token": "0" * 64}, {"X_Form_Token": other}):
        for method, path in (("POST", LIST), ("PATCH", f"{LIST}/1"), ("DELETE", f"{LIST}/1")):
            expect_error(send(browser, method, path, {"first_name": "A"}, **headers), 403, "invalid_form_token")
    assert send(browser, "GET").json["meta"]["total"] == 0
    assert send(browser, "POST", content={"first_name": "A"}, X_Form_Token=token).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "odd"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://localhost"},
        {"Origin": "http://localhost:8001"},
        {"Origin": "null"},
    ],
)
def test_a_request_from_another_origin_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    token = form_token(browser)
    for method in ("GET", "HEAD", "POST"):
        given = headers | {"X-Form-Token": token}
        answer = browser.world.client.simulate_request(method, LIST, cookies=browser.cookies, headers=given)
        assert answer.status_code == 403
    expect_error(answer, 403, "cross_site_request")


def test_an_address_that_the_user_opens_is_only_read(browser: Browser) -> None:
    assert send(browser, "GET", Sec_Fetch_Site="none").status_code == 200
    token = form_token(browser)
    answer = send(browser, "POST", content={"first_name": "A"}, X_Form_Token=token, Sec_Fetch_Site="none")
    expect_error(answer, 403, "cross_site_request")


def test_the_origin_is_that_of_the_public_url(empty_world: World) -> None:
    public = replace(empty_world.settings, public_url="https://Crm.Example.com:443/customers")
    empty_world.client = client_for(public, empty_world.database)
    token = Browser.signed_in(empty_world, empty_world.alice).cookies["regulars_session"]
    browser = Browser(empty_world, {"__Host-regulars_session": token})
    headers = {"X_Form_Token": form_token(browser), "content": {"first_name": "A"}}
    assert send(browser, "POST", Origin="https://crm.example.com", **headers).status_code == 201  # type: ignore[arg-type]
    expect_error(send(browser, "POST", Origin=ORIGIN, **headers), 403, "cross_site_request")  # type: ignore[arg-type]
    expect_error(send(Browser(empty_world, {"regulars_session": token}), "GET"), 401, "unauthorized")


def test_a_session_that_has_ended_is_401(empty_world: World, browser: Browser) -> None:
    token = form_token(browser)
    end_other_sessions(empty_world.database, empty_world.alice, keep="")
    for method in ("GET", "POST"):
        body = expect_error(send(browser, method, X_Form_Token=token), 401, "unauthorized")
        assert "Sign in again" in body["message"]
    browser.cookies["regulars_session"] = "odd"
    expect_error(send(browser, "GET"), 401, "unauthorized")


def test_a_disabled_user_and_one_without_an_address_are_refused(empty_world: World, browser: Browser) -> None:
    database = empty_world.database
    eve = add_user(database, email="eve@example.com", name="Eve", password_hash="", is_verified=False)
    assert eve is not None
    visitor = Browser.signed_in(empty_world, eve.id)
    expect_error(send(visitor, "GET"), 403, "tenant_forbidden")
    assert send(visitor, "GET", "/api/v1/account").json["data"]["name"] == "Eve"
    add_user(database, email="eve@example.com", name="Holder", password_hash="", is_verified=True)
    for path in (LIST, "/api/v1/account"):
        expect_error(send(visitor, "GET", path), 403, "email_address_lost")
    disable_user(database, get_user(database, empty_world.alice))
    expect_error(send(browser, "GET"), 401, "unauthorized")


def test_the_tenant_and_the_role_count_as_with_a_token(empty_world: World, browser: Browser) -> None:
    expect_error(send(browser, "GET", X_Tenant=str(empty_world.salon)), 403, "tenant_forbidden")
    dora = Browser.signed_in(empty_world, empty_world.dora)
    expect_error(send(dora, "GET"), 400, "tenant_required")
    assert send(dora, "GET", X_Tenant=str(empty_world.salon)).status_code == 200
    tenant, token = str(empty_world.clinic), form_token(dora)
    refused = send(dora, "POST", content={"first_name": "A"}, X_Tenant=tenant, X_Form_Token=token)
    expect_error(refused, 403, "insufficient_scope")


def test_a_token_counts_instead_of_the_session(empty_world: World, browser: Browser) -> None:
    bearer = f"Bearer {empty_world.token(empty_world.charlie)}"
    given = {"Authorization": bearer, "Sec_Fetch_Site": "cross-site", "Origin": "https://app.example"}
    assert send(browser, "GET", X_Tenant=str(empty_world.salon), **given).status_code == 200
    expect_error(send(browser, "POST", content={"first_name": "A"}, **given), 403, "insufficient_scope")
    expect_error(send(browser, "GET", Authorization="Bearer odd"), 401, "invalid_token")
    expect_error(send(browser, "GET", Authorization=""), 401, "unauthorized")


def test_the_session_counts_only_in_the_api(browser: Browser) -> None:
    expect_error(send(browser, "GET", "/oauth/userinfo"), 401, "unauthorized")
