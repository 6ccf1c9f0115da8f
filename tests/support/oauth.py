"""OAuth application and browser, for tests of the authorization server."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode

from falcon.testing import Result

from regulars.accounts.sessions import start_session
from regulars.oauth.clients import Client, create_client
from tests.support.world import World

CALLBACK = "https://app.example/callback"
SCOPES = (
    "openid profile email offline_access account:read tenants:read users:read customers:read customers:write".split()
)
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FORM = "application/x-www-form-urlencoded"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Browser:
    """A browser with cookies, which does not follow redirects."""

    world: World
    cookies: dict[str, str] = field(default_factory=dict)
    language: str = "en"
    address: str | None = None
    """The network address from which it sends forms."""

    @classmethod
    def signed_in(cls, world: World, user_id: int) -> "Browser":
        """Return a browser in which the user is signed in."""
        session, token = start_session(
            world.database, world.settings, user_id, ("pwd",), user_agent="tests", address="127.0.0.1"
        )
        assert session.user_id == user_id
        return cls(world, {"regulars_session": token})

    def get(self, path: str, **options: Any) -> Result:
        """Send a GET request with the headers of a browser."""
        headers = {"Accept": "text/html", "Accept-Language": self.language} | options.pop("headers", {})
        return self._keep(self.world.client.simulate_get(path, cookies=self.cookies, headers=headers, **options))

    def post(self, path: str, fields: Any, **options: Any) -> Result:
        """Send a POST request with form fields."""
        headers = {"Accept": "text/html", "Accept-Language": self.language, "Content-Type": FORM}
        headers |= options.pop("headers", {})
        options = {"remote_addr": self.address} | options
        return self._keep(
            self.world.client.simulate_post(
                path, cookies=self.cookies, headers=headers, body=urlencode(fields), **options
            )
        )

    def submit(self, page: Result, path: str, **fields: str) -> Result:
        """Submit the form of a page with its hidden fields."""
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return self.post(path, {name: unescape(value) for name, value in hidden.items()} | fields)

    def _keep(self, result: Result) -> Result:
        for name, cookie in result.cookies.items():
            self.cookies[name] = cookie.value
        return result


@dataclass
class Application:
    """A registered OAuth client."""

    world: World
    client: Client
    secret: str | None

    @classmethod
    def register(cls, world: World, kind: str = "browser", **options: Any) -> "Application":
        """Register a client of this kind. It has a secret only if its kind requires one."""
        given = {"name": "Randevu", "redirect_uris": [CALLBACK], "scopes": SCOPES} | options
        if kind in {"device", "service"}:
            given["redirect_uris"] = ()
        return cls(world, *create_client(world.database, kind=kind, **given))

    def request(self, **parameters: str | None) -> str:
        """Return the path of an authorization request, without the parameters that are None."""
        usual = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": CALLBACK,
            "state": "a state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        chosen = {name: value for name, value in (usual | parameters).items() if value is not None}
        return "/oauth/authorize?" + urlencode(chosen)

    def code(self, browser: Browser, **parameters: str | None) -> str:
        """Return an authorization code, after the user of the browser has consented."""
        page = browser.get(self.request(**parameters))
        if page.status_code == 200:
            page = browser.submit(page, "/oauth/consent", decision="allow")
        return redirect_parameters(page)["code"]

    def tokens(self, browser: Browser, **parameters: str | None) -> dict[str, Any]:
        """Return the tokens for a new authorization code."""
        given = {"redirect_uri": parameters["redirect_uri"]} if "redirect_uri" in parameters else {}
        result = self.redeem(self.code(browser, **parameters), **given)
        assert result.status_code == 200, result.text
        return dict(result.json)

    def redeem(self, code: str, **parameters: str | None) -> Result:
        """Exchange an authorization code."""
        usual = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.ask("/oauth/token", grant_type="authorization_code", **(usual | parameters))

    def refresh(self, token: str, **parameters: str) -> Result:
        """Exchange a refresh token."""
        return self.ask(grant_type="refresh_token", refresh_token=token, **parameters)

    def ask(self, path: str = "/oauth/token", **parameters: str | None) -> Result:
        """Send a POST request to an endpoint with the credentials of this client."""
        mine = {"client_id": self.client.id} | ({"client_secret": self.secret} if self.secret else {})
        fields = {name: value for name, value in (mine | parameters).items() if value is not None}
        return self.world.client.simulate_post(path, body=urlencode(fields), headers={"Content-Type": FORM})


def redirect_parameters(result: Result) -> dict[str, str]:
    """Return the parameters of a redirect to the application."""
    assert result.status_code == 303, result.text
    return uri_parameters(result.headers["location"])


def uri_parameters(location: str) -> dict[str, str]:
    """Return the query parameters of a redirect URI."""
    return {name: values[-1] for name, values in parse_qs(location.partition("?")[2]).items()}


def expect_oauth_error(result: Result, error: str, status: int = 400) -> None:
    """Assert that the response of a token endpoint is this error (RFC 6749, section 5.2)."""
    assert (result.status_code, result.json["error"]) == (status, error), result.text
    assert result.headers["Cache-Control"] == "no-store"
    assert set(result.json) <= {"error", "error_description"}
