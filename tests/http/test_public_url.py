"""The host of a request, the headers of proxies, and the address in links."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from ipaddress import ip_network
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import pytest
from falcon.testing import Result

from regulars.security.audit import list_events
from tests.conftest import FreshDatabase
from tests.support.oauth import Browser
from tests.support.world import LIST, World, expect_error

PROXY = "10.1.2.3"
TRUSTED = (ip_network("10.0.0.0/8"),)
FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "crm.example.com",
    "X-Forwarded-Prefix": "/customers",
}

WorldWith = Callable[..., AbstractContextManager[World]]


@pytest.fixture
def world_with(fresh_database: FreshDatabase) -> WorldWith:
    """Return a function that makes a world with the given settings."""
    return partial(World.on, fresh_database("sqlite"))


@pytest.fixture(scope="module")
def world(fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world with `allowed_hosts`, for tests that only read."""
    with World.on(fresh_database("sqlite"), allowed_hosts=("crm.example.com", "shop.example:8443")) as made:
        yield made


def first_link(world: World, headers: dict[str, str], **options: Any) -> str:
    answer = world.get(headers=headers, **options)
    assert answer.status_code == 200, answer.text
    return str(answer.json["links"]["first"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8123",
        "localhost.",
        "127.0.0.1:8000",
        "127.9.8.7",
        "[::1]",
        "[::1]:8000",
        "crm.example.com",
        "CRM.Example.com.:8080",
        "shop.example:8443",
    ],
)
def test_loopback_and_allowed_hosts_are_accepted(world: World, host: str) -> None:
    assert first_link(world, {"Host": host}) == f"http://{host}{LIST}?page=1"


OTHER_HOSTS = [
    "evil.example",
    "evil.example:8000",
    "crm.example.com.evil.example",
    "www.crm.example.com",
    "crm.example.com..",
    "shop.example",
    "shop.example:80",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.1",
    "128.0.0.1",
    "0.0.0.0",  # noqa: S104
    "[::2]",
    "[::1]x",
    "::1",
]


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_any_other_host_is_400_and_named(world: World, host: str) -> None:
    message = expect_error(world.get(headers={"Host": host}), 400, "validation_error")["message"]
    assert host in message


def test_the_refusal_tells_what_to_set_in_both_languages(world: World) -> None:
    english = world.get(headers={"Host": "evil.example"}).json["message"]
    assert english == (
        'This service does not answer requests for the host "evil.example". Its operator can set public_url, or add'
        " the host to allowed_hosts."
    )
    turkish = world.get(headers={"Host": "evil.example", "Accept-Language": "tr"}).json["message"]
    assert "evil.example" in turkish
    assert turkish != english


