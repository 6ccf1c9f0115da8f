"""Determine the kind of work of a request, and the group of clients to which it belongs."""

from urllib.parse import unquote_plus

from regulars.http.cookies import has_session_cookie
from regulars.http.middleware import TENANT
from regulars.http.public_url import client_address
from regulars.server.admission import READ, SEARCH, SIGN_IN, WRITE, Kind
from regulars.server.environ import Environ
from regulars.settings import Network

LIST = "/api/v1/customers"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
WRITING_PATHS = {"/oauth/authorize"}
"""GET issues a code there. Writers may have to wait for a lock, so they must not take the places of readers."""
PAGE_PARAMETERS = {"page", "per_page", "cursor"}
"""A page of the list with only these parameters is found by an index and needs few rows."""
MAX_TOKENS = 10_000


def kind_of(environ: Environ) -> Kind:
    """Return the kind of work of a request."""
    path: str = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] == "OPTIONS":
        return READ
    if environ["REQUEST_METHOD"] not in SAFE_METHODS or path in WRITING_PATHS:
        # Forms of the console check or store passwords. Hashing a password occupies a core for some time.
        return WRITE if path.startswith(("/api/", "/oauth/")) else SIGN_IN
    if path.startswith(LIST) and not is_plain_list(environ):
        return SEARCH if environ["QUERY_STRING"] or path.endswith("/duplicates") else READ
    return READ


def is_plain_list(environ: Environ) -> bool:
    """Tell whether the request reads a page of the customer list in its default order, or by a cursor."""
    if environ["PATH_INFO"] != LIST or environ["REQUEST_METHOD"] not in SAFE_METHODS:
        return False
    query: str = environ["QUERY_STRING"]
    return not query or all(unquote_plus(part.partition("=")[0]) in PAGE_PARAMETERS for part in query.split("&"))


class Groups:
    """Groups of requests, which share a worker's threads evenly: by tenant, by token or by the address of the client.

    The tenant counts if the request has a token or a session cookie. None of these is verified yet. A request that
    names the tenant of somebody else is refused when it runs. Outside the API only the address counts: otherwise a
    stranger could name another tenant with each sign-in.
    """

    def __init__(self, trusted_proxies: tuple[Network, ...]) -> None:
        self.trusted_proxies = trusted_proxies
        self._tenants: dict[str, str] = {}

    def group_of(self, environ: Environ) -> str:
        """Return the group of a request."""
        token: str = environ.get("HTTP_AUTHORIZATION", "")
        tenant = environ.get("HTTP_X_TENANT", "").strip().lstrip("0")
        if not environ["PATH_INFO"].startswith("/api/") or not (token or (tenant and has_session_cookie(environ))):
            return f"address {client_address(environ, self.trusted_proxies)}"
        return f"tenant {tenant[:20]}" if tenant else self._tenants.get(token, f"token {token}")

    def learn(self, environ: Environ) -> None:
        """Remember the tenant of a completed request's token. Later requests with this token belong to its group."""
        tenant, token = environ.get(TENANT), environ.get("HTTP_AUTHORIZATION")
        if tenant is None or token is None or token in self._tenants or "HTTP_X_TENANT" in environ:
            return
        if len(self._tenants) >= MAX_TOKENS:
            self._tenants.clear()
        self._tenants[token] = f"tenant {tenant}"
