"""Authentication and authorization by tokens, scopes, tenants and headers."""

import gzip
import re
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import brotli
import pytest
import zstandard
from falcon.testing import Result

from regulars.accounts.memberships import add_member
from regulars.api import authentication
from regulars.oauth.signing_keys import rotate_key
from regulars.permissions import Role
from tests.support.world import LIST, World, client_for, expect_error


def raw_get(world: World, path: str = LIST, **headers: str) -> Result:
    return world.client.simulate_get(path, headers=headers)


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Token abc", "Bearer"])
def test_without_a_token_the_answer_is_401(world: World, header: str | None) -> None:
    answer = raw_get(world) if header is None else raw_get(world, Authorization=header)
    expect_error(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="regulars", resource_metadata="http')
    assert "error" not in answer.headers["WWW-Authenticate"]


def test_a_token_that_is_known_still_needs_its_scheme(world: World) -> None:
    token = world.token(world.alice)
    assert raw_get(world, Authorization=f"bearer {token}").status_code == 200
    assert raw_get(world, Authorization=f"Bearer {token}").status_code == 200
    expect_error(raw_get(world, Authorization=token), 401, "unauthorized")
    expect_error(raw_get(world, Authorization=f"Token {token}"), 401, "unauthorized")


@pytest.mark.parametrize("token", ["abc", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x" * 9000, "a b", "Bearer x", "é"])
def test_an_invalid_token_is_401(world: World, token: str) -> None:
    answer = raw_get(world, Authorization=f"Bearer {token}")
    expect_error(answer, 401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_changed_in_one_letter_is_refused(world: World) -> None:
    token = world.token(world.alice)
    head, payload, signature = token.split(".")
    changed = "B" if payload[9] != "B" else "C"
    for forged in (f"{head}.{payload[:9]}{changed}{payload[10:]}.{signature}", f"{head}.{payload}.{signature[::-1]}"):
        expect_error(raw_get(world, Authorization=f"Bearer {forged}"), 401, "invalid_token")


def test_an_expired_token_is_refused_even_when_it_was_seen_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = world.token(world.alice)
    assert raw_get(world, Authorization=f"bearer {token}").status_code == 200
    import time

    later = time.time() + 7200
    monkeypatch.setattr(time, "time", lambda: later)
    body = expect_error(raw_get(world, Authorization=f"Bearer {token}"), 401, "invalid_token")
    assert "expired" in body["message"]


def test_a_token_without_the_scope_is_403(world: World) -> None:
    token = world.token(world.alice, ["openid"])
    answer = raw_get(world, Authorization=f"Bearer {token}")
    body = expect_error(answer, 403, "insufficient_scope")
    assert "scope" in body["message"]
    assert 'scope="customers:read"' in answer.headers["WWW-Authenticate"]


def test_the_tenant_may_be_left_out_where_only_one_can_be_meant(world: World) -> None:
    assert world.get(user=world.alice).status_code == 200
    body = expect_error(world.get(user=world.dora), 400, "tenant_required")
    assert "tenant" in body["message"]
    assert world.get(user=world.dora, tenant=world.salon).json["meta"]["total"] == 2


def test_a_token_limited_to_a_tenant_is_valid_only_there(world: World) -> None:
    bound = {"Authorization": f"Bearer {world.token(world.dora, tenant_id=world.salon)}"}
    assert world.client.simulate_get(LIST, headers=bound).json["meta"]["total"] == 2
    other = world.client.simulate_get(LIST, headers=bound | {"X-Tenant": str(world.clinic)})
    expect_error(other, 403, "tenant_forbidden")


@pytest.mark.parametrize("tenant", ["1e1", "abc", "1.0", "1,2", "٣", "0x1", "1 2", "null", "+1"])
def test_a_tenant_that_is_no_number_is_400(world: World, tenant: str) -> None:
    body = expect_error(world.get(tenant=tenant.encode().decode("latin-1")), 400, "tenant_required")
    assert "tenant" in body["message"]


@pytest.mark.parametrize("tenant", ["0", "-1", "99999999999999999999999", "424242"])
def test_an_unknown_tenant_is_403(world: World, tenant: str) -> None:
    answer = world.get(tenant=tenant)
    expect_error(answer, 403, "tenant_forbidden")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def expire_token_cache(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Advance the server's clock by a second, so that its cached tokens expire."""
    import time

    later = time.monotonic() + 1.0
    monkeypatch.setattr(time, "monotonic", lambda: later)


def test_a_revoked_token_is_refused_within_a_second(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from regulars.oauth.access_tokens import revoke_token

    token = empty_world.token(empty_world.alice)
    other = empty_world.token(empty_world.alice)
    assert raw_get(empty_world, Authorization=f"Bearer {token}").status_code == 200
    revoke_token(empty_world.database, empty_world.settings, token)
    expire_token_cache(empty_world, monkeypatch)
    expect_error(raw_get(empty_world, Authorization=f"Bearer {token}"), 401, "invalid_token")
    assert raw_get(empty_world, Authorization=f"Bearer {other}").status_code == 200


def test_a_new_membership_counts_within_a_second(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expect_error(empty_world.get(tenant=empty_world.salon), 403, "tenant_forbidden")
    add_member(empty_world.database, empty_world.salon, "alice@example.com", Role.VIEWER)
    expire_token_cache(empty_world, monkeypatch)
    assert empty_world.get(tenant=empty_world.salon).status_code == 200


def test_old_and_new_tokens_are_valid_after_a_key_rotation(empty_world: World) -> None:
    old = empty_world.token(empty_world.alice)
    assert raw_get(empty_world, Authorization=f"Bearer {old}").status_code == 200
    for algorithm in ("EdDSA", "RS256"):
        rotate_key(empty_world.database, empty_world.settings, algorithm)
        new = empty_world.token(empty_world.alice)
        assert raw_get(empty_world, Authorization=f"Bearer {new}").status_code == 200
    assert raw_get(empty_world, Authorization=f"Bearer {old}").status_code == 200


def test_the_request_id_is_the_clients_own_if_it_is_sane(world: World) -> None:
    assert world.get(headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"
    for odd in ("x" * 200, "a b", '"><script>', ""):
        given = world.get(headers={"X-Request-Id": odd}).headers["X-Request-Id"]
        assert re.fullmatch(r"[0-9a-f]{32}", given)


def test_other_methods_are_405_and_other_addresses_404(world: World) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        answer = world.client.simulate_request(method, LIST)
        expect_error(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["Allow"]
    expect_error(world.get("/api/v1/nothing"), 404, "not_found")
    expect_error(world.get("/nowhere"), 404, "not_found")
    head = world.client.simulate_head(LIST, headers={"Authorization": f"Bearer {world.token(world.alice)}"})
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/healthz", "/sign-in", "/.well-known/openid-configuration", "/api/docs"])
def test_head_tells_what_get_would(world: World, path: str) -> None:
    asked = {"headers": {"Accept": "text/html"}}
    got, head = world.client.simulate_get(path, **asked), world.client.simulate_head(path, **asked)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))


UNPACK = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "br": brotli.decompress,
    "gzip": gzip.decompress,
}


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br;q=1.0", "br"),
        ("GZIP", "gzip"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("*", "zstd"),
        ("*, zstd;q=0", "br"),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("deflate", None),
        ("gzip;q=x, ;;,", None),
        ("", None),
    ],
)
def test_a_long_response_has_the_preferred_coding(world: World, accept: str, coding: str | None) -> None:
    plain = world.get(params={"per_page": 30})
    answer = world.get(params={"per_page": 30}, headers={"Accept-Encoding": accept})
    assert answer.headers.get("Content-Encoding") == coding
    assert (UNPACK[coding](answer.content) if coding else answer.content) == plain.content
    assert answer.headers["Vary"] == plain.headers["Vary"] == "Authorization, Cookie, X-Tenant, Accept-Encoding"
    assert (answer.headers["ETag"] == plain.headers["ETag"]) == (coding is None)
    headers = {"Accept-Encoding": accept, "If-None-Match": answer.headers["ETag"]}
    again = world.get(params={"per_page": 30}, headers=headers)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])


def test_short_responses_and_pages_with_secrets_are_not_compressed(world: World) -> None:
    likes = {"Accept-Encoding": "gzip"}
    assert "Content-Encoding" not in world.get(params={"limit": 1}, headers=likes).headers
    page = world.client.simulate_get("/sign-in", headers=likes | {"Accept": "text/html"})
    assert len(page.content) > 1400
    assert "Content-Encoding" not in page.headers
    sheet = world.client.simulate_get("/assets/0123456789ab/console.css", headers=likes)
    assert sheet.headers["Content-Encoding"] == "gzip"


def test_a_query_string_without_end_is_400(world: World) -> None:
    expect_error(world.get(query_string="x=" + "y" * 10_000), 400, "validation_error")
    expect_error(world.get(query_string="&".join(f"a{n}=1" for n in range(3000))), 400, "validation_error")


@pytest.mark.parametrize("host", ['x"><script>', "a b", "exa/mple", "a" * 300])
def test_an_invalid_host_is_400(world: World, host: str) -> None:
    expect_error(world.get(headers={"Host": host}), 400, "validation_error")


FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "crm.example.com",
    "X-Forwarded-Prefix": "/customers",
}


def first_link(world: World, **options: Any) -> str:
    return str(world.get(headers=FORWARDED, **options).json["links"]["first"])


def test_forwarded_headers_count_only_from_a_trusted_proxy(empty_world: World) -> None:
    assert first_link(empty_world).startswith("http://localhost/api/v1/")
    trusting = replace(
        empty_world.settings, trusted_proxies=(ip_network("10.0.0.0/8"),), allowed_hosts=("crm.example.com",)
    )
    empty_world.client = client_for(trusting, empty_world.database)
    expected = "https://crm.example.com/customers/api/v1/customers?page=1"
    assert first_link(empty_world, remote_addr="10.1.2.3") == expected
    assert first_link(empty_world, remote_addr="192.168.1.1").startswith("http://localhost/api/v1/")


def test_health(world: World) -> None:
    assert world.get("/healthz").json == {"status": "alive"}
    assert world.get("/readyz").json == {"status": "ready"}


def test_a_token_in_the_query_is_ignored(world: World) -> None:
    token = world.token(world.alice)
    expect_error(world.client.simulate_get(LIST, params={"access_token": token}), 401, "unauthorized")


def test_responses_are_private_and_vary_by_token_and_tenant(world: World) -> None:
    for answer in (world.get(), world.get(params={"page": 0}), world.client.simulate_get(LIST)):
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Vary"].startswith("Authorization, Cookie, X-Tenant")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Content-Type"] == "application/json"


def test_a_role_that_was_read_before_a_change_is_not_cached_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_memberships = authentication._memberships

    def change_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(authentication, "_memberships", read_memberships)
        before = read_memberships(*arguments)
        add_member(world.database, world.clinic, "bob@example.com", Role.VIEWER)
        # A token with an unknown signature makes the server look for changes immediately.
        expect_error(raw_get(world, Authorization="Bearer a.b.c"), 401, "invalid_token")
        return before

    monkeypatch.setattr(authentication, "_memberships", change_meanwhile)
    world.send("POST", LIST, {"first_name": "During"}, user=world.bob)
    expect_error(world.send("POST", LIST, {"first_name": "After"}, user=world.bob), 403, "insufficient_scope")
