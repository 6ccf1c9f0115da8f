"""Token endpoint: exchange of authorization codes, refresh tokens and client secrets, and prevention of their reuse."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from falcon.testing import Result
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import update

from regulars.accounts.administration import delete_user, disable_user
from regulars.accounts.memberships import add_member, remove_member
from regulars.accounts.users import get_user
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import authorization_codes, clients, grants, refresh_tokens
from regulars.oauth.clients import delete_client, rotate_secret
from regulars.permissions import Role
from regulars.security.audit import list_events
from tests.support.oauth import FORM, VERIFIER, Application, Browser, expect_oauth_error, redirect_parameters
from tests.support.world import LIST, World, client_for, expect_error

AGO = utc_now() - timedelta(days=2)


def api(world: World, token: str, path: str = LIST, **headers: str) -> Result:
    return world.client.simulate_get(path, headers={"Authorization": f"Bearer {token}"} | headers)


def age_grants(database: Database, *, rotated_seconds: int) -> None:
    """Set the last rotation of every grant to a number of seconds ago."""
    then = utc_now() - timedelta(seconds=rotated_seconds)
    database.execute(Statement(update(grants).values(rotated_at=then)))


def run_concurrently(calls: int, call: Callable[[], Result]) -> list[int]:
    with ThreadPoolExecutor(calls) as threads:
        return sorted(future.result().status_code for future in [threads.submit(call) for _ in range(calls)])


@pytest.fixture
def app(empty_world: World) -> Application:
    return Application.register(empty_world)


@pytest.fixture
def browser(empty_world: World) -> Browser:
    return Browser.signed_in(empty_world, empty_world.alice)


def kinds(world: World) -> list[str]:
    return [event.kind for event in list_events(world.database)]


def test_a_code_returns_the_tokens_that_clients_expect(empty_world: World, app: Application, browser: Browser) -> None:
    result = app.redeem(app.code(browser, scope="openid customers:read", nonce="n-1"))
    token = result.json
    assert set(token) == {"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"}
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "openid customers:read")
    assert result.headers["Cache-Control"] == "no-store"
    keys = KeySet.import_key_set(empty_world.client.simulate_get("/oauth/jwks").json)
    access = jwt.decode(token["access_token"], keys)
    assert access.header["typ"] == "at+jwt"
    assert access.claims["aud"] == access.claims["iss"] == empty_world.settings.origin
    assert access.claims["client_id"] == app.client.id
    identity = jwt.decode(token["id_token"], keys).claims
    assert (identity["aud"], identity["sub"], identity["nonce"]) == (app.client.id, str(empty_world.alice), "n-1")
    assert {"iss", "iat", "exp", "auth_time", "at_hash", "amr"} <= set(identity)
    assert api(empty_world, token["access_token"]).status_code == 200


def test_a_second_use_of_a_code_ends_its_tokens(empty_world: World, app: Application, browser: Browser) -> None:
    code = app.code(browser)
    first = app.redeem(code).json
    assert api(empty_world, first["access_token"]).status_code == 200
    expect_oauth_error(app.redeem(code), "invalid_grant")
    expect_oauth_error(app.refresh(first["refresh_token"]), "invalid_grant")
    fresh = restart_server(empty_world)
    expect_error(api(fresh, first["access_token"]), 401, "invalid_token")
    assert "grant.code_reused" in kinds(empty_world)


def restart_server(world: World) -> World:
    """Replace the server of the world by a new one with empty caches (cached tokens are valid for half a second)."""
    world.client = client_for(world.settings, world.database)
    return world


def test_only_one_of_twenty_concurrent_redemptions_of_a_code_succeeds(app: Application, browser: Browser) -> None:
    code = app.code(browser)
    assert run_concurrently(20, lambda: app.redeem(code)) == [200] + [400] * 19


def test_a_code_expires_after_a_minute(empty_world: World, app: Application, browser: Browser) -> None:
    code = app.code(browser)
    row = Statement(update(authorization_codes).values(expires_at=utc_now()))
    empty_world.database.execute(row)
    expect_oauth_error(app.redeem(code), "invalid_grant")


def test_a_code_is_bound_to_its_client_redirect_uri_and_verifier(
    empty_world: World, app: Application, browser: Browser
) -> None:
    code = app.code(browser)
    expect_oauth_error(Application.register(empty_world).redeem(code), "invalid_grant")
    expect_oauth_error(app.redeem(code, redirect_uri="https://app.example/other"), "invalid_grant")
    expect_oauth_error(app.redeem(code, code_verifier="b" + VERIFIER[1:]), "invalid_grant")
    expect_oauth_error(app.redeem(code, code_verifier=None), "invalid_request")
    assert app.redeem(code).status_code == 200, "failed attempts must not use up the code"


def test_a_verifier_without_a_challenge_is_refused(empty_world: World, browser: Browser) -> None:
    web = Application.register(empty_world, "web")
    code = web.code(browser, code_challenge=None, code_challenge_method=None, nonce="n", scope="openid")
    expect_oauth_error(web.redeem(code), "invalid_request")
    assert web.redeem(code, code_verifier=None).status_code == 200


def test_a_refresh_token_is_rotated_and_the_old_one_ends_the_family(
    empty_world: World, app: Application, browser: Browser
) -> None:
    first = app.tokens(browser)["refresh_token"]
    second = app.refresh(first).json["refresh_token"]
    assert second != first
    age_grants(empty_world.database, rotated_seconds=11)
    expect_oauth_error(app.refresh(first), "invalid_grant")
    expect_oauth_error(app.refresh(second), "invalid_grant")
    assert "grant.refresh_token_reused" in kinds(empty_world)


def test_within_ten_seconds_the_predecessor_gets_a_sibling_and_is_counted(
    empty_world: World, app: Application, browser: Browser
) -> None:
    first = app.tokens(browser)["refresh_token"]
    second = app.refresh(first).json["refresh_token"]
    sibling = app.refresh(first).json["refresh_token"]
    assert len({first, second, sibling}) == 3
    assert kinds(empty_world).count("refresh_token.grace_used") == 1
    third = app.refresh(second).json["refresh_token"]
    assert app.refresh(sibling).status_code == 200, "a direct predecessor of the current token is accepted"
    age_grants(empty_world.database, rotated_seconds=11)
    expect_oauth_error(app.refresh(sibling), "invalid_grant")
    expect_oauth_error(app.refresh(third), "invalid_grant")


def test_only_the_direct_predecessor_has_a_grace_period(empty_world: World, app: Application, browser: Browser) -> None:
    first = app.tokens(browser)["refresh_token"]
    third = app.refresh(app.refresh(first).json["refresh_token"]).json["refresh_token"]
    expect_oauth_error(app.refresh(first), "invalid_grant")
    expect_oauth_error(app.refresh(third), "invalid_grant")


def test_only_one_of_twenty_concurrent_refreshes_rotates_the_token(
    empty_world: World, app: Application, browser: Browser
) -> None:
    token = app.tokens(browser)["refresh_token"]
    assert run_concurrently(20, lambda: app.refresh(token)) == [200] * 20
    rows = empty_world.database.fetch_all(Statement(grants.select()))
    (row,) = [dict(zip(grants.c.keys(), row, strict=True)) for row in rows]
    assert (row["generation"], row["grace_uses"]) == (1, 19)


def test_without_a_grace_exactly_one_of_twenty_gets_a_token(empty_world: World, browser: Browser) -> None:
    empty_world.settings = replace(empty_world.settings, refresh_token_grace=0)
    restart_server(empty_world)
    app = Application.register(empty_world)
    token = app.tokens(browser)["refresh_token"]
    assert run_concurrently(20, lambda: app.refresh(token)) == [200] + [400] * 19


def test_a_refresh_token_ends_without_use_and_a_grant_after_a_year(
    empty_world: World, app: Application, browser: Browser
) -> None:
    unused = app.tokens(browser)["refresh_token"]
    empty_world.database.execute(Statement(update(refresh_tokens).values(expires_at=AGO)))
    expect_oauth_error(app.refresh(unused), "invalid_grant")
    old = app.tokens(browser)["refresh_token"]
    empty_world.database.execute(Statement(update(grants).values(expires_at=AGO)))
    expect_oauth_error(app.refresh(old), "invalid_grant")


def test_a_refresh_may_narrow_the_scope_and_never_widen_it(app: Application, browser: Browser) -> None:
    token = app.tokens(browser, scope="customers:read account:read")["refresh_token"]
    narrow = app.refresh(token, scope="account:read").json
    assert narrow["scope"] == "account:read"
    expect_oauth_error(app.refresh(narrow["refresh_token"], scope="customers:write"), "invalid_scope")
    assert app.refresh(narrow["refresh_token"]).json["scope"] == "customers:read account:read"


def test_another_clients_refresh_token_is_refused_and_stays_valid(
    empty_world: World, app: Application, browser: Browser
) -> None:
    token = app.tokens(browser)["refresh_token"]
    expect_oauth_error(Application.register(empty_world).refresh(token), "invalid_grant")
    assert app.refresh(token).status_code == 200


def test_secrets_are_stored_only_as_digests(empty_world: World, browser: Browser) -> None:
    web = Application.register(empty_world, "web")
    code = web.code(browser)
    tokens = web.redeem(code).json
    everything = ""
    for table in (authorization_codes, refresh_tokens, grants, clients):
        everything += repr(empty_world.database.fetch_all(Statement(table.select())))
    for secret in (code, tokens["refresh_token"], tokens["access_token"], web.secret):
        assert secret
        assert secret not in everything


def test_a_client_with_a_secret_may_use_basic_once_and_post_the_next_time(empty_world: World, browser: Browser) -> None:
    web = Application.register(empty_world, "web")
    token = web.tokens(browser)["refresh_token"]
    basic = "Basic " + base64.b64encode(f"{web.client.id}:{web.secret}".encode()).decode()
    body = f"grant_type=refresh_token&refresh_token={token}"
    headers = {"Authorization": basic, "Content-Type": FORM}
    result = empty_world.client.simulate_post("/oauth/token", body=body, headers=headers)
    assert result.status_code == 200
    assert web.refresh(result.json["refresh_token"]).status_code == 200
    # The credentials are form-encoded (RFC 6749, section 2.3.1); some clients encode more characters than needed.
    encoded = ":".join("".join(f"%{ord(letter):02X}" for letter in part) for part in (web.client.id, web.secret or ""))
    spelled = {"Authorization": "Basic " + base64.b64encode(encoded.encode()).decode(), "Content-Type": FORM}
    unknown = empty_world.client.simulate_post(
        "/oauth/token", body="grant_type=refresh_token&refresh_token=x", headers=spelled
    )
    expect_oauth_error(unknown, "invalid_grant")
    both = empty_world.client.simulate_post("/oauth/token", body=body + f"&client_secret={web.secret}", headers=headers)
    expect_oauth_error(both, "invalid_request")


@pytest.mark.parametrize("header", ["Basic !!!", "Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "Basic eDp5"])
def test_a_client_that_cannot_be_authenticated_gets_401(empty_world: World, header: str) -> None:
    headers = {"Authorization": header, "Content-Type": FORM}
    result = empty_world.client.simulate_post("/oauth/token", body="grant_type=client_credentials", headers=headers)
    expect_oauth_error(result, "invalid_client", 401)
    assert result.headers["WWW-Authenticate"].startswith('Basic realm="regulars", error="invalid_client"')


def test_a_secret_is_required_and_a_rotated_secret_is_invalid(empty_world: World, browser: Browser) -> None:
    web = Application.register(empty_world, "web")
    token = web.tokens(browser)["refresh_token"]
    expect_oauth_error(web.refresh(token, client_secret="rgl_secret_wrong"), "invalid_client", 401)
    expect_oauth_error(
        web.ask(grant_type="refresh_token", refresh_token=token, client_secret=None), "invalid_client", 401
    )
    new = rotate_secret(empty_world.database, web.client)
    expect_oauth_error(web.refresh(token), "invalid_client", 401)
    assert web.refresh(token, client_secret=new).status_code == 200


def test_invalid_forms_and_repeated_parameters_are_refused(
    empty_world: World, app: Application, browser: Browser
) -> None:
    code = app.code(browser)
    post = empty_world.client.simulate_post
    expect_oauth_error(post("/oauth/token", json={"grant_type": "authorization_code", "code": code}), "invalid_request")
    expect_oauth_error(post("/oauth/token", body=b"\xff=1", headers={"Content-Type": FORM}), "invalid_request")
    query = f"grant_type=authorization_code&code={code}&client_id={app.client.id}&code_verifier={VERIFIER}"
    expect_oauth_error(post("/oauth/token", query_string=query, headers={"Content-Type": FORM}), "invalid_request")
    expect_oauth_error(post("/oauth/token", body=query + "&code=x", headers={"Content-Type": FORM}), "invalid_request")
    expect_oauth_error(
        app.ask(grant_type="password", username="alice@example.com", password="x"), "unsupported_grant_type"
    )
    expect_oauth_error(app.ask(), "invalid_request")


def test_no_token_is_issued_over_plain_http(empty_world: World) -> None:
    empty_world.settings = replace(empty_world.settings, public_url="http://customers.example")
    restart_server(empty_world)
    service = Application.register(empty_world, "service", scopes=["customers:read"], tenant_id=empty_world.clinic)
    expect_oauth_error(service.ask(grant_type="client_credentials"), "insecure_transport")


def test_the_resource_is_bound_into_the_audience(empty_world: World, app: Application, browser: Browser) -> None:
    origin = empty_world.settings.origin
    keys = KeySet.import_key_set(empty_world.client.simulate_get("/oauth/jwks").json)
    token = app.tokens(browser, resource=f"{origin}/api/v1")
    assert jwt.decode(token["access_token"], keys).claims["aud"] == f"{origin}/api/v1"
    assert api(empty_world, token["access_token"]).status_code == 200
    expect_oauth_error(app.refresh(token["refresh_token"], resource="https://other.example"), "invalid_target")
    expect_oauth_error(app.refresh(token["refresh_token"], resource=origin), "invalid_target")
    code = app.code(browser)
    expect_oauth_error(app.redeem(code, resource="https://other.example"), "invalid_target")
    assert app.redeem(code).status_code == 200, "a request with an invalid resource must not use up the code"
    again = app.refresh(token["refresh_token"], resource=f"{origin}/api/v1").json
    assert jwt.decode(again["access_token"], keys).claims["aud"] == f"{origin}/api/v1"


def test_a_service_account_acts_in_its_tenant_within_its_role(empty_world: World) -> None:
    service = Application.register(
        empty_world, "service", scopes=["customers:read", "customers:write"], tenant_id=empty_world.clinic
    )
    result = service.ask(grant_type="client_credentials")
    assert set(result.json) == {"access_token", "token_type", "expires_in", "scope"}
    token = result.json["access_token"]
    assert api(empty_world, token).status_code == 200
    expect_error(api(empty_world, token, **{"X-Tenant": str(empty_world.salon)}), 403, "tenant_forbidden")
    expect_error(api(empty_world, token, "/oauth/userinfo"), 403, "insufficient_scope")
    expect_oauth_error(service.ask(grant_type="client_credentials", scope="account:read"), "invalid_scope")
    assert service.ask(grant_type="client_credentials", scope="customers:read").json["scope"] == "customers:read"
    delete_client(empty_world.database, service.client)
    expect_error(api(restart_server(empty_world), token), 401, "invalid_token")


def test_a_client_may_only_use_the_grants_of_its_kind(empty_world: World, app: Application) -> None:
    expect_oauth_error(app.ask(grant_type="client_credentials"), "invalid_client", 401)
    web = Application.register(empty_world, "web")
    expect_oauth_error(web.ask(grant_type="client_credentials"), "unauthorized_client")


def test_a_tenants_application_acts_only_in_that_tenant(empty_world: World) -> None:
    app = Application.register(empty_world, tenant_id=empty_world.salon)
    token = app.tokens(Browser.signed_in(empty_world, empty_world.dora))["access_token"]
    assert api(empty_world, token).status_code == 200
    expect_error(api(empty_world, token, **{"X-Tenant": str(empty_world.clinic)}), 403, "tenant_forbidden")
    listed = api(empty_world, token, "/api/v1/account/tenants").json["data"]
    assert [tenant["id"] for tenant in listed] == [empty_world.salon]


def test_a_former_members_token_is_refused_in_the_tenant(empty_world: World, app: Application) -> None:
    token = app.tokens(Browser.signed_in(empty_world, empty_world.dora))["access_token"]
    header = {"X-Tenant": str(empty_world.clinic)}
    assert api(empty_world, token, **header).status_code == 200
    remove_member(empty_world.database, empty_world.clinic, "dora@example.com")
    expect_error(api(restart_server(empty_world), token, **header), 403, "tenant_forbidden")


def test_the_grant_of_a_user_who_left_the_last_tenant_has_ended(empty_world: World, app: Application) -> None:
    tokens = app.tokens(Browser.signed_in(empty_world, empty_world.bob))
    remove_member(empty_world.database, empty_world.clinic, "bob@example.com")
    add_member(empty_world.database, empty_world.clinic, "bob@example.com", Role.AGENT)
    expect_error(api(restart_server(empty_world), tokens["access_token"]), 401, "invalid_token")
    expect_oauth_error(app.refresh(tokens["refresh_token"]), "invalid_grant")


def test_revoking_a_refresh_token_ends_its_family(empty_world: World, app: Application, browser: Browser) -> None:
    token = app.tokens(browser)
    assert app.ask("/oauth/revoke", token=token["refresh_token"]).status_code == 200
    expect_oauth_error(app.refresh(token["refresh_token"]), "invalid_grant")
    expect_error(api(restart_server(empty_world), token["access_token"]), 401, "invalid_token")


def test_revoking_an_access_token_ends_only_that_token(empty_world: World, app: Application, browser: Browser) -> None:
    token = app.tokens(browser)
    assert app.ask("/oauth/revoke", token=token["access_token"], token_type_hint="anything").status_code == 200
    expect_error(api(restart_server(empty_world), token["access_token"]), 401, "invalid_token")
    assert app.refresh(token["refresh_token"]).status_code == 200
    assert app.ask("/oauth/revoke", token="unknown").status_code == 200
    expect_oauth_error(app.ask("/oauth/revoke"), "invalid_request")
    other = Application.register(empty_world)
    expect_oauth_error(other.ask("/oauth/revoke", token=token["refresh_token"]), "invalid_grant")


def test_introspection_answers_only_permitted_clients(empty_world: World, browser: Browser) -> None:
    ours = Application.register(empty_world, "web", tenant_id=empty_world.clinic)
    neighbour = Application.register(empty_world, "service", scopes=["customers:read"], tenant_id=empty_world.clinic)
    stranger = Application.register(empty_world, "service", scopes=["customers:read"], tenant_id=empty_world.salon)
    operator = Application.register(empty_world, "web")
    token = ours.tokens(browser)
    for name in ("access_token", "refresh_token"):
        for asker in (ours, neighbour, operator):
            told = asker.ask("/oauth/introspect", token=token[name]).json
            assert told["active"] is True
            assert (told["client_id"], told["sub"]) == (ours.client.id, str(empty_world.alice))
        assert stranger.ask("/oauth/introspect", token=token[name]).json == {"active": False}
    assert ours.ask("/oauth/introspect", token="unknown").json == {"active": False}
    ours.refresh(token["refresh_token"])
    assert ours.ask("/oauth/introspect", token=token["refresh_token"]).json == {"active": False}
    expect_oauth_error(ours.ask("/oauth/introspect", token="x", client_secret=None), "invalid_client", 401)


def test_an_id_token_is_not_accepted_as_an_access_token(empty_world: World, app: Application, browser: Browser) -> None:
    token = app.tokens(browser)["id_token"]
    for path in ("/oauth/userinfo", "/api/v1/account"):
        expect_error(api(empty_world, token, path), 401, "invalid_token")


def test_userinfo_returns_the_claims_that_the_scopes_allow(
    empty_world: World, app: Application, browser: Browser
) -> None:
    only_id = app.tokens(browser, scope="openid")["access_token"]
    assert api(empty_world, only_id, "/oauth/userinfo").json == {"sub": str(empty_world.alice)}
    more = app.tokens(browser, scope="openid profile email")["access_token"]
    told = {"sub": str(empty_world.alice), "name": "Alice", "email": "alice@example.com", "email_verified": True}
    assert api(empty_world, more, "/oauth/userinfo").json == told
    without = app.tokens(browser, scope="profile")["access_token"]
    expect_error(api(empty_world, without, "/oauth/userinfo"), 403, "insufficient_scope")
    in_query = empty_world.client.simulate_get("/oauth/userinfo", params={"access_token": more})
    assert in_query.status_code == 401


@pytest.mark.parametrize("end", ["delete", "disable", "leave"])
def test_userinfo_refuses_a_user_who_is_gone(empty_world: World, app: Application, end: str) -> None:
    token = app.tokens(Browser.signed_in(empty_world, empty_world.bob), scope="openid")["access_token"]
    late = empty_world.token(empty_world.bob, ["openid"])
    bob = get_user(empty_world.database, empty_world.bob)
    if end == "delete":
        delete_user(empty_world.database, bob)
    elif end == "disable":
        disable_user(empty_world.database, bob)
    else:
        remove_member(empty_world.database, empty_world.clinic, "bob@example.com")
    for each in (token, late):
        expect_error(api(restart_server(empty_world), each, "/oauth/userinfo"), 401, "invalid_token")


def test_userinfo_of_a_user_who_was_just_deleted_is_401(empty_world: World, app: Application) -> None:
    """The server that has verified the token remembers it for half a second."""
    token = app.tokens(Browser.signed_in(empty_world, empty_world.bob), scope="openid")["access_token"]
    assert api(empty_world, token, "/oauth/userinfo").status_code == 200
    delete_user(empty_world.database, get_user(empty_world.database, empty_world.bob))
    expect_error(api(empty_world, token, "/oauth/userinfo"), 401, "invalid_token")


@pytest.mark.parametrize("subject", [4711, 10**39, -(10**39), 0])
def test_userinfo_of_an_impossible_user_is_401(empty_world: World, subject: int) -> None:
    answer = api(empty_world, empty_world.token(subject, ["openid"]), "/oauth/userinfo")
    expect_error(answer, 401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("scope", ["\x01", "\x7f", '"', "é", "s" * 5000, " ".join(f"s{n}" for n in range(999))])
def test_the_description_of_an_odd_scope_is_short_and_printable(
    empty_world: World, browser: Browser, scope: str
) -> None:
    app = Application.register(empty_world)
    device = Application.register(empty_world, "device", scopes=["customers:read"])
    refused = device.ask("/oauth/device_authorization", scope=scope)
    expect_oauth_error(refused, "invalid_scope")
    for answer in (refused.json, redirect_parameters(browser.get(app.request(scope=scope)))):
        assert answer["error"] == "invalid_scope"
        assert answer["error_description"].isprintable()
        assert len(answer["error_description"]) < 500


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
def test_a_public_client_with_a_secret_in_the_header_is_told_that_it_has_none(app: Application, path: str) -> None:
    basic = "Basic " + base64.b64encode(f"{app.client.id}:secret".encode()).decode()
    answer = app.world.client.simulate_post(
        path, body="grant_type=refresh_token&token=x", headers={"Authorization": basic, "Content-Type": FORM}
    )
    expect_oauth_error(answer, "invalid_client", 401)
    assert "has no secret" in answer.json["error_description"]
