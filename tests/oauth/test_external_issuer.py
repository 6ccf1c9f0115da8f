"""Access tokens of an external issuer, which a small HTTP server simulates."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from falcon.testing import Result
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from regulars.accounts.memberships import add_member
from regulars.accounts.personal_tokens import create_personal_token
from regulars.accounts.users import find_users_with_email, get_user, link_subject
from regulars.db.database import Database
from regulars.permissions import Role
from regulars.settings import Settings
from tests.support.oauth import Browser
from tests.support.people import invite, sign_up
from tests.support.world import LIST, World, client_for, expect_error

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"
Key = RSAKey | ECKey | OKPKey
RSA = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})


class Issuer:
    """Simulated authorization server with metadata and JWKS. `answers` maps paths to responses."""

    def __init__(self, server: ThreadingHTTPServer, path: str = "") -> None:
        self.server = server
        self.path = path
        self.keys: list[Key] = [RSA]
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.publish()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def url(self) -> str:
        return self.origin + self.path

    def publish(self, **metadata: Any) -> None:
        """Publish the current keys and the metadata."""
        document = {"issuer": self.url, "jwks_uri": f"{self.origin}/jwks"} | metadata
        self.publish_at(self.path + OPENID, document)
        self.publish_at("/jwks", KeySet(list(self.keys)).as_dict(private=False))

    def publish_at(self, path: str, document: object, status: int = 200, **headers: str) -> None:
        """Set the response for `path`."""
        self.answers[path] = (status, headers, json.dumps(document).encode())

    def token(
        self, key: Key = RSA, algorithm: str = "RS256", header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """Return an access token for Alice, without the claims that are None."""
        now = int(time.time())
        full: dict[str, Any] = {
            "iss": self.url,
            "aud": Settings().origin,
            "sub": "a-1",
            "email": "alice@example.com",
            "email_verified": True,
            "client_id": "crm",
            "scope": "customers:read",
            "iat": now,
            "exp": now + 300,
        }
        full = {name: value for name, value in (full | claims).items() if value is not None}
        head = {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"} | (header or {})
        return jwt.encode({n: v for n, v in head.items() if v is not None}, full, key, algorithms=[algorithm])


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            status, headers, body = found.answers.get(self.path, (404, {}, b"{}"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            # The client may have timed out.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Suppress the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Issuer(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Service:
    """The service, configured to trust the issuer."""

    def __init__(self, world: World, issuer: str, **settings: Any) -> None:
        chosen = Settings(secret_key=world.settings.secret_key, issuer=issuer, **settings)
        self.client = client_for(chosen, world.database)

    def get(self, token: str, **headers: str) -> Result:
        return self.client.simulate_get(LIST, headers={"Authorization": f"Bearer {token}"} | headers)

    def refuses(self, token: str, *words: str) -> None:
        body = expect_error(self.get(token), 401, "invalid_token")
        assert all(word in body["message"] for word in words), body


@pytest.fixture
def service(world: World, issuer: Issuer) -> Service:
    return Service(world, issuer.url)


def advance_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Advance the monotonic clock, which the caches of the service use."""
    later = time.monotonic() + seconds
    monkeypatch.setattr(time, "monotonic", lambda: later)


def test_its_tokens_are_accepted_and_its_keys_fetched_once(service: Service, issuer: Issuer) -> None:
    assert issuer.asked == []
    for _ in range(3):
        assert service.get(issuer.token(jti=str(_))).json["meta"]["total"] > 0
    assert issuer.asked == [OPENID, "/jwks"]


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("PS256", lambda: RSAKey.generate_key(2048, {"kid": "other"})),
        ("ES256", lambda: ECKey.generate_key("P-256", {"kid": "other"})),
        ("ES512", lambda: ECKey.generate_key("P-521", {"kid": "other"})),
        ("EdDSA", lambda: OKPKey.generate_key("Ed25519", {"kid": "other"})),
    ],
)
def test_its_keys_may_use_any_asymmetric_algorithm(
    service: Service, issuer: Issuer, algorithm: str, make: Callable[[], Key]
) -> None:
    key = make()
    issuer.keys = [RSA, key]
    issuer.publish()
    assert service.get(issuer.token(key, algorithm)).status_code == 200
    service.refuses(issuer.token(key, algorithm, {"kid": "first"}))


