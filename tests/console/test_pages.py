"""Pages for sign-in, account and applications. Each works without JavaScript."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import jinja2
import pyotp
import pytest
from falcon.testing import Result
from jinja2 import nodes
from sqlalchemy import func, select, update

import regulars.console
from regulars.accounts.personal_tokens import list_personal_tokens
from regulars.accounts.throttle import account_key, address_key, record_failure
from regulars.clock import utc_now
from regulars.console.assets import load_assets
from regulars.db.statement import Statement
from regulars.db.tables import one_time_tokens, sessions
from regulars.i18n import _catalog
from regulars.oauth.clients import list_clients
from regulars.security.audit import list_events
from tests.conftest import FreshDatabase
from tests.support.oauth import Application, Browser, expect_oauth_error, redirect_parameters
from tests.support.world import LIST, PASSWORD, World, expect_error

PAGES = ["/sign-in", "/account/profile", "/account/password", "/account/second-factor", "/account/passkeys"]
PAGES += ["/account/sessions", "/account/connections", "/account/tokens", "/applications", "/applications/new"]
PAGES += ["/members", "/settings/business", "/settings/channels", "/settings/tags", "/settings/audit"]
PAGES += ["/device", "/device/done", "/device/denied", "/oauth/logout/done", "/nowhere"]


@pytest.fixture
def browser(empty_world: World) -> Browser:
    return Browser.signed_in(empty_world, empty_world.alice)


def sign_in(browser: Browser, password: str = PASSWORD, email: str = "alice@example.com", target: str = "") -> int:
    """Try to sign in and return the status code."""
    page = browser.get("/sign-in" + (f"?next={target}" if target else ""))
    return browser.submit(page, "/sign-in", email=email, password=password).status_code


def test_the_right_password_lets_in_and_a_wrong_one_does_not(empty_world: World) -> None:
    browser = Browser(empty_world)
    page = browser.get("/sign-in?next=/account/tokens")
    for email, password in (
        ("alice@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("x", "y" * 2000),
    ):
        answer = browser.submit(page, "/sign-in", email=email, password=password)
        assert answer.status_code == 422
        assert "The e-mail address or the password is wrong." in answer.text
    answer = browser.submit(page, "/sign-in", email=" Alice@Example.com ", password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/tokens")
    assert browser.get("/account/tokens").status_code == 200


def test_guessing_is_slowed_and_never_locks_out_a_known_browser(empty_world: World) -> None:
    at_home = Browser(empty_world)
    assert sign_in(at_home) == 303
    del at_home.cookies["regulars_session"]
    stranger = Browser(empty_world)
    statuses = [sign_in(stranger, "wrong") for _ in range(7)]
    assert statuses[:5] == [422] * 5
    assert 429 in statuses
    page = stranger.get("/sign-in")
    blocked = stranger.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD)
    assert blocked.status_code == 429
    assert int(blocked.headers["Retry-After"]) > 0
    assert sign_in(at_home) == 303


def test_failures_while_the_clock_was_ahead_lock_nobody_out_afterwards(empty_world: World) -> None:
    ahead = datetime.now(UTC) + timedelta(days=400)
    for _ in range(10):
        record_failure(empty_world.database, [account_key("alice@example.com")], ahead)
    assert sign_in(Browser(empty_world)) == 303


def test_one_address_gets_a_limited_number_of_passkey_challenges(
    empty_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.accounts.throttle.WINDOW_SECONDS", 10**9)
    browser = Browser(empty_world)
    (form_token,) = set(re.findall(r'name="form_token" value="([^"]+)"', browser.get("/sign-in").text))

    def ask() -> Result:
        return browser.post("/sign-in/passkey/options", {"form_token": form_token}, headers={"Accept": "*/*"})

    assert [ask().status_code for _ in range(60)] == [200] * 60
    refused = ask()
    expect_error(refused, 429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) > 0
    ((rows,),) = empty_world.database.fetch_all(Statement(select(func.count()).select_from(one_time_tokens)))
    assert rows == 60
    assert sign_in(browser) == 303


def test_failed_and_throttled_sign_ins_are_in_the_audit_log(empty_world: World) -> None:
    browser = Browser(empty_world)
    for _ in range(6):
        sign_in(browser, "wrong")
    sign_in(browser, "wrong", "nobody@example.com")
    events = [(event.kind, event.user_id) for event in list_events(empty_world.database)]
    assert events.count(("sign_in.failed", empty_world.alice)) >= 5
    assert ("sign_in.throttled", empty_world.alice) in events
    assert ("sign_in.failed", None) in events


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_redirect_to_another_site_after_signing_in(empty_world: World, target: str) -> None:
    browser = Browser(empty_world)
    page = browser.get("/sign-in", params={"next": target})
    answer = browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD, next=target)
    assert answer.headers["location"] == "/"


def test_cookies_are_out_of_reach(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite"), public_url="https://customers.example") as world:
        browser = Browser(world)
        page = browser.get("/sign-in")
        answer = browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD)
        for name in ("__Host-regulars_session", "__Host-regulars_known"):
            cookie = answer.cookies[name]
            assert (cookie.http_only, cookie.secure, cookie.path) == (True, True, "/")
            assert cookie.same_site == "Lax"
            assert not cookie.domain


def test_a_session_that_was_planted_is_not_the_one_that_is_used(empty_world: World) -> None:
    browser = Browser.signed_in(empty_world, empty_world.bob)
    planted = browser.cookies["regulars_session"]
    page = browser.get("/sign-in?reauthenticate=1")
    browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD)
    assert browser.cookies["regulars_session"] != planted
    assert "Alice" in browser.get("/account/profile").text
    old = Browser(empty_world, {"regulars_session": planted})
    assert old.get("/account/profile").status_code == 303


def test_a_form_from_another_site_does_nothing(empty_world: World, browser: Browser) -> None:
    for path in ("/account/profile", "/account/password", "/account/tokens", "/sign-out", "/applications/new"):
        assert browser.post(path, {"name": "Mallory", "form_token": "0" * 64}).status_code == 403
    assert "Mallory" not in browser.get("/account/profile").text


def test_a_form_from_another_site_does_not_make_us_forget_the_browser(empty_world: World) -> None:
    for path in ("/oauth/authorize", "/sign-in", "/oauth/logout"):
        assert "set-cookie" not in Browser(empty_world).post(path, {"client_id": "x"}).headers


def totp_secret(browser: Browser) -> str:
    found = re.search(r'id="key">([A-Z2-7 ]+)<', browser.get("/account/second-factor").text)
    assert found
    return found[1].replace(" ", "")


def test_a_second_factor_is_required_after_it_is_turned_on(empty_world: World, browser: Browser) -> None:
    secret = totp_secret(browser)
    page = browser.get("/account/second-factor")
    assert "<svg" in page.text
    assert "The code is wrong" in browser.submit(page, "/account/second-factor", do="enable", code="000000").text
    browser.submit(page, "/account/second-factor", do="enable", code=pyotp.TOTP(secret).now())
    codes_page = browser.get("/account/second-factor")
    codes = re.findall(r"([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})<br>", codes_page.text)
    assert len(codes) == 10
    assert secret not in browser.get("/account/second-factor").text

    other = Browser(empty_world)
    assert sign_in(other) == 303
    assert other.get("/account/profile").status_code == 303, "signed in without the second factor"
    step = other.get("/sign-in/code")
    assert other.submit(step, "/sign-in/code", code=pyotp.TOTP(secret).now()).status_code == 422, (
        "the code was accepted twice"
    )
    assert other.submit(step, "/sign-in/code", code=codes[0].upper()).status_code == 303
    assert other.get("/account/profile").status_code == 200
    again = Browser(empty_world)
    sign_in(again)
    step = again.get("/sign-in/code")
    assert again.submit(step, "/sign-in/code", code=codes[0]).status_code == 422
    next_code = pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30))
    assert again.submit(step, "/sign-in/code", code=next_code).status_code == 303
    off = {"do": "disable", "password": "wrong"}
    page = browser.get("/account/second-factor")
    assert "The password is wrong" in browser.submit(page, "/account/second-factor", **off).text
    assert browser.submit(page, "/account/second-factor", **(off | {"password": PASSWORD})).status_code == 303
    assert sign_in(Browser(empty_world), target="/account") == 303


def test_wrong_codes_of_an_attacker_do_not_lock_out_the_owner(empty_world: World, browser: Browser) -> None:
    secret = totp_secret(browser)
    page = browser.get("/account/second-factor")
    browser.submit(page, "/account/second-factor", do="enable", code=pyotp.TOTP(secret).now())
    codes_page = browser.get("/account/second-factor")
    codes = re.findall(r"([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})<br>", codes_page.text)
    at_home = Browser(empty_world)
    sign_in(at_home)
    assert at_home.submit(at_home.get("/sign-in/code"), "/sign-in/code", code=codes[0]).status_code == 303
    del at_home.cookies["regulars_session"]
    thief = Browser(empty_world)
    sign_in(thief)
    step = thief.get("/sign-in/code")
    assert "form-action 'self'" in step.headers["Content-Security-Policy"]
    assert [thief.submit(step, "/sign-in/code", code="000000").status_code for _ in range(8)][-1] == 429
    sign_in(at_home)
    assert at_home.submit(at_home.get("/sign-in/code"), "/sign-in/code", code=codes[1]).status_code == 303


def test_codes_are_guessed_at_no_faster_with_the_passwords_of_many(empty_world: World, browser: Browser) -> None:
    secret = totp_secret(browser)
    page = browser.get("/account/second-factor")
    browser.submit(page, "/account/second-factor", do="enable", code=pyotp.TOTP(secret).now())
    # The address has failed for codes of other users too, and its wait has just ended.
    failed_at = datetime.now(UTC) - timedelta(seconds=40)
    for _ in range(25):
        record_failure(empty_world.database, [address_key("")], failed_at)  # the address of the test client
    thief = Browser(empty_world)
    sign_in(thief)
    step = thief.get("/sign-in/code")
    assert [thief.submit(step, "/sign-in/code", code="000000").status_code for _ in range(2)] == [422, 429]


def test_a_new_password_ends_all_other_sessions(empty_world: World, browser: Browser) -> None:
    other = Browser.signed_in(empty_world, empty_world.alice)
    stolen = Browser(empty_world, dict(browser.cookies))
    page = browser.get("/account/password")
    wrong = browser.submit(page, "/account/password", current="wrong", password="a new password")
    assert "The password is wrong" in wrong.text
    short = browser.submit(page, "/account/password", current=PASSWORD, password="short")
    assert "8 to 1024" in short.text
    assert browser.submit(page, "/account/password", current=PASSWORD, password="a new password").status_code == 303
    assert browser.get("/account/profile").status_code == 200
    assert other.get("/account/profile").status_code == 303
    assert stolen.get("/account/profile").status_code == 303, "the old session cookie is still valid"
    assert sign_in(Browser(empty_world)) == 422
    assert sign_in(Browser(empty_world), "a new password") == 303


def test_password_guesses_in_an_open_session_are_throttled(empty_world: World, browser: Browser) -> None:
    page = browser.get("/account/password")
    for _ in range(8):
        browser.submit(page, "/account/password", current="wrong", password="a new password")
    right = browser.submit(page, "/account/password", current=PASSWORD, password="a new password")
    assert right.status_code == 422


def test_signing_out_twice_is_no_fault(browser: Browser) -> None:
    page = browser.get("/account/profile")
    for _ in range(2):
        assert browser.submit(page, "/sign-out").headers["location"] == "/oauth/logout/done"


def test_sessions_are_listed_and_ended(empty_world: World, browser: Browser) -> None:
    other = Browser.signed_in(empty_world, empty_world.alice)
    theirs = Browser.signed_in(empty_world, empty_world.bob)
    page = browser.get("/account/sessions")
    (number,) = re.findall(r'name="session" value="([^"]+)"', page.text)
    assert browser.submit(page, "/account/sessions", session=number).status_code == 303
    assert other.get("/account/profile").status_code == 303
    assert theirs.submit(theirs.get("/account/sessions"), "/account/sessions", session=number).status_code == 404
    assert browser.submit(browser.get("/account/profile"), "/sign-out").status_code == 303
    assert browser.get("/account/profile").status_code == 303


def test_an_application_is_disconnected(empty_world: World, browser: Browser) -> None:
    app = Application.register(empty_world)
    token = app.tokens(browser)["refresh_token"]
    page = browser.get("/account/connections")
    assert "Randevu" in page.text
    asked = browser.submit(page, "/account/connections", client=app.client.id)
    assert "Disconnect Randevu?" in asked.text
    assert browser.submit(asked, "/account/connections", sure="yes").status_code == 303
    assert "Randevu" not in browser.get("/account/connections").text
    expect_oauth_error(app.refresh(token), "invalid_grant")


def test_a_personal_token_is_shown_once_and_revoked(empty_world: World, browser: Browser) -> None:
    page = browser.get("/account/tokens")
    assert "name must have" in browser.submit(page, "/account/tokens", name="", days="30").text
    odd = browser.submit(page, "/account/tokens", name="x", days="²", tenant="²", scope="customers:read")
    assert odd.status_code == 422
    made = browser.submit(page, "/account/tokens", name="my script", days="30", scope="customers:read")
    assert (made.status_code, made.headers["location"]) == (303, "/account/tokens")
    (token,) = re.findall(r"rgl_pat_\w+", browser.get("/account/tokens").text)
    headers = {"Authorization": f"Bearer {token}"}
    assert empty_world.client.simulate_get(LIST, headers=headers).status_code == 200
    later = browser.get("/account/tokens")
    assert "my script" in later.text
    assert "in all businesses" in later.text
    assert token not in later.text
    (number,) = re.findall(r'name="revoke" value="([^"]+)"', later.text)
    stranger = Browser.signed_in(empty_world, empty_world.bob)
    assert stranger.submit(stranger.get("/account/tokens"), "/account/tokens", revoke=number).status_code == 404
    asked = browser.submit(later, "/account/tokens", revoke=number)
    assert "Revoke my script?" in asked.text
    assert browser.submit(asked, "/account/tokens", sure="yes").status_code == 303
    assert "my script" not in browser.get("/account/tokens").text


@pytest.mark.parametrize("tenant", ["abc", "-1", "1.5", "9" * 30])
def test_a_token_for_a_tenant_that_is_no_number_is_refused(empty_world: World, browser: Browser, tenant: str) -> None:
    page = browser.get("/account/tokens")
    fields = {"name": "x", "scope": "customers:read", "days": "7", "tenant": tenant}
    answer = browser.submit(page, "/account/tokens", **fields)
    assert answer.status_code == 422
    assert tenant in answer.text
    assert list_personal_tokens(empty_world.database, empty_world.alice) == []


def test_what_would_hurt_needs_a_sign_in_of_late(empty_world: World, browser: Browser) -> None:
    make_stale(empty_world)
    for path in ("/account/second-factor", "/account/passkeys", "/applications/new"):
        answer = browser.get(path)
        assert "reauthenticate=1" in answer.headers["location"]
    assert browser.get("/account/profile").status_code == 200


def make_stale(world: World) -> None:
    """Age all sessions so that sensitive actions require a new sign-in."""
    then = utc_now() - timedelta(minutes=16)
    world.database.execute(Statement(update(sessions).values(authenticated_at=then)))


def test_a_form_keeps_its_input_through_a_sign_in(empty_world: World, browser: Browser) -> None:
    common = {"scope": "users:read", "tenant": str(empty_world.clinic)}
    application = {"kind": "native", "redirect_uris": "https://a.example/\r\nb.c:/x", "logo_url": "https://a.example/l"}
    forms = {
        "/account/tokens": common | {"name": "my <script>", "days": "90"},
        "/applications/new": common | application | {"name": "CRM & more"},
    }
    for path, fields in forms.items():
        page = browser.get(path)
        make_stale(empty_world)
        location = browser.submit(page, path, **fields).headers["location"]
        assert "reauthenticate=1" in location
        assert "form_token" not in location
        asked = browser.get(location)
        back = browser.submit(asked, "/sign-in", email="alice@example.com", password=PASSWORD).headers["location"]
        again = browser.get(back)
        assert form_values(again) == form_values(page) | {"form_token": form_values(again)["form_token"]} | fields
    page = browser.get("/device")
    del browser.cookies["regulars_session"]
    location = browser.submit(page, "/device", user_code="BCDF-GHJK").headers["location"]
    asked = browser.get(location)
    back = browser.submit(asked, "/sign-in", email="alice@example.com", password=PASSWORD).headers["location"]
    assert form_values(browser.get(back))["user_code"] == "BCDF-GHJK"
    make_stale(empty_world)
    page = browser.get("/account/tokens")
    long = browser.submit(page, "/account/tokens", name="x" * 9000)
    assert browser.get(long.headers["location"]).status_code == 200
    secret = browser.submit(page, "/account/second-factor", password="a secret", code="123456", credential="x")
    assert secret.headers["location"] == "/sign-in?next=%2Faccount%2Fsecond-factor&reauthenticate=1"


def form_values(page: Result) -> dict[str, str]:
    """Return the fields and values of the main form of a page, which is the last one of its content."""
    form = page.text.partition("</main>")[0].rpartition("<form")[2]
    found = dict(re.findall(r'<input (?:id="\w+" |type="hidden" )name="(\w+)"[^>]* value="([^"]*)"', form))
    found |= dict(re.findall(r'<input type="(?:radio|checkbox)" name="(\w+)" value="([^"]*)"[^>]* checked', form))
    for name, options in re.findall(r'<select id="\w+" name="(\w+)">(.*?)</select>', form, re.DOTALL):
        found[name] = (re.findall(r'value="([^"]*)" selected', options) or re.findall(r'value="([^"]*)"', options))[0]
    found |= dict(re.findall(r'<textarea id="\w+" name="(\w+)"[^>]*>([^<]*)</textarea>', form))
    return {name: unescape(value) for name, value in found.items()}


def test_a_form_with_a_fault_keeps_what_was_typed(empty_world: World, browser: Browser) -> None:
    page = browser.get("/account/tokens")
    typed = {"name": "my script", "tenant": str(empty_world.clinic), "days": "365"}
    answer = browser.submit(page, "/account/tokens", **typed)
    assert answer.status_code == 422
    assert form_values(answer).items() >= typed.items()
    assert "checked" not in answer.text
    page = browser.submit(browser.get("/account/profile"), "/account/profile", name="x" * 300)
    assert f'value="{"x" * 300}"' in page.text


def test_an_owner_registers_an_application_and_sees_its_secret_once(empty_world: World, browser: Browser) -> None:
    form = {"tenant": str(empty_world.clinic), "name": "CRM", "kind": "web", "scope": "customers:read"}
    page = browser.get("/applications/new")
    bad = browser.submit(page, "/applications/new", **form, redirect_uris="http://crm.example/", logo_url="ftp://x")
    assert bad.status_code == 422
    assert "Only loopback addresses may use http" in bad.text
    assert "logo_url must be" in bad.text
    assert 'value="CRM"' in bad.text
    made = browser.submit(page, "/applications/new", **form, redirect_uris="https://crm.example/cb")
    address = made.headers["location"]
    shown = browser.get(address)
    (secret,) = re.findall(r"rgl_secret_\w+", shown.text)
    assert secret not in browser.get(address).text
    (client,) = list_clients(empty_world.database, empty_world.clinic)
    assert client.id in shown.text
    assert client.check_client_secret(secret)
    asked = browser.submit(shown, address, do="rotate")
    assert "Create a new secret for CRM?" in asked.text
    assert client.check_client_secret(secret)
    browser.submit(asked, address, do="rotate", sure="yes")
    (new,) = re.findall(r"rgl_secret_\w+", browser.get(address).text)
    assert new != secret
    browser.submit(shown, address, do="delete")
    assert browser.get(address).status_code == 200, "deleted without confirmation"
    browser.submit(shown, address, do="delete", sure="yes")
    assert browser.get(address).status_code == 404


def test_others_do_not_see_a_tenants_applications(empty_world: World, browser: Browser) -> None:
    app = Application.register(empty_world, tenant_id=empty_world.clinic)
    charlie = Browser.signed_in(empty_world, empty_world.charlie)
    assert charlie.get(f"/applications/{app.client.id}").status_code == 404
    page = charlie.get("/applications/new")
    form = {"tenant": str(empty_world.clinic), "name": "x", "kind": "device", "scope": "openid"}
    assert charlie.submit(page, "/applications/new", **form).status_code == 409
    assert list_clients(empty_world.database, empty_world.clinic) == [app.client]
    bob = Browser.signed_in(empty_world, empty_world.bob)
    assert bob.get("/applications").status_code == 403
    assert "Applications</a>" not in bob.get("/account/profile").text
    operators = Application.register(empty_world)
    assert browser.get(f"/applications/{operators.client.id}").status_code == 404


def test_behind_a_proxy_that_gives_it_a_prefix_every_link_has_it(fresh_database: FreshDatabase) -> None:
    with World.on(fresh_database("sqlite"), public_url="https://example.com/crm") as world:
        app = Application.register(world)
        browser = Browser(world)
        to_sign_in = browser.get(app.request()).headers["location"]
        assert to_sign_in.startswith("/crm/sign-in?next=%2Foauth%2Fauthorize%3F")
        page = browser.get(to_sign_in.removeprefix("/crm"))
        assert set(re.findall(r'(?:href|action|src)="([^#"]*)"', page.text)) >= {
            "/crm/sign-in",
            f"/crm{load_assets().path('console.css')}",
        }
        assert all(link.startswith("/crm/") for link in re.findall(r'(?:href|action|src)="([^#"]*)"', page.text))
        answer = browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD)
        assert answer.headers["location"].startswith("/crm/oauth/authorize?")
        asked = browser.get(answer.headers["location"].removeprefix("/crm"))
        assert 'action="/crm/oauth/consent"' in asked.text


def test_after_signing_in_the_authorization_request_continues(empty_world: World) -> None:
    app = Application.register(empty_world)
    browser = Browser(empty_world)
    page = browser.get(browser.get(app.request()).headers["location"])
    assert "form-action 'self' https://app.example" in page.headers["Content-Security-Policy"]
    assert "After you sign in, you continue to Randevu." in page.text
    back = browser.submit(page, "/sign-in", email="alice@example.com", password=PASSWORD).headers["location"]
    answer = browser.submit(browser.get(back), "/oauth/consent", decision="allow")
    assert app.redeem(redirect_parameters(answer)["code"]).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_strict_and_can_be_read_by_all(empty_world: World, browser: Browser, path: str) -> None:
    page = (Browser(empty_world) if path == "/sign-in" else browser).get(path)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! type=.module. src=)", page.text)
    assert page.text.count("<h1") == 1
    assert '<html lang="en">' in page.text
    labelled = set(re.findall(r'<label for="([^"]+)"', page.text))
    inputs = re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page.text)
    assert set(inputs) == labelled


def sentences() -> Iterator[str]:
    """Return every sentence that the pages translate."""
    folder = Path(regulars.console.__file__).parent / "templates"
    for path in folder.glob("*.jinja"):
        for call in jinja2.Environment(autoescape=True).parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and isinstance(call.args[0], nodes.Const):
                yield str(call.args[0].value)


def test_every_sentence_of_the_pages_is_there_in_turkish(empty_world: World) -> None:
    catalog = _catalog("tr")
    assert sorted(set(sentences()) - set(catalog)) == []
    for english, turkish in catalog.items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", turkish))
    page = Browser(empty_world).get("/sign-in", headers={"Accept-Language": "de, tr;q=0.9, en;q=0.8"})
    assert '<html lang="tr">' in page.text
    assert "Giriş yap" in page.text


def test_error_pages_are_translated(empty_world: World, browser: Browser) -> None:
    browser.language = "tr"
    shown = {path: browser.get(path) for path in ("/account/sessions", "/account/connections", "/account/tokens")}
    answers = [
        browser.get("/nowhere"),
        browser.get("/oauth/consent"),
        browser.get("/applications/x"),
        browser.get("/oauth/authorize?client_id=%00"),
        browser.get("/sign-in?" + "x" * 9000),
        browser.post("/account/profile", {}, headers={"Content-Type": "text/plain"}),
        browser.submit(shown["/account/sessions"], "/account/sessions", session="x"),
        browser.submit(shown["/account/connections"], "/account/connections", client="x"),
        browser.submit(shown["/account/tokens"], "/account/tokens", revoke="x"),
        browser.submit(browser.get("/account/passkeys"), "/account/passkeys", delete="x"),
    ]
    said = [re.search(r"</h1>\s*<p>([^<]+)</p>", answer.text) for answer in answers]
    forms = [
        browser.submit(shown["/account/tokens"], "/account/tokens", name="x", scope="nothing", days="0"),
        browser.submit(
            shown["/account/tokens"], "/account/tokens", name="x", scope="users:read", tenant="77", days="7"
        ),
        browser.submit(browser.get("/applications/new"), "/applications/new", tenant=str(empty_world.clinic), kind="x"),
        browser.submit(browser.get("/account/passkeys"), "/account/passkeys", name="x", credential="x"),
    ]
    faults = [fault for form in forms for fault in re.findall(r'class="fault" role="alert">([^<]+)<', form.text)]
    sentences = [words[1] for words in said if words] + faults
    assert len(sentences) == len(answers) + 6
    assert [words for words in sentences if re.search(r"\b(The|the|There|must|of|is|cannot)\b", words)] == []


def test_faults_of_values_are_translated(empty_world: World, browser: Browser) -> None:
    page = browser.get("/applications/new")
    browser.language = "tr"
    form = {"tenant": str(empty_world.clinic), "name": "CRM", "scope": "customers:read"}
    for uri in (
        "/no-scheme", "https://a.example/#x", "custom:/x", "http://a.example/", "https://u@a.example/",
        "https://a.example:x/", "https:///x", "javascript:alert(1)",
    ):  # fmt: skip
        for kind in ("web", "native", "service"):
            answer = browser.submit(page, "/applications/new", **form, kind=kind, redirect_uris=uri)
            (fault,) = re.findall(r'class="fault" role="alert">([^<]+)<', answer.text)
            assert answer.status_code == 422
            assert not re.search(r"\b(The|must|of)\b", fault)
            assert uri in fault or kind == "service"
    answer = browser.submit(page, "/applications/new", **form | {"scope": "openid"}, kind="service")
    assert "Şu izinleri alamaz: openid" in answer.text
