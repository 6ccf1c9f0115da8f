"""The cookies of the console. Browsers send them with each request, also with requests to the API."""

from collections.abc import Mapping
from typing import Any

import falcon

from regulars.settings import Settings

SESSION = "session"
BROWSER = "browser"
PREFIX = "regulars_"


class Cookies:
    """Reads and sets cookies that scripts cannot read. If the public URL is https, only this host can set them."""

    def __init__(self, settings: Settings) -> None:
        self.is_secure = settings.origin.startswith("https://")
        # Browsers accept this prefix only over https, and only from the host itself.
        self._prefix = f"__Host-{PREFIX}" if self.is_secure else PREFIX

    def get(self, request: falcon.Request, name: str) -> str:
        """Return the value of the cookie `name`, or an empty string if the request does not have it."""
        return str(request.cookies.get(self._prefix + name, ""))

    def set(self, response: falcon.Response, name: str, value: str, seconds: int) -> None:
        """Set the cookie `name` for a number of seconds; 0 deletes it."""
        response.set_cookie(
            self._prefix + name,
            value,
            max_age=seconds,
            path="/",
            secure=self.is_secure,
            http_only=True,
            same_site="Lax",
        )


def has_session_cookie(environ: Mapping[str, Any]) -> bool:
    """Tell whether a request has a session cookie. The session may have ended."""
    return f"{PREFIX}{SESSION}=" in environ.get("HTTP_COOKIE", "")
