"""Authorization endpoint: sign-in and consent pages, and redirects."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest
from falcon.testing import Result
from sqlalchemy import update

from regulars.accounts.totp import enable_totp, new_totp_secret
from regulars.clock import utc_now
from regulars.console.next_path import pack
from regulars.db.statement import Statement
from regulars.db.tables import device_codes, sessions
from regulars.errors import Invalid
from regulars.oauth.clients import create_client
from regulars.oauth.connected_apps import disconnect, list_connections
from tests.support.oauth import (
    CALLBACK,
    DEVICE,
    FORM,
    Application,
    Browser,
    expect_oauth_error,
    redirect_parameters,
    uri_parameters,
)
from tests.support.world import LIST, PASSWORD, World


@pytest.fixture
def app(empty_world: World) -> Application:
    return Application.register(empty_world)


@pytest.fixture
def browser(empty_world: World) -> Browser:
    return Browser.signed_in(empty_world, empty_world.alice)


def is_page(result: Result, status: int, words: str) -> None:
    """Assert that the response is a page and not a redirect."""
    assert result.status_code == status, result.text
    assert "location" not in result.headers
    assert result.headers["Content-Type"].startswith("text/html")
    assert words in result.text


def test_the_consent_page_shows_application_scopes_and_redirect_host(empty_world: World, browser: Browser) -> None:
    app = Application.register(empty_world, name="<Randevu & Co>")
    page = browser.get(app.request(scope="openid customers:read offline_access"))
    is_page(page, 200, "&lt;Randevu &amp; Co&gt;")
    for words in ("See the customers", "Stay signed in", "Klinik Güneş", "app.example", "alice@example.com"):
        assert words in page.text
    assert "Salon Belle" not in page.text
    assert "Add, change" not in page.text
    turkish = browser.get(app.request(scope="openid"), headers={"Accept-Language": "tr-TR,tr;q=0.9"})
    assert 'lang="tr"' in turkish.text


def test_an_anonymous_user_signs_in_and_returns_to_the_request(empty_world: World, app: Application) -> None:
    visitor = Browser(empty_world)
    to_sign_in = visitor.get(app.request())
    assert to_sign_in.status_code == 303
    assert to_sign_in.headers["location"].startswith("/sign-in?next=%2Foauth%2Fauthorize%3F")
    posted = visitor.post("/oauth/authorize", {"client_id": app.client.id, "response_type": "code"})
    assert posted.status_code == 303
    assert "code_challenge" in redirect_parameters(posted)["error_description"]


def test_the_response_has_the_unchanged_state_and_the_issuer(app: Application, browser: Browser) -> None:
    state = "ü x&y=1 +%20#é\u2028\"'<>"
    page = browser.get(app.request(state=state))
    answer = redirect_parameters(browser.submit(page, "/oauth/consent", decision="allow"))
    assert answer["state"] == state
    assert answer["iss"] == app.world.settings.origin
    denied = redirect_parameters(browser.submit(page, "/oauth/consent", decision="deny"))
    assert denied["error"] == "access_denied"
    assert (denied["state"], denied["iss"]) == (state, answer["iss"])
    assert "code" not in denied


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"client_id": "unknown"}, "is unknown"),
        ({"client_id": None}, "is unknown"),
        ({"redirect_uri": "https://evil.example/callback"}, "is not registered"),
        ({"redirect_uri": CALLBACK + "/"}, "is not registered"),
        ({"redirect_uri": CALLBACK + "?x=1"}, "is not registered"),
        ({"redirect_uri": "https://app.example:443/callback"}, "is not registered"),
        ({"redirect_uri": "HTTPS://app.example/callback"}, "is not registered"),
        ({"redirect_uri": "http://127.0.0.1:1/callback"}, "is not registered"),
        ({"redirect_uri": "javascript:alert(1)"}, "is not registered"),
    ],
)
def test_no_redirect_to_an_unregistered_address(
    app: Application, browser: Browser, parameters: dict[str, Any], words: str
) -> None:
    is_page(browser.get(app.request(**parameters)), 400, words)
    is_page(browser.get(app.request(**parameters, response_type="token", scope="?")), 400, words)
    doubled = app.request() + "&" + urlencode({"redirect_uri": "https://evil.example"})
    is_page(browser.get(doubled), 400, "parameter redirect_uri more than once")


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": 'co"de\\'}, "unsupported_response_type"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://a.example/"}, "request_uri_not_supported"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
    ],
)
def test_errors_of_the_application_are_sent_to_it(
    app: Application, browser: Browser, parameters: dict[str, Any], error: str
) -> None:
    result = browser.get(app.request(**parameters))
    answer = redirect_parameters(result)
    assert result.headers["location"].startswith(CALLBACK + "?")
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "a state", app.world.settings.origin)


def test_repeated_parameters_are_refused_but_for_the_resource(app: Application, browser: Browser) -> None:
    twice = browser.get(app.request(scope="openid") + "&scope=email")
    assert redirect_parameters(twice)["error"] == "invalid_request"
    origin = app.world.settings.origin
    both = app.request(resource=origin) + "&" + urlencode({"resource": origin + "/api"})
    assert browser.get(both).status_code == 200


def test_without_a_scope_an_application_gets_its_own_and_never_more(empty_world: World, browser: Browser) -> None:
    app = Application.register(empty_world, scopes=["openid", "customers:read"])
    assert app.tokens(browser)["scope"] == "openid customers:read"
    assert redirect_parameters(browser.get(app.request(scope="openid email")))["error"] == "invalid_scope"


def test_a_confidential_client_needs_pkce_or_a_nonce(empty_world: World, browser: Browser) -> None:
    web = Application.register(empty_world, "web")
    without: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    assert redirect_parameters(browser.get(web.request(**without)))["error"] == "invalid_request"
    assert redirect_parameters(browser.get(web.request(**without, scope="openid")))["error"] == "invalid_request"
    assert browser.get(web.request(**without, scope="openid", nonce="n")).status_code == 200
    public = Application.register(empty_world)
    assert (
        redirect_parameters(browser.get(public.request(**without, scope="openid", nonce="n")))["error"]
        == "invalid_request"
    )


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:49152/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:8080/callback",
        "com.example.my_app://oauth-callback",
    ],
)
def test_a_native_app_may_use_any_loopback_port(empty_world: World, browser: Browser, uri: str) -> None:
    registered = ["http://127.0.0.1/callback", "http://[::1]:1/callback", "com.example.my_app://oauth-callback"]
    app = Application.register(empty_world, "native", redirect_uris=registered)
    page = browser.get(app.request(redirect_uri=uri))
    # Chromium does not support IPv6 addresses in a Content-Security-Policy and would block the form.
    (target,) = re.findall(r"form-action 'self' (\S+)", page.headers["Content-Security-Policy"]) or [""]
    assert target in {"", "http:", "http://127.0.0.1:49152", "http://127.0.0.1"}
    assert bool(target) == uri.startswith("http:")
    result = browser.submit(page, "/oauth/consent", decision="allow")
    assert result.headers["location"].startswith(uri + "?code=rgl_code_")
    assert app.redeem(redirect_parameters(result)["code"], redirect_uri=uri).status_code == 200
    for other in ("http://127.0.0.1:49152/other", "http://localhost:49152/callback", "http://127.0.0.1:0/callback"):
        is_page(browser.get(app.request(redirect_uri=other)), 400, "is not registered")


def test_a_browser_without_support_for_underscores_gets_a_link(empty_world: World, browser: Browser) -> None:
    uri = "com.example.my_app://oauth-callback"
    app = Application.register(empty_world, "native", redirect_uris=[uri])
    page = browser.get(app.request(redirect_uri=uri))
    location = browser.submit(page, "/oauth/consent", decision="allow").headers["location"]
    path, _, query = ("/oauth/" + location).partition("?")  # resolved by a browser
    android = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/130"}
    shown = browser.get(path, query_string=query, headers=android)
    is_page(shown, 200, "Open Randevu")
    (link,) = re.findall(r'href="(intent:[^"]+)"', shown.text)
    assert unescape(link) == f"intent://oauth-callback?{query}#Intent;scheme=com.example.my_app;end"
    assert "intent:" not in browser.get(path, query_string=query).text, "intent links are only for Android"
    other = path.replace("oauth-callback", "other")
    for wrong, said in ((path, "error=access_denied"), (other, query), (path, query.replace("code=rgl", "code=x"))):
        answer = browser.get(wrong, query_string=said, headers=android)
        is_page(answer, 200, "com.example.my_app:")
        assert "intent:" not in answer.text
    assert app.redeem(uri_parameters(location)["code"], redirect_uri=uri).status_code == 200, "still valid"
    for nothing in ("/oauth/nowhere", "/oauth/com.example.app:/x", "/oauth/x/y_z:"):
        assert browser.get(nothing).status_code == 404


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("javascript:alert(1)", "native"),
        ("data:text/html,x", "native"),
        ("myapp://callback", "native"),
        ("https://app.example/#fragment", "web"),
        ("https://user@app.example/", "web"),
        ("com.example.app://user@host/", "native"),
        ("http://app.example/callback", "native"),
        ("http://localhost.evil.example/", "native"),
        ("http://127.0.0.1@evil.example/", "native"),
        ("https://*.app.example/", "web"),
        ("https:///callback", "web"),
        ("/callback", "web"),
        ("https://app.example/a b", "web"),
        ("https://app.example\\@evil.example/", "web"),
        ("https://app.example;script-src/", "web"),
        ("https://app.example,default-src/", "web"),
        ("http://127.0.0.1:99999/", "native"),
        ("com.example.app:/callback", "web"),
        ("com.example.app:/callback", "browser"),
    ],
)
def test_an_unsafe_redirect_uri_cannot_be_registered(empty_world: World, uri: str, kind: str) -> None:
    with pytest.raises(Invalid) as refusal:
        create_client(empty_world.database, name="x", kind=kind, redirect_uris=[uri], scopes=["openid"])
    assert list(refusal.value.errors) == ["redirect_uris"]


def test_consent_is_remembered_for_its_scopes_until_it_is_withdrawn(
    empty_world: World, app: Application, browser: Browser
) -> None:
    token = app.tokens(browser, scope="openid email")
    assert "code" in redirect_parameters(browser.get(app.request(scope="openid")))
    assert browser.get(app.request(scope="openid customers:read")).status_code == 200
    assert browser.get(app.request(scope="openid", prompt="consent")).status_code == 200
    (connection,) = list_connections(empty_world.database, empty_world.alice)
    assert (connection.name, connection.scopes) == ("Randevu", ("email", "openid"))
    disconnect(empty_world.database, empty_world.alice, app.client.id)
    assert list_connections(empty_world.database, empty_world.alice) == []
    expect_oauth_error(app.refresh(token["refresh_token"]), "invalid_grant")
    assert browser.get(app.request(scope="openid")).status_code == 200


def test_a_native_app_with_an_uncertain_identity_needs_consent_each_time(empty_world: World, browser: Browser) -> None:
    uri = "com.example.app:/callback"
    app = Application.register(empty_world, "native", redirect_uris=[uri, CALLBACK])
    app.code(browser, redirect_uri=uri)
    again = browser.get(app.request(redirect_uri=uri))
    is_page(again, 200, "allowed this before")
    assert "code" in redirect_parameters(browser.get(app.request())), (
        "a claimed https redirect URI needs no new consent"
    )


def test_prompt_none_never_shows_a_page(empty_world: World, app: Application, browser: Browser) -> None:
    assert redirect_parameters(Browser(empty_world).get(app.request(prompt="none")))["error"] == "login_required"
    assert redirect_parameters(browser.get(app.request(prompt="none")))["error"] == "consent_required"
    app.code(browser)
    assert "code" in redirect_parameters(browser.get(app.request(prompt="none")))


@pytest.mark.parametrize("parameters", [{"prompt": "login"}, {"prompt": "select_account"}, {"prompt": "login consent"}])
def test_an_application_may_ask_for_a_new_sign_in(
    app: Application, browser: Browser, parameters: dict[str, str]
) -> None:
    location = browser.get(app.request(**parameters)).headers["location"]
    assert location.startswith("/sign-in?next=")
    assert location.endswith("&reauthenticate=1")
    assert ("prompt%3Dconsent" in location) == ("consent" in parameters["prompt"])
    assert "login" not in location


def test_only_the_user_of_the_id_token_hint_can_consent(empty_world: World, app: Application, browser: Browser) -> None:
    # OpenID Connect Core, section 3.1.2.2.
    hint = app.tokens(browser, scope="openid")["id_token"]
    assert "code" in redirect_parameters(browser.get(app.request(scope="openid", prompt="none", id_token_hint=hint)))
    bob = Browser.signed_in(empty_world, empty_world.bob)
    app.code(bob, scope="openid")
    for other in (hint, "a.b.c", "x" * 3000):
        asked = bob.get(app.request(scope="openid", prompt="none", id_token_hint=other))
        assert redirect_parameters(asked)["error"] == "login_required"
    location = bob.get(app.request(scope="openid", id_token_hint=hint)).headers["location"]
    page = bob.get(location)
    assert 'value="alice@example.com"' in page.text
    back = bob.submit(page, "/sign-in", email="bob@example.com", password=PASSWORD).headers["location"]
    assert bob.get(back).headers["location"].startswith("/sign-in"), "the user must be Alice"
    back = bob.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD).headers["location"]
    assert "code" in redirect_parameters(bob.get(back))


def test_login_hint_fills_in_the_sign_in_page(empty_world: World, app: Application) -> None:
    visitor = Browser(empty_world)
    page = visitor.get(visitor.get(app.request(login_hint='bob@example.com"<x>')).headers["location"])
    assert 'value="bob@example.com&#34;&lt;x&gt;"' in page.text


def test_the_user_can_switch_to_another_account(app: Application, browser: Browser) -> None:
    page = browser.get(app.request(scope="openid", prompt="consent"))
    (other,) = re.findall(r'<a href="(/oauth/authorize[^"]+)">Use another account</a>', page.text)
    sign_in = browser.get(browser.get(unescape(other)).headers["location"])
    assert "alice@example.com" not in sign_in.text
    back = browser.submit(sign_in, "/sign-in", email="bob@example.com", password=PASSWORD).headers["location"]
    is_page(browser.get(back), 200, "bob@example.com")


def test_two_concurrent_approvals_store_one_consent(empty_world: World, browser: Browser) -> None:
    for number in range(4):
        app = Application.register(empty_world, name=f"App {number}")
        pages = [browser.get(app.request())] * 4
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda page: browser.submit(page, "/oauth/consent", decision="allow"), pages))
        assert all("code" in redirect_parameters(answer) for answer in answers)
        assert len(list_connections(empty_world.database, empty_world.alice)) == number + 1


def test_a_page_loads_images_only_from_the_host_of_the_logo(empty_world: World, browser: Browser) -> None:
    plain = browser.get(Application.register(empty_world).request())
    assert "img-src 'self';" in plain.headers["Content-Security-Policy"]
    app = Application.register(empty_world, logo_url="https://pictures.example/logo.png?size=64")
    page = browser.get(app.request())
    assert "img-src 'self' https://pictures.example;" in page.headers["Content-Security-Policy"]


def test_a_tenants_application_is_for_its_members(empty_world: World, browser: Browser) -> None:
    app = Application.register(empty_world, tenant_id=empty_world.salon)
    assert redirect_parameters(browser.get(app.request()))["error"] == "access_denied"
    page = Browser.signed_in(empty_world, empty_world.dora).get(app.request())
    is_page(page, 200, "Salon Belle")
    assert "Klinik Güneş" not in page.text


def test_consent_cannot_be_given_from_another_site(empty_world: World, app: Application, browser: Browser) -> None:
    page = browser.get(app.request())
    forged = browser.submit(page, "/oauth/consent", decision="allow", form_token="0" * 64)
    is_page(forged, 403, "form")
    attacker = Browser.signed_in(empty_world, empty_world.bob)
    theirs = attacker.get(app.request())
    browser_of_alice = Browser(empty_world, dict(browser.cookies))
    is_page(browser_of_alice.submit(theirs, "/oauth/consent", decision="allow"), 403, "form")
    tampered = browser.submit(page, "/oauth/consent", decision="allow", request="client_id=x")
    is_page(tampered, 400, "is unknown")
    cross = browser.post(
        "/oauth/consent", {"form_token": "x", "decision": "allow"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert cross.status_code == 403


def test_a_user_signed_out_before_consenting_signs_in_and_is_asked_again(
    empty_world: World, app: Application, browser: Browser
) -> None:
    page = browser.get(app.request())
    del browser.cookies["regulars_session"]
    location = browser.submit(page, "/oauth/consent", decision="allow").headers["location"]
    assert location.startswith("/sign-in?next=%2Foauth%2Fauthorize%3F")
    again = browser.get(location)
    back = browser.submit(again, "/sign-in", email="alice@example.com", password=PASSWORD).headers["location"]
    is_page(browser.get(back), 200, "Allow Randevu?")


def test_pages_cannot_be_framed_and_send_no_referrer(app: Application, browser: Browser) -> None:
    page = browser.get(app.request())
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example" in policy
    assert "unsafe" not in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


# Device authorization


def test_one_address_gets_a_limited_number_of_device_codes(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.accounts.throttle.WINDOW_SECONDS", 10**9)
    app = Application.register(empty_world, "device")

    def ask(address: str, client: str = app.client.id) -> Result:
        return empty_world.client.simulate_post(
            "/oauth/device_authorization",
            body=urlencode({"client_id": client, "scope": "customers:read"}),
            headers={"Content-Type": FORM},
            remote_addr=address,
        )

    assert [ask("2001:db8::1", "unknown").status_code for _ in range(3)] == [401] * 3
    assert [ask(f"2001:db8::{number:x}").status_code for number in range(60)] == [200] * 60
    refused = ask("2001:db8::1")
    expect_oauth_error(refused, "slow_down", 429)
    assert int(refused.headers["Retry-After"]) > 0
    assert ask("2001:db8:0:1::1").status_code == 200, "another network"
    monkeypatch.setattr("regulars.accounts.throttle.WINDOW_SECONDS", 1)
    assert ask("2001:db8::1").status_code == 200, "another window"


def device_of(world: World, **options: Any) -> tuple[Application, dict[str, Any]]:
    app = Application.register(world, "device", **options)
    return app, app.ask("/oauth/device_authorization", scope="openid customers:read").json


def poll(app: Application, code: dict[str, Any]) -> Result:
    return app.ask(grant_type=DEVICE, device_code=code["device_code"])


def test_a_device_gets_tokens_after_its_user_consents(empty_world: World, browser: Browser) -> None:
    app, code = device_of(empty_world)
    assert set(code) == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    expect_oauth_error(poll(app, code), "authorization_pending")
    expect_oauth_error(poll(app, code), "slow_down")
    typed = code["user_code"].lower().replace("-", " ")
    page = browser.submit(browser.get("/device"), "/device", user_code=typed)
    is_page(page, 200, code["user_code"])
    assert "See the customers" in page.text
    assert browser.submit(page, "/device", decision="allow").headers["location"] == "/device/done"
    tokens = poll(app, code).json
    assert tokens["scope"] == "openid customers:read"
    assert "id_token" in tokens
    expect_oauth_error(poll(app, code), "invalid_grant")
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert empty_world.client.simulate_get(LIST, headers=headers).status_code == 200


def age_poll(world: World, seconds: int) -> None:
    """Set the last poll of every device code to a number of seconds ago."""
    then = utc_now() - timedelta(seconds=seconds)
    world.database.execute(Statement(update(device_codes).values(polled_at=then)))


def test_each_early_poll_increases_the_interval_by_five_seconds(empty_world: World) -> None:
    app, code = device_of(empty_world)
    assert code["interval"] == 5
    expect_oauth_error(poll(app, code), "authorization_pending")
    expect_oauth_error(poll(app, code), "slow_down")
    age_poll(empty_world, 10)
    expect_oauth_error(poll(app, code), "authorization_pending")
    age_poll(empty_world, 7)
    expect_oauth_error(poll(app, code), "slow_down")
    age_poll(empty_world, 12)
    expect_oauth_error(poll(app, code), "slow_down")
    age_poll(empty_world, 20)
    expect_oauth_error(poll(app, code), "authorization_pending")


def test_a_decided_device_request_cannot_be_decided_again(empty_world: World, browser: Browser) -> None:
    app, code = device_of(empty_world)
    page = browser.submit(browser.get("/device"), "/device", user_code=code["user_code"])
    browser.submit(page, "/device", decision="deny")
    is_page(browser.submit(page, "/device", decision="allow"), 200, "unknown or has expired")
    expect_oauth_error(poll(app, code), "access_denied")


def test_a_wrong_resource_does_not_use_up_a_device_code(empty_world: World, browser: Browser) -> None:
    app, code = device_of(empty_world)
    browser.submit(browser.get("/device"), "/device", user_code=code["user_code"], decision="allow")
    wrong = app.ask(grant_type=DEVICE, device_code=code["device_code"], resource="https://other.example")
    expect_oauth_error(wrong, "invalid_target")
    assert poll(app, code).status_code == 200


def test_a_device_gets_access_denied_if_its_user_refuses(empty_world: World, browser: Browser) -> None:
    app, code = device_of(empty_world)
    page = browser.submit(browser.get("/device?user_code=" + code["user_code"]), "/device", user_code=code["user_code"])
    browser.submit(page, "/device", decision="deny")
    expect_oauth_error(poll(app, code), "access_denied")


def test_a_device_code_belongs_to_its_client_and_is_not_guessed(empty_world: World, browser: Browser) -> None:
    _, code = device_of(empty_world)
    other = Application.register(empty_world, "device")
    expect_oauth_error(poll(other, code), "unauthorized_client")
    expect_oauth_error(poll(other, {"device_code": "x"}), "invalid_grant")
    for _ in range(20):
        is_page(browser.submit(browser.get("/device"), "/device", user_code="BBBB-BBBB"), 200, "unknown or has expired")
    blocked = [browser.submit(browser.get("/device"), "/device", user_code="BBBB-BBBB") for _ in range(5)][-1]
    assert blocked.status_code == 429
    assert int(blocked.headers["Retry-After"]) > 0


# Logout


def test_an_application_with_an_id_token_hint_signs_its_user_out(
    empty_world: World, app: Application, browser: Browser
) -> None:
    stays = app.tokens(browser, scope="openid offline_access")
    goes = app.tokens(browser, scope="openid")
    hint = urlencode({"id_token_hint": goes["id_token"], "post_logout_redirect_uri": CALLBACK, "state": "s &"})
    result = browser.get("/oauth/logout?" + hint)
    assert result.headers["location"] == CALLBACK + "?state=s%20%26"
    assert browser.get(app.request()).headers["location"].startswith("/sign-in")
    expect_oauth_error(app.refresh(goes["refresh_token"]), "invalid_grant")
    assert app.refresh(stays["refresh_token"]).status_code == 200


def test_logout_without_a_hint_needs_confirmation_and_never_redirects_elsewhere(
    app: Application, browser: Browser
) -> None:
    asked = {"client_id": app.client.id, "post_logout_redirect_uri": "https://evil.example/"}
    page = browser.get("/oauth/logout?" + urlencode(asked))
    is_page(page, 200, "Sign out")
    assert browser.get(app.request()).status_code == 200, "the session must continue until the user confirms"
    assert browser.submit(page, "/oauth/logout/confirmed").headers["location"] == "/oauth/logout/done"
    assert browser.get(app.request()).headers["location"].startswith("/sign-in")
    late = browser.submit(page, "/oauth/logout/confirmed")
    assert late.headers["location"] == "/oauth/logout/done", "a second logout must succeed"
    junk = browser.get("/oauth/logout?id_token_hint=a.b.c&post_logout_redirect_uri=https://evil.example/")
    assert junk.headers["location"] == "/oauth/logout/done"


# Discovery


def test_metadata_describes_this_server(empty_world: World) -> None:
    get, origin = empty_world.client.simulate_get, empty_world.settings.origin
    document = get("/.well-known/openid-configuration").json
    assert document == get("/.well-known/oauth-authorization-server").json
    assert document["issuer"] == origin
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "password" not in document["grant_types_supported"]
    assert document["authorization_response_iss_parameter_supported"] is True
    for name, address in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert get(address.removeprefix(origin)).status_code != 404, name


def test_resource_metadata_names_the_authorization_server(empty_world: World) -> None:
    get, origin = empty_world.client.simulate_get, empty_world.settings.origin
    document = get("/.well-known/oauth-protected-resource").json
    assert (document["resource"], document["authorization_servers"]) == (origin, [origin])
    challenge = get(LIST).headers["WWW-Authenticate"]
    assert f'resource_metadata="{origin}/.well-known/oauth-protected-resource"' in challenge


def test_cors_is_allowed_only_without_cookies(empty_world: World) -> None:
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    for path in ("/oauth/token", "/oauth/userinfo", "/.well-known/openid-configuration", "/oauth/jwks", LIST):
        answer = empty_world.client.simulate_options(path, headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        assert "X-Form-Token" not in answer.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    for path in ("/oauth/authorize", "/sign-in", "/account"):
        answer = empty_world.client.simulate_get(path, headers=headers)
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_long_state_survives_the_sign_in(empty_world: World, app: Application) -> None:
    """A `next` that is escaped once more would be longer than the longest query."""
    state = "é%a" * 666
    browser = Browser(empty_world)
    to_sign_in = browser.get(app.request(state=state))
    path = to_sign_in.headers["location"]
    assert len(path) < 8192
    page = browser.get(path)
    assert page.status_code == 200
    assert app.client.name in page.text
    back = browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD)
    page = browser.get(back.headers["location"])
    answer = browser.submit(page, "/oauth/consent", decision="allow")
    assert redirect_parameters(answer)["state"] == state


def test_a_path_that_is_cut_off_or_too_long_is_ignored(empty_world: World) -> None:
    long = pack("/" + "a" * 100_000)
    for packed in (long, pack("/device?user_code=" + "x" * 1000)[:-8]):
        browser = Browser(empty_world)
        page = browser.get("/sign-in", params={"next": packed})
        answer = browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD)
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize("packed", ["z.", "z.AAAA", "z.é", "z.eJwDAAAAAAE", "z.https://evil.example"])
def test_a_damaged_address_after_the_sign_in_is_ignored(empty_world: World, packed: str) -> None:
    browser = Browser(empty_world)
    page = browser.get("/sign-in", params={"next": packed})
    answer = browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD)
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"prompt": "login"}, "/sign-in"),
        ({"max_age": "0"}, "/sign-in"),
        ({"prompt": "none"}, "consent_required"),
        ({"id_token_hint": "of somebody else"}, "/sign-in"),
    ],
)
def test_the_consent_form_checks_the_request_again(
    empty_world: World, app: Application, browser: Browser, parameters: dict[str, str], expected: str
) -> None:
    page = browser.get(app.request(scope="openid"))
    request = app.request(scope="openid", **parameters).partition("?")[2]
    answer = browser.submit(page, "/oauth/consent", decision="allow", request=request)
    assert answer.status_code == 303
    assert "code=" not in answer.headers["location"]
    assert expected in answer.headers["location"]


def test_head_issues_no_code(empty_world: World, app: Application, browser: Browser) -> None:
    app.code(browser)
    path = app.request()
    assert "code=" in browser.get(path).headers["location"]
    answer = empty_world.client.simulate_head(path, cookies=browser.cookies)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, OPTIONS")
    assert "location" not in answer.headers


def test_head_does_not_sign_out(empty_world: World, app: Application, browser: Browser) -> None:
    hint = app.tokens(browser, scope="openid")["id_token"]
    path = "/oauth/logout?" + urlencode({"id_token_hint": hint})
    assert empty_world.client.simulate_head(path, cookies=browser.cookies).status_code == 405
    assert browser.get("/account/profile").status_code == 200


def test_a_sign_in_that_became_too_old_on_the_consent_page_is_renewed(
    empty_world: World, app: Application, browser: Browser
) -> None:
    page = browser.get(app.request(scope="openid", max_age="600"))
    is_page(page, 200, "Allow Randevu?")
    old = utc_now() - timedelta(seconds=601)
    empty_world.database.execute(Statement(update(sessions).values(authenticated_at=old)))
    to_sign_in = browser.submit(page, "/oauth/consent", decision="allow").headers["location"]
    assert to_sign_in.endswith("&reauthenticate=1")
    again = browser.get(to_sign_in)
    back = browser.submit(again, "/sign-in", email="alice@example.com", password=PASSWORD).headers["location"]
    answer = browser.submit(browser.get(back), "/oauth/consent", decision="allow")
    assert "code" in redirect_parameters(answer)


def test_the_page_of_the_second_factor_has_the_language_of_the_application(
    empty_world: World, app: Application
) -> None:
    secret = new_totp_secret()
    enable_totp(empty_world.database, empty_world.settings, empty_world.alice, secret, pyotp.TOTP(secret).now())
    browser = Browser(empty_world, language="en")
    page = browser.get(browser.get(app.request(ui_locales="tr")).headers["location"])
    asked = browser.get(
        browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD).headers["location"]
    )
    wrong = browser.submit(asked, "/sign-in/code", code="000000")
    for shown in (asked, wrong):
        assert '<html lang="tr">' in shown.text
    code = pyotp.TOTP(secret).at(utc_now() + timedelta(seconds=30))
    consent = browser.get(browser.submit(asked, "/sign-in/code", code=code).headers["location"])
    assert '<html lang="tr">' in consent.text


@pytest.mark.parametrize(
    ("ui_locales", "language"),
    [("tr", "tr"), ("tr-TR en", "tr"), ("de tr", "tr"), ("en tr", "en"), ("de", "en"), ("", "en")],
)
def test_the_pages_have_the_language_that_the_application_asks_for(
    empty_world: World, app: Application, ui_locales: str, language: str
) -> None:
    browser = Browser(empty_world, language="en")
    page = browser.get(browser.get(app.request(ui_locales=ui_locales)).headers["location"])
    wrong = browser.submit(page, "/sign-in", email="alice@example.com", password="wrong")
    back = browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD)
    consent = browser.get(back.headers["location"])
    for shown in (page, wrong, consent):
        assert f'<html lang="{language}">' in shown.text


def test_an_invalid_scope_is_named(empty_world: World, app: Application, browser: Browser) -> None:
    described = redirect_parameters(browser.get(app.request(scope="openid customers:delete")))
    assert described["error"] == "invalid_scope"
    assert "customers:delete" in described["error_description"]
    device = Application.register(empty_world, "device", scopes=["customers:read"])
    for scope in ("customers:write", 'x"é\\'):
        answer = device.ask("/oauth/device_authorization", scope=scope)
        expect_oauth_error(answer, "invalid_scope")
    assert (
        "customers:write"
        in device.ask("/oauth/device_authorization", scope="customers:write").json["error_description"]
    )
    service = Application.register(
        empty_world, "service", scopes=["customers:read"], tenant_id=empty_world.clinic, role="viewer"
    )
    answer = service.ask(grant_type="client_credentials", scope="customers:read customers:write")
    expect_oauth_error(answer, "invalid_scope")
    assert "customers:write" in answer.json["error_description"]
    tokens = app.tokens(browser, scope="customers:read")
    answer = app.refresh(tokens["refresh_token"], scope="users:read")
    expect_oauth_error(answer, "invalid_scope")
    assert "users:read" in answer.json["error_description"]


def test_a_public_client_is_told_that_it_has_no_secret(app: Application) -> None:
    answer = app.ask(grant_type="refresh_token", refresh_token="x", client_secret="guessed")
    expect_oauth_error(answer, "invalid_client", 401)
    assert "has no secret" in answer.json["error_description"]