@pytest.mark.parametrize("path", ["/sign-in", "/api/openapi.json", "/oauth/token", "/nowhere", "/healthz/", LIST])
def test_another_host_is_refused_everywhere(world: World, path: str) -> None:
    answer = world.client.simulate_get(path, headers={"Host": "evil.example", "Accept": "text/html"})
    assert answer.status_code == 400
    assert "evil.example" in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_may_name_any_host(world: World, path: str) -> None:
    assert world.client.simulate_get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_an_accepted_host_stays_accepted_after_many_others(world: World) -> None:
    for number in range(1000):
        path = f"{LIST}?page=x"
        status = world.client.simulate_get(path, headers={"Host": f"localhost:{number}"}).status_code
        assert status == 401
        assert world.client.simulate_get(path, headers={"Host": f"evil{number}.example"}).status_code == 400
    assert world.get(headers={"Host": "crm.example.com"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost:1", 'x"><script>'])
def test_links_and_location_come_from_the_public_url_whatever_the_host(world_with: WorldWith, host: str) -> None:
    headers = FORWARDED | {"Host": host}
    with world_with(public_url="https://example.com/crm", trusted_proxies=TRUSTED) as world:
        for address in (PROXY, "192.168.1.1"):
            link = first_link(world, headers, remote_addr=address)
            assert link == f"https://example.com/crm{LIST}?page=1"
        made = world.send("POST", LIST, {"first_name": "Ayşe"}, headers=headers, remote_addr=PROXY)
        assert made.headers["Location"] == f"https://example.com/crm{LIST}/{made.json['data']['id']}"


@pytest.mark.parametrize("public_url", ["https://example.com", "https://example.com/crm"])
def test_an_installed_console_starts_at_the_public_url(world_with: WorldWith, public_url: str) -> None:
    with world_with(public_url=public_url, trusted_proxies=TRUSTED) as world:
        page = world.client.simulate_get("/sign-in", headers=FORWARDED | {"Accept": "text/html"}, remote_addr=PROXY)
        link = page.text.partition('rel="manifest" href="')[2].partition('"')[0]
        path = link.removeprefix(urlsplit(public_url).path)
        answer = world.client.simulate_get(path, headers=FORWARDED, remote_addr=PROXY)
    assert answer.headers["Content-Type"] == "application/manifest+json"
    for name in ("start_url", "scope"):
        assert urljoin(public_url, urljoin(link, json.loads(answer.text)[name])) == public_url + "/"


def test_a_forwarded_host_must_be_accepted_as_well(world_with: WorldWith) -> None:
    with world_with(trusted_proxies=TRUSTED, allowed_hosts=("crm.example.com", "regulars:8000")) as world:
        expected = f"https://crm.example.com/customers{LIST}?page=1"
        for host in ("localhost", "regulars:8000"):
            assert first_link(world, FORWARDED | {"Host": host}, remote_addr=PROXY) == expected
        several = FORWARDED | {"X-Forwarded-Host": "evil.example, crm.example.com"}
        assert first_link(world, several, remote_addr=PROXY) == expected
        for refused in (
            {"X-Forwarded-Host": "evil.example"},
            {"X-Forwarded-Host": "crm.example.com, evil.example"},
            {"X-Forwarded-Host": 'x"><script>'},
            {"Host": "evil.example"},
        ):
            expect_error(world.get(headers=FORWARDED | refused, remote_addr=PROXY), 400, "validation_error")
        ignored = FORWARDED | {"X-Forwarded-Host": "evil.example"}
        assert first_link(world, ignored, remote_addr="192.168.1.1") == f"http://localhost{LIST}?page=1"


def failed_sign_in(world: World, email: str, headers: dict[str, str], address: str) -> Result:
    """Try to sign in with a wrong password from an address."""
    browser = Browser(world)
    token = re.findall(r'name="form_token" value="(\w+)"', browser.get("/sign-in").text)[0]
    fields = {"email": email, "password": "wrong", "form_token": token}
    return browser.post("/sign-in", fields, headers=headers, remote_addr=address)


@pytest.fixture(scope="module")
def proxied_world(fresh_database: FreshDatabase) -> Iterator[World]:
    """Yield a world that trusts proxies in two networks."""
    with World.on(fresh_database("sqlite"), trusted_proxies=(*TRUSTED, ip_network("fd00::/8"))) as made:
        yield made


@pytest.mark.parametrize(
    ("address", "forwarded", "expected"),
    [
        (PROXY, None, PROXY),
        (PROXY, "", PROXY),
        (PROXY, "203.0.113.9", "203.0.113.9"),
        (PROXY, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (PROXY, "198.51.100.1,203.0.113.9 , 10.0.0.1,fd00::1", "203.0.113.9"),
        (PROXY, "2001:db8::9, 10.0.0.1", "2001:db8::9"),
        (PROXY, "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (PROXY, "203.0.113.9, unknown", PROXY),
        (PROXY, "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        (PROXY, "203.0.113.9:1234, 10.0.0.2", "10.0.0.2"),
        (PROXY, "[2001:db8::9]:1234, 10.0.0.2", "10.0.0.2"),
        (PROXY, "<script>, 203.0.113.9,, 10.0.0.2,", PROXY),
        (PROXY, "203.0.113.9, " * 5000 + ", 203.0.113.9", "203.0.113.9"),
        (PROXY, "10.0.0.1," * 5000 + "10.0.0.2", "10.0.0.1"),
        ("fd00::2", "203.0.113.9", "203.0.113.9"),
        (f"::ffff:{PROXY}", "203.0.113.9", "203.0.113.9"),
        (PROXY, "203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"),
        ("192.168.1.1", "203.0.113.9", "192.168.1.1"),
        ("192.168.1.1", "203.0.113.9, 10.0.0.1", "192.168.1.1"),
    ],
)
def test_the_clients_address_is_the_last_that_is_not_a_trusted_proxy(
    proxied_world: World, address: str, forwarded: str | None, expected: str
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert failed_sign_in(proxied_world, f"{uuid4()}@example.com", headers, address).status_code == 422
    (event,) = list_events(proxied_world.database, limit=1)
    assert (event.kind, event.address) == ("sign_in.failed", expected)


def test_a_client_behind_two_proxies_is_throttled_whatever_it_claims(world_with: WorldWith) -> None:
    with world_with(trusted_proxies=TRUSTED) as world:

        def attempt(number: int, client: str) -> int:
            headers = {"X-Forwarded-For": f"192.0.2.{number}, {client}, 10.0.0.1"}
            return failed_sign_in(world, f"someone{number}@example.com", headers, PROXY).status_code

        # The time to wait doubles with each failure, so a slow machine may need a few more of them.
        statuses = [attempt(number, "203.0.113.9") for number in range(27)]
        assert statuses[:21] == [422] * 21
        assert 429 in statuses[21:]
        assert attempt(50, "203.0.113.10") == 422


RESPONSES = [
    (LIST, 401),
    (f"{LIST}?x={'y' * 9000}", 400),
    ("/sign-in", 200),
    ("/account/profile", 303),
    ("/assets/0123456789ab/console.css", 200),
    ("/.well-known/openid-configuration", 200),
    ("/oauth/token", 405),
    ("/nowhere", 404),
    ("/healthz", 200),
]


def policies(world: World) -> set[str | None]:
    """Return the different values of Strict-Transport-Security of all kinds of responses to an https request."""
    headers = {"X-Forwarded-Proto": "https"}
    found = set()
    for path, status in RESPONSES:
        answer = world.client.simulate_get(path, headers=headers, protocol="https", remote_addr=PROXY)
        assert answer.status_code == status
        found.add(answer.headers.get("Strict-Transport-Security"))
    return found


def test_browsers_must_use_https_if_the_public_url_does(world_with: WorldWith) -> None:
    with world_with(public_url="https://customers.example") as world:
        assert policies(world) == {"max-age=31536000"}


@pytest.mark.parametrize("public_url", ["", "http://customers.example"])
def test_browsers_may_use_http_otherwise(world_with: WorldWith, public_url: str) -> None:
    with world_with(public_url=public_url, trusted_proxies=TRUSTED) as world:
        assert policies(world) == {None}