@pytest.mark.parametrize("path", ["/realms/crm", "/"])
def test_its_metadata_may_be_at_the_rfc_8414_address(world: World, issuer: Issuer, path: str) -> None:
    issuer.path = path
    issuer.answers.clear()
    issuer.publish()
    document = json.loads(issuer.answers.pop(issuer.path + OPENID)[2])
    issuer.publish_at(OAUTH + path.rstrip("/"), document)
    assert Service(world, issuer.url).get(issuer.token()).status_code == 200
    assert issuer.asked == [path.rstrip("/") + OPENID, OAUTH + path.rstrip("/"), "/jwks"]


def test_with_an_external_issuer_only_its_tokens_and_personal_tokens_are_accepted(
    empty_world: World, issuer: Issuer
) -> None:
    world, service = empty_world, Service(empty_world, issuer.url)
    service.refuses(world.token(world.alice))
    _, personal = create_personal_token(
        world.database, world.alice, name="script", scopes=["customers:read"], tenant_id=None, lifetime=60
    )
    assert service.get(personal).status_code == 200
    assert world.client.simulate_get(LIST, headers={"Authorization": f"Bearer {issuer.token()}"}).status_code == 401


def test_users_are_matched_by_verified_email(service: Service, issuer: Issuer) -> None:
    assert service.get(issuer.token(email="Alice@Example.COM")).status_code == 200
    service.refuses(issuer.token(email="nobody@example.com"), "No user matches")
    service.refuses(issuer.token(email="no address"), "No user matches")
    for verified in (False, None, "true", 1):
        service.refuses(issuer.token(email_verified=verified), "e-mail address")
    service.refuses(issuer.token(email=None), "e-mail address")
    expect_error(service.get(issuer.token(email="dora@example.com")), 400, "tenant_required")


def test_an_unverified_address_matches_no_user(empty_world: World, issuer: Issuer) -> None:
    """An account that was made with somebody else's address must not get that person's access."""
    sign_up(Browser(empty_world), invite(empty_world, "zeynep@example.com"))
    assert len(find_users_with_email(empty_world.database, "zeynep@example.com")) == 1
    Service(empty_world, issuer.url).refuses(issuer.token(email="zeynep@example.com"), "No user matches")


def test_users_are_matched_by_subject(empty_world: World, issuer: Issuer) -> None:
    link_subject(empty_world.database, get_user(empty_world.database, empty_world.bob), "b-2")
    service = Service(empty_world, issuer.url, issuer_user_claim="sub")
    assert service.get(issuer.token(sub="b-2", email=None)).status_code == 200
    service.refuses(issuer.token(sub="a-1"), "No user matches")
    for odd in ("", None, 7, "\0", ["b-2"]):
        service.refuses(issuer.token(sub=odd))


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"scope": None, "scp": ["customers:read", "users:read"]}, 200),
        ({"scope": None, "scp": "users:read customers:read"}, 200),
        ({"scope": ["customers:read"]}, 200),
        ({"scope": "users:read"}, 403),
        ({"scope": None}, 403),
        ({"scope": None, "scp": [["customers:read"], 1]}, 403),
    ],
)
def test_scopes_are_read_in_either_form(service: Service, issuer: Issuer, claims: dict[str, Any], status: int) -> None:
    assert service.get(issuer.token(**claims)).status_code == status


