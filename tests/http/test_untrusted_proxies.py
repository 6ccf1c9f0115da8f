"""Warnings about proxies that are missing from `trusted_proxies`."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import FreshDatabase
from tests.support.server import Server, running
from tests.support.world import World


@pytest.fixture
def world(fresh_database: FreshDatabase) -> Iterator[World]:
    with World.on(fresh_database("sqlite")) as made:
        yield made


def send(server: Server, headers: dict[str, str], sender: str = "127.0.0.1") -> None:
    """Send a request from an address."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=sender)) as client:
        assert client.get(server.url + "/healthz", headers=headers).status_code == 200


def warnings(server: Server) -> list[dict[str, Any]]:
    return [line for line in server.log_lines if line["event"] == "untrusted_proxy"]


def test_a_proxy_that_is_not_trusted_is_logged_once(world: World) -> None:
    with running(world, "--workers", "1", "--trusted-proxies", "127.0.0.2, 127.1.0.0/16") as server:
        send(server, {"X-Request-Id": "direct", "X-Forwarded-Host": "shop.example"})
        send(server, {"X-Forwarded-For": "203.0.113.9"}, "127.0.0.2")
        send(server, {"X-Forwarded-Proto": "https"}, "127.1.2.3")
        assert warnings(server) == []
        for header in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-For"):
            send(server, {header: "https"})
            send(server, {header: "https"}, "127.0.0.3")
        first, second = warnings(server)
        assert (first["level"], first["address"], second["address"]) == ("warning", "127.0.0.1", "127.0.0.3")
        assert "trusted_proxies" in first["message"]


def test_at_most_a_hundred_proxies_are_logged(world: World) -> None:
    with running(world, "--workers", "1") as server:
        for number in range(1, 131):
            send(server, {"X-Forwarded-For": "203.0.113.9"}, f"127.0.1.{number}")
        assert len(warnings(server)) == 100


@pytest.mark.parametrize(
    ("public_url", "options", "warned"),
    [
        ("https://customers.example", [], True),
        ("https://customers.example", ["--trusted-proxies", "127.0.0.1"], False),
        ("http://localhost:8000", [], False),
    ],
)
def test_serve_warns_at_start_if_tls_needs_a_proxy_and_none_is_trusted(
    world: World, public_url: str, options: list[str], warned: bool
) -> None:
    with running(world, "--workers", "1", "--public-url", public_url, *options) as server:
        text = server.log.read_text()
        assert text.startswith("regulars: warning: public_url is https") == warned
        assert ("trusted_proxies" in text) == warned
