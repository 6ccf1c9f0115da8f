"""Third-party OAuth clients against a running server, from discovery to token revocation."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibClient
from joserfc import jwt
from joserfc.jwk import KeySet
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError, LegacyApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from tests.conftest import FreshDatabase
from tests.support.oauth import CALLBACK, VERIFIER, Application
from tests.support.postgres import free_port
from tests.support.server import Server, running
from tests.support.world import LIST, PASSWORD, World

pytestmark = pytest.mark.slow

SCOPE = "openid profile email offline_access customers:read"


@pytest.fixture(scope="module")
def server(fresh_database: FreshDatabase) -> Iterator[Server]:
    with World.on(fresh_database("sqlite"), port=free_port()) as world, running(world) as started:
        yield started


@pytest.fixture(scope="module")
def metadata(server: Server) -> dict[str, str]:
    """Return the metadata from the discovery endpoint."""
    document = httpx.get(server.world.settings.origin + "/.well-known/openid-configuration").json()
    assert document["issuer"] == server.world.settings.origin
    return dict(document)


def allow(address: str, email: str = "alice@example.com") -> str:
    """Sign in and consent to an authorization request; return the redirect URI."""
    origin = "/".join(address.split("/")[:3])
    with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as browser:
        page = browser.get(address)
        page = browser.post(f"{origin}/sign-in", data=form(page, "/sign-in") | {"email": email, "password": PASSWORD})
        answer = form(page, "/oauth/consent") | {"decision": "allow"}
        return browser.post(f"{origin}/oauth/consent", data=answer, follow_redirects=False).headers["location"]


def allow_device(address: str, email: str = "alice@example.com") -> None:
    """Sign in at the URL that a device shows, check the code, and consent."""
    origin = "/".join(address.split("/")[:3])
    with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as browser:
        page = browser.get(address)
        page = browser.post(f"{origin}/sign-in", data=form(page, "/sign-in") | {"email": email, "password": PASSWORD})
        code = parse_qs(urlsplit(address).query)["user_code"][0]
        page = browser.post(f"{origin}/device", data=form(page, "/device") | {"user_code": code})
        answer = form(page, "/device") | {"decision": "allow"}
        assert "Your device is connected" in browser.post(f"{origin}/device", data=answer).text


def form(page: httpx.Response, action: str) -> dict[str, str]:
    """Return the hidden fields of the form that is submitted to `action`."""
    text = page.text.partition(f'action="{action}"')[2].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text)}


def test_authlibs_client_as_a_web_application(server: Server, metadata: dict[str, str]) -> None:
    app = Application.register(server.world, "web")
    client = AuthlibClient(app.client.id, app.secret, scope=SCOPE, redirect_uri=CALLBACK, code_challenge_method="S256")
    address, state = client.create_authorization_url(
        metadata["authorization_endpoint"], nonce="a nonce", code_verifier=VERIFIER
    )
    back = allow(address)
    assert parse_qs(urlsplit(back).query)["iss"] == [metadata["issuer"]]
    token = client.fetch_token(
        metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER
    )
    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
    claims = jwt.decode(token["id_token"], keys).claims
    assert (claims["nonce"], claims["aud"]) == ("a nonce", app.client.id)
    assert client.get(metadata["userinfo_endpoint"]).json()["email"] == "alice@example.com"
    assert client.get(server.url + LIST, headers={"X-Tenant": str(server.world.clinic)}).status_code == 200
    newer = client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    assert newer["refresh_token"] != token["refresh_token"]
    told = client.introspect_token(metadata["introspection_endpoint"], token=newer["access_token"])
    assert told.json()["active"] is True
    client.revoke_token(metadata["revocation_endpoint"], token=newer["refresh_token"])
    told = client.introspect_token(metadata["introspection_endpoint"], token=newer["access_token"])
    assert told.json() == {"active": False}


def test_requests_oauthlib_as_a_native_app(
    server: Server, metadata: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # loopback
    app = Application.register(server.world, "native", redirect_uris=["http://127.0.0.1/callback"])
    uri = "http://127.0.0.1:49200/callback"
    session = OAuth2Session(app.client.id, scope=SCOPE.split(), redirect_uri=uri, pkce="S256")
    address, _ = session.authorization_url(metadata["authorization_endpoint"])
    endpoint = metadata["token_endpoint"]
    session.fetch_token(endpoint, authorization_response=allow(address), include_client_id=True)
    assert session.get(server.url + LIST).status_code == 200
    newer = session.refresh_token(endpoint, client_id=app.client.id)
    httpx.post(metadata["revocation_endpoint"], data={"client_id": app.client.id, "token": newer["refresh_token"]})
    with pytest.raises(InvalidGrantError):
        session.refresh_token(endpoint, client_id=app.client.id)


def test_requests_oauthlib_as_a_service(
    server: Server, metadata: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # loopback
    app = Application.register(server.world, "service", scopes=["customers:read"], tenant_id=server.world.clinic)
    session = OAuth2Session(client=BackendApplicationClient(app.client.id))
    session.fetch_token(metadata["token_endpoint"], client_id=app.client.id, client_secret=app.secret)
    assert session.get(server.url + LIST).status_code == 200
    old = OAuth2Session(client=LegacyApplicationClient(app.client.id))
    with pytest.raises(OAuth2Error, match="unsupported_grant_type"):
        old.fetch_token(
            metadata["token_endpoint"],
            username="alice@example.com",
            password=PASSWORD,
            client_id=app.client.id,
            client_secret=app.secret,
        )


def test_an_app_with_an_underscore_in_its_scheme(server: Server, metadata: dict[str, str]) -> None:
    uri = "com.example.my_app://oauth-callback"
    app = Application.register(server.world, "native", redirect_uris=[uri])
    client = AuthlibClient(app.client.id, redirect_uri=uri, scope=SCOPE, code_challenge_method="S256")
    client.token_endpoint_auth_method = "none"
    state = "odd &=+ %20 ü"
    address, _ = client.create_authorization_url(
        metadata["authorization_endpoint"], state=state, code_verifier=VERIFIER, prompt="consent"
    )
    back = allow(address)
    assert back.startswith(uri + "?")
    assert parse_qs(back.partition("?")[2])["state"] == [state]
    code = parse_qs(back.partition("?")[2])["code"][0]
    token = client.fetch_token(metadata["token_endpoint"], code=code, code_verifier=VERIFIER)
    assert "id_token" in token


@pytest.fixture(scope="session")
def node_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the scripts and their npm packages."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js is not installed.")
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(Path(__file__).parent / "oauth_clients", folder, dirs_exist_ok=True)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if "ENOTFOUND" in done.stderr or "ECONNREFUSED" in done.stderr or "ETIMEDOUT" in done.stderr:
        pytest.skip("The npm registry is unreachable.")
    assert done.returncode == 0, done.stderr
    return folder


@contextmanager
def node(folder: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Node.js script."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", *command], cwd=folder, stdin=pipe, stdout=pipe, text=True) as script:
        yield script


def first_line(script: subprocess.Popen[str]) -> str:
    assert script.stdout
    return script.stdout.readline().strip()


def last_line(script: subprocess.Popen[str], told: str = "") -> Any:
    """Send a line to the script and return its parsed output."""
    return json.loads(script.communicate(told + "\n", timeout=30)[0])


def test_oauth4webapi_as_an_application_in_a_browser(
    server: Server, metadata: dict[str, str], node_clients: Path
) -> None:
    app = Application.register(server.world)
    with node(node_clients, "code_flow.mjs", metadata["issuer"], app.client.id, CALLBACK) as script:
        told = last_line(script, allow(first_line(script)))
    assert told == {"email": "alice@example.com", "rotated": True, "refusal": "invalid_grant"}


def test_oauth4webapi_as_a_device(server: Server, metadata: dict[str, str], node_clients: Path) -> None:
    app = Application.register(server.world, "device")
    with node(node_clients, "device.mjs", metadata["issuer"], app.client.id) as script:
        allow_device(first_line(script))
        assert last_line(script) == {"email": "alice@example.com", "refreshes": True}


def test_oauth4webapi_as_a_service(server: Server, metadata: dict[str, str], node_clients: Path) -> None:
    app = Application.register(server.world, "service", scopes=["customers:read"], tenant_id=server.world.clinic)
    assert app.secret
    with node(node_clients, "service.mjs", metadata["issuer"], app.client.id, app.secret, server.url + LIST) as script:
        assert last_line(script) == [["customers:read", 200]] * 2