def test_the_token_must_be_for_this_service_and_from_this_issuer(service: Service, issuer: Issuer) -> None:
    assert service.get(issuer.token(aud=["https://other.example.com", Settings().origin])).status_code == 200
    odd: list[Any] = ["https://other.example.com", None, [], Settings().origin + "/", {Settings().origin: 1}]
    for audience in odd:
        service.refuses(issuer.token(aud=audience), "another service")
    service.refuses(issuer.token(iss=issuer.url + "/"), "another authorization server")


def test_clocks_may_differ_by_a_minute(service: Service, issuer: Issuer) -> None:
    now = int(time.time())
    assert service.get(issuer.token(exp=now - 50)).status_code == 200
    assert service.get(issuer.token(exp=now + 0.5, iat=now + 50, nbf=now + 50)).status_code == 200
    service.refuses(issuer.token(exp=now - 61), "expired")
    service.refuses(issuer.token(nbf=now + 70), "not valid yet")
    service.refuses(issuer.token(iat=now + 70), "not valid yet")
    for odd in (None, "soon", True, float("inf"), float("nan")):
        service.refuses(issuer.token(exp=odd), "expired")


def test_a_token_within_the_skew_is_refused_after_it(
    service: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token(exp=int(time.time()) - 50)
    assert service.get(token).status_code == 200
    later = time.time() + 11
    monkeypatch.setattr(time, "time", lambda: later)
    service.refuses(token, "expired")


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(service: Service, issuer: Issuer) -> None:
    header, payload, _ = issuer.token().split(".")
    for secret in (RSA.as_pem(private=False), json.dumps(RSA.as_dict(private=False)).encode(), b""):
        for algorithm in ("HS256", "none", "RS256"):
            head = encoded(json.dumps({"alg": algorithm, "kid": "first", "typ": "at+jwt"}).encode())
            signature = hmac.digest(secret, f"{head}.{payload}".encode(), hashlib.sha256)
            service.refuses(f"{head}.{payload}.{encoded(signature)}")
    head = encoded(b'{"alg":"none","typ":"at+jwt"}')
    for forged in (f"{head}.{payload}.", f"{header}.{payload}.", "a.b.c", "abc"):
        service.refuses(forged)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def test_a_token_of_another_type_is_refused(service: Service, issuer: Issuer) -> None:
    for good in ("at+jwt", "application/at+jwt", "JWT", None):
        assert service.get(issuer.token(header={"typ": good})).status_code == 200
    for bad in ("logout+jwt", "dpop+jwt", "id"):
        service.refuses(issuer.token(header={"typ": bad}), "not an access token")


def test_an_unknown_key_is_fetched_at_a_limited_rate(
    service: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.get(issuer.token()).status_code == 200
    new = RSAKey.generate_key(2048, {"kid": "second"})
    service.refuses(issuer.token(new), "key")
    assert issuer.asked.count("/jwks") == 1
    issuer.keys = [RSA, new]
    issuer.publish()
    advance_clock(monkeypatch, 31)
    assert service.get(issuer.token(new)).status_code == 200
    for number in range(3):
        service.refuses(issuer.token(new, header={"kid": f"no {number}"}), "key")
    assert issuer.asked.count("/jwks") == 2


def test_a_withdrawn_key_is_forgotten_within_the_hour(
    service: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.get(issuer.token()).status_code == 200
    new = ECKey.generate_key("P-256", {"kid": "second"})
    issuer.keys = [new]
    issuer.publish()
    advance_clock(monkeypatch, 3601)
    service.refuses(issuer.token(jti="2"), "key")
    assert service.get(issuer.token(new, "ES256")).status_code == 200


def test_a_token_without_a_kid_is_accepted_if_only_one_key_is_possible(
    world: World, service: Service, issuer: Issuer
) -> None:
    issuer.keys = [RSA, ECKey.generate_key("P-256", {"kid": "other"})]
    issuer.publish()
    assert service.get(issuer.token(header={"kid": None})).status_code == 200
    issuer.keys.append(RSAKey.generate_key(2048, {"kid": "third"}))
    issuer.publish()
    Service(world, issuer.url).refuses(issuer.token(header={"kid": None}), "key")


def test_keys_for_something_else_are_left_out(service: Service, issuer: Issuer) -> None:
    public = RSA.as_dict(private=False)
    odd: list[Any] = [
        public | {"use": "enc"},
        {"kty": "new"},
        "no key",
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
    ]
    issuer.publish_at("/jwks", {"keys": odd})
    service.refuses(issuer.token(), "key")


def unavailable(service: Service, token: str) -> None:
    answer = service.get(token)
    expect_error(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_requests_get_503_if_the_issuer_is_unreachable(
    service: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.publish_at(OPENID, {}, 500)
    unavailable(service, issuer.token())
    tried = len(issuer.asked)
    unavailable(service, issuer.token(jti="2"))
    assert len(issuer.asked) == tried
    issuer.publish()
    advance_clock(monkeypatch, 5.1)
    assert service.get(issuer.token()).status_code == 200


def test_an_issuer_that_refuses_connections_is_unavailable(world: World, issuer: Issuer) -> None:
    token = issuer.token()
    service = Service(world, "http://127.0.0.1:1")
    unavailable(service, token)
    assert not issuer.asked


def test_cached_keys_stay_valid_if_the_issuer_is_unreachable(
    service: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.get(issuer.token()).status_code == 200
    issuer.answers.clear()
    advance_clock(monkeypatch, 3601)
    assert service.get(issuer.token(jti="2")).status_code == 200
    unavailable(service, issuer.token(header={"kid": "new"}))


def test_invalid_metadata_and_key_sets_are_refused(world: World, issuer: Issuer) -> None:
    def is_refused() -> None:
        unavailable(Service(world, issuer.url), issuer.token())

    issuer.publish(issuer="https://other.example.com")
    is_refused()
    issuer.publish(jwks_uri="http://keys.example.com/jwks")
    is_refused()
    issuer.publish(jwks_uri="file:///etc/passwd")
    is_refused()
    issuer.publish()
    issuer.publish_at("/moved", json.loads(issuer.answers["/jwks"][2]))
    issuer.publish_at("/jwks", {}, 302, Location="/moved")
    is_refused()
    assert "/moved" not in issuer.asked
    answers: list[Any] = [[], {"keys": None}, {"keys": [], "more": "x" * 1_000_001}]
    for answer in answers:
        issuer.publish_at("/jwks", answer)
        is_refused()
    issuer.answers["/jwks"] = (200, {}, b"<html>")
    is_refused()


def test_a_slow_issuer_delays_only_one_request_and_briefly(
    world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.oauth.jwks_client.FETCH_SECONDS", 0.6)
    monkeypatch.setattr("regulars.oauth.jwks_client.WAIT_SECONDS", 0.1)
    asked, answered = threading.Event(), threading.Event()

    def slowly(*_: object) -> tuple[int, dict[str, str], bytes]:
        asked.set()
        answered.wait(10)
        return 200, {}, b"{}"

    issuer.answers = type("Slow", (dict,), {"get": slowly})()
    service, took = Service(world, issuer.url), []

    def ask(number: int) -> None:
        started = time.perf_counter()
        unavailable(service, issuer.token(jti=str(number)))
        took.append(time.perf_counter() - started)

    first = threading.Thread(target=ask, args=(0,))
    first.start()
    asked.wait(10)
    ask(1)
    first.join()
    answered.set()
    assert len(took) == 2
    assert took[0] < 0.5
    assert took[1] < 5


def test_a_role_granted_here_takes_effect_immediately(
    empty_world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: Database = empty_world.database
    service, token = Service(empty_world, issuer.url), issuer.token()
    salon = {"X-Tenant": str(empty_world.salon)}
    expect_error(service.get(token, **salon), 403, "tenant_forbidden")
    add_member(database, empty_world.salon, "alice@example.com", Role.VIEWER)
    advance_clock(monkeypatch, 1)
    assert service.get(token, **salon).status_code == 200
