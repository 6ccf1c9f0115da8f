"""Redirect URIs: which may be registered, and which of a request's are one that is.

RFC 9700, section 2.1 (exact match of strings); RFC 8252, section 7 (native apps) and 8.4 (registration).
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

LONGEST = 2000
# A scheme of RFC 3986, and the underscore beside: apps in the field have one.
SCHEME = re.compile(r"([a-z][a-z0-9+.\-_]*):", re.IGNORECASE)
PRINTABLE = re.compile(r"[\x21-\x7e]+")
# It becomes a source in a Content-Security-Policy, where other characters would mean something.
HOST = re.compile(r"[a-z0-9._\-]+|[0-9a-f:.]+", re.IGNORECASE)
LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([0-9]{1,5}))?((?:[/?].*)?)")


def check_redirect_uri(uri: str, *, own_schemes: bool) -> str | None:
    """Why `uri` may not be registered, in a sentence; None where it may.

    `own_schemes` is for native apps: they may have a scheme of their own, named after a domain of theirs.
    """
    scheme = SCHEME.match(uri)
    if len(uri) > LONGEST or not PRINTABLE.fullmatch(uri) or set(uri) & set('\\"<>^`{|}*') or scheme is None:
        return "is not a URI: it must be absolute, printable ASCII, and have no wildcard"
    if "#" in uri:
        return "must have no fragment (#)"
    if scheme[1].lower() in {"http", "https"}:
        return _check_web_address(uri)
    if not own_schemes:
        return "must start with https:// (or be a loopback address, for development)"
    return _check_own_scheme(uri, scheme)


def _check_own_scheme(uri: str, scheme: re.Match[str]) -> str | None:
    if "." not in scheme[1] or not uri[scheme.end() :]:
        return "must have a scheme named after a domain of yours, like com.example.app:/callback, or https://"
    if "@" in uri.partition("//")[2].partition("/")[0]:
        return "must have no user name"
    return None


def _check_web_address(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is not a URI: its host or port cannot be read"
    if not host or not HOST.fullmatch(host) or port == 0 or not uri.partition(":")[2].startswith("//"):
        return "is not a URI: it names no host"
    if "@" in parts.netloc:
        return "must have no user name"
    if parts.scheme == "http" and not LOOPBACK.fullmatch(uri):
        return "must start with https://; plain http is for loopback addresses alone"
    return None


def is_registered(uri: str, registered: Sequence[str], *, any_port: bool) -> bool:
    """Whether `uri` is one of `registered`, letter for letter.

    With `any_port` (native apps) a loopback address may have any port: the app listens where it can (RFC 8252, 7.3).
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
