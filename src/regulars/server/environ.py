"""Converts a request of Granian's RSGI interface to a WSGI environment (PEP 3333)."""

import sys
import time
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import quote
from wsgiref.util import FileWrapper

from regulars.errors import Malformed
from regulars.http.middleware import ARRIVED
from regulars.i18n import _

Environ = dict[str, Any]
CLIENT = "regulars.client"
"""Key of the WSGI environment: the address and port of the client, as `Connections.end` takes them."""

BASE: Environ = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "Granian",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.file_wrapper": FileWrapper,
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
OPTIONAL_HEADERS = {"cookie", "referer", "user-agent"}
"""Headers that a browser fills with values of other sites and programs. A value that cannot be read is ignored."""
VISIBLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def environment(scope: Any) -> tuple[Environ, Malformed | None]:
    """Return the environment of a request without its body, and an error if the request must be refused."""
    environ = BASE.copy()
    environ[ARRIVED] = time.perf_counter()
    headers = scope.headers
    items = headers.items()
    for name, value in items:
        key = _key(name)
        if key in environ:
            environ[key] += f"{'; ' if name == 'cookie' else ','}{value}"
        else:
            environ[key] = value
    host, _colon, port = scope.server.rpartition(":")
    environ["SERVER_NAME"], environ["SERVER_PORT"] = host.strip("[]"), port
    environ[CLIENT] = client = scope.client
    environ["REMOTE_ADDR"] = client.rpartition(":")[0].strip("[]")
    environ["REQUEST_METHOD"] = scope.method
    environ["wsgi.url_scheme"] = scope.scheme
    environ["wsgi.input"] = BytesIO()
    path, query = scope.path, scope.query_string
    # WSGI represents each byte of the path as one character.
    environ["PATH_INFO"] = path if path.isascii() else path.encode().decode("latin-1")
    # Clients may send a query in UTF-8 without percent-encoding.
    environ["QUERY_STRING"] = query if query.isascii() else quote(query, safe=VISIBLE_ASCII)
    environ["SERVER_PROTOCOL"] = f"HTTP/{scope.http_version}"
    if scope.authority is not None:
        # An absolute request target replaces the Host header (RFC 9112, section 3.2.2).
        environ["HTTP_HOST"] = scope.authority
    elif "HTTP_HOST" not in environ and scope.http_version == "1.1":
        return environ, Malformed(_("The request has no Host header."))
    return environ, _unreadable(headers, items)


@lru_cache(maxsize=1_000)
def _key(name: str) -> str:
    # Otherwise a client could use underscores to forge a header with hyphens that a proxy sets.
    if "_" in name:
        return "regulars.ignored"
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def _unreadable(headers: Any, items: list[tuple[str, str]]) -> Malformed | None:
    """Return an error if a header has non-ASCII characters, except `OPTIONAL_HEADERS`. Granian omits such values."""
    names = headers.keys()
    if len(names) == len(items) or len(names) == len(dict(items)):
        return None
    lost = sorted(set(names) - set(dict(items)) - OPTIONAL_HEADERS)
    if not lost:
        return None
    return Malformed(_("The header {name} must have only ASCII characters.", name=lost[0]))
