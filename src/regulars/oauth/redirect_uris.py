"""Redirect URIs: check whether a URI can be registered, and whether the URI in a request is registered.

RFC 9700, section 2.1 (exact string comparison); RFC 8252, sections 7 (native apps) and 8.4 (registration).
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from regulars.i18n import _

MAX_LENGTH = 2000
# The syntax of RFC 3986 and, in addition, underscores, because some apps use them.
SCHEME = re.compile(r"([a-z][a-z0-9+.\-_]*):", re.IGNORECASE)
PRINTABLE = re.compile(r"[\x21-\x7e]+")
# The host is copied into a Content-Security-Policy, so characters with a meaning there are not allowed.
HOST = re.compile(r"[a-z0-9._\-]+|[0-9a-f:.]+", re.IGNORECASE)
LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([0-9]{1,5}))?((?:[/?].*)?)")


def check_redirect_uri(uri: str, *, own_schemes: bool) -> str | None:
    """Return why `uri` cannot be registered, or None if it can. The text continues "The redirect URI …": "must have …".

    With `own_schemes` (native apps), the scheme may be named after a domain of the developer.
    """
    scheme = SCHEME.match(uri)
    if len(uri) > MAX_LENGTH or not PRINTABLE.fullmatch(uri) or set(uri) & set('\\"<>^`{|}*') or scheme is None:
        return _("must be an absolute URI of printable ASCII characters, without wildcards")
    if "#" in uri:
        return _("must not have a fragment (#)")
    if scheme[1].lower() in {"http", "https"}:
        return _check_web_address(uri)
    if not own_schemes:
        return _("must start with https:// (or be a loopback address, for development)")
    return _check_own_scheme(uri, scheme)


def _check_own_scheme(uri: str, scheme: re.Match[str]) -> str | None:
    if "." not in scheme[1] or not uri[scheme.end() :]:
        return _("must have a scheme named after a domain of yours, such as com.example.app:/callback, or https://")
    if "@" in uri.partition("//")[2].partition("/")[0]:
        return _("must not have a user name")
    return None


def _check_web_address(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return _("must have a valid host and port")
    if not host or not HOST.fullmatch(host) or port == 0 or not uri.partition(":")[2].startswith("//"):
        return _("must have a host")
    if "@" in parts.netloc:
        return _("must not have a user name")
    if parts.scheme == "http" and not LOOPBACK.fullmatch(uri):
        return _("must start with https://. Only loopback addresses may use http://")
    return None


def is_registered(uri: str, registered: Sequence[str], *, any_port: bool) -> bool:
    """Tell whether `uri` is exactly one of `registered`.

    With `any_port` (native apps), a loopback address may have any port (RFC 8252, section 7.3).
    """
    if uri in registered:
        return True
    asked = LOOPBACK.fullmatch(uri) if any_port else None
    if asked is None or (asked[2] is not None and not 0 < int(asked[2]) < 65536):
        return False
    return any(
        known is not None and (known[1], known[3]) == (asked[1], asked[3])
        for known in map(LOOPBACK.fullmatch, registered)
    )
