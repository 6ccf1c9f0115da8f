"""`regulars demo`: from an empty folder to a response, with only the commands that it prints."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.cli.main import run
from regulars.oauth.clients import list_clients
from regulars.sample_data.demo import demo_application, demo_callback
from regulars.settings import Settings
from tests.support.postgres import free_port
from tests.support.server import running_command
from tests.support.world import World

pytestmark = pytest.mark.slow

FIELDS = """id first_name last_name phone_number email date_of_birth gender country_name identity_number job address
    default_channel_id avatar_url related_user created_at updated_at deleted_at""".split()


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """Return the output of a running demo."""
    port, printed = free_port(), folder / "printed"
    with printed.open("wb") as output:
        arguments = ["demo", "--customers", "60", "--port", str(port), "--data", str(folder / "data")]
        with running_command(arguments, port, output):
            yield printed.read_text()


def read_line(printed: str) -> tuple[str, dict[str, str]]:
    """Return the URL and the headers of the `curl` line."""
    (line,) = re.findall(r"^curl --header .*$", printed, re.MULTILINE)
    _, _, authorization, _, tenant, url = shlex.split(line)
    return url, dict(header.split(": ", 1) for header in (authorization, tenant))


def ask(printed: str) -> dict[str, object]:
    """Return the response to the `curl` line."""
    url, headers = read_line(printed)
    answer = httpx.get(url, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_printed_token_can_write(tmp_path: Path) -> None:
    with demo(tmp_path) as printed:
        url, headers = read_line(printed)
        answer = httpx.post(url.partition("?")[0], headers=headers, json={"first_name": "Zeynep"})
        assert answer.status_code == 201, answer.text


def test_the_printed_line_is_answered_and_again_with_the_same_data(tmp_path: Path) -> None:
    with demo(tmp_path) as printed:
        first = ask(printed)
        assert all(list(customer) == FIELDS for customer in first["data"])  # type: ignore[attr-defined]
    with demo(tmp_path) as printed:
        second = ask(printed)
    assert second["data"] == first["data"]


def test_a_second_start_at_another_port_has_the_same_application(tmp_path: Path) -> None:
    client_ids = set()
    for _ in range(2):
        with demo(tmp_path) as printed:
            (client_id,) = re.findall(r"/oauth/authorize\?\S*client_id=([^&]+)", printed)
            client_ids.add(client_id)
    assert len(client_ids) == 1


@pytest.mark.parametrize(
    ("settings", "callback"),
    [
        ({}, "http://localhost:8000/api/docs"),
        ({"port": 8123}, "http://localhost:8123/api/docs"),
        ({"public_url": "https://demo.example/regulars"}, "https://demo.example/regulars/api/docs"),
        # Plain http is accepted only for localhost.
        ({"public_url": "http://192.168.0.7:8000"}, "http://localhost:8000/api/docs"),
    ],
)
def test_the_redirect_uri_of_the_demo_follows_the_public_url(
    empty_world: World, settings: dict[str, Any], callback: str
) -> None:
    assert demo_callback(Settings(**settings)) == callback
    before = demo_application(empty_world.database, "https://old.example/api/docs")
    client = demo_application(empty_world.database, callback)
    assert client.check_redirect_uri(callback)
    assert demo_application(empty_world.database, callback) == client
    assert [each.id for each in list_clients(empty_world.database)] == [client.id]
    assert (client.id == before.id) == callback.startswith("http://localhost")


def test_the_printed_address_leads_through_signing_in_to_tokens(tmp_path: Path) -> None:
    with demo(tmp_path) as printed, httpx.Client(headers={"Accept": "text/html"}, follow_redirects=True) as browser:
        (address,) = re.findall(r"^http\S+/oauth/authorize\S+$", printed, re.MULTILINE)
        (email, password) = re.findall(r"Sign in as: +(\S+), password (\S+)", printed)[0]
        page = browser.get(address)
        base = address.partition("/oauth/")[0]
        page = browser.post(f"{base}/sign-in", data=form_of(page) | {"email": email, "password": password})
        assert "Demo application" in page.text
        page = browser.post(f"{base}/oauth/consent", data=form_of(page, "/oauth/consent") | {"decision": "allow"})
        assert page.url.path == "/api/docs"
        (line,) = re.findall(r"^curl '.*$", printed, re.MULTILINE)
        _, url, *options = shlex.split(line.replace("CODE", page.url.params["code"]))
        fields = dict(option.split("=", 1) for option in options if option != "--data")
        assert set(httpx.post(url, data=fields).json()) >= {"access_token", "refresh_token", "id_token"}


def form_of(page: httpx.Response, action: str = "/sign-in") -> dict[str, str]:
    """Return the hidden fields of the form that is submitted to `action`."""
    form = page.text.partition(f'<form method="post" action="{action}"')[2].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


def test_files_of_the_demo_are_private_and_work_with_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with demo(tmp_path) as printed:
        for path in (tmp_path / "data").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path
        (email, url) = (re.search(pattern, printed)[1] for pattern in (r"Sign in as: +([^,]+)", r"Console: +(\S+)"))  # type: ignore[index]
        assert run(["token", "create", "--user", email, "--database", f"sqlite:///{tmp_path}/data/regulars.db"]) == 0
        token = capsys.readouterr().out.strip()
        headers = {"Authorization": f"Bearer {token}", "X-Tenant": "1"}
        assert httpx.get(f"{url}/api/v1/customers", headers=headers).json()["meta"]["total"] > 0
