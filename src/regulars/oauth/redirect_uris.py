"""Rules for registering redirect URIs and for matching the redirect URI of a request.

RFC 9700, section 2.1 (exact string match); RFC 8252, sections 7 (native apps) and 8.4 (registration).
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from regulars.i18n import Message, _

MAX_URI_LENGTH = 2000
# RFC 3986 allows no underscore in a scheme, but existing apps use one.
SCHEME = re.compile(r"([a-z][a-z0-9+.\-_]*):", re.IGNORECASE)
PRINTABLE = re.compile(r"[\x21-\x7e]+")
# The host becomes part of a Content-Security-Policy, in which other characters have a meaning.
HOST = re.compile(r"[a-z0-9._\-]+|[0-9a-f:.]+", re.IGNORECASE)
LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([0-9]{1,5}))?((?:[/?].*)?)")


def check_redirect_uri(uri: str, *, own_schemes: bool) -> Message | None:
    """Return why `uri` cannot be registered, as the predicate of a sentence, or None if it can.

    `own_schemes` allows the private-use schemes of native apps (RFC 8252, section 7.1).
    """
    scheme = SCHEME.match(uri)
    if len(uri) > MAX_URI_LENGTH or not PRINTABLE.fullmatch(uri) or set(uri) & set('\\"<>^`{|}*') or scheme is None:
        return _("must be an absolute URI of printable ASCII characters without wildcards")
    if "#" in uri:
        return _("must not have a fragment (#)")
    if scheme[1].lower() in {"http", "https"}:
        return _check_web_address(uri)
    if not own_schemes:
        return _("must start with https:// or be a loopback address")
    return _check_own_scheme(uri, scheme)


def _check_own_scheme(uri: str, scheme: re.Match[str]) -> Message | None:
    if "." not in scheme[1] or not uri[scheme.end() :]:
        return _("must start with https:// or with a scheme named after your domain, like com.example.app:/callback")
    if "@" in uri.partition("//")[2].partition("/")[0]:
        return _("must not have a user name")
    return None


def _check_web_address(uri: str) -> Message | None:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return _("must have a valid host and port")
    if not host or not HOST.fullmatch(host) or port == 0 or not uri.partition(":")[2].startswith("//"):
        return _("must have a valid host and port")
    if "@" in parts.netloc:
        return _("must not have a user name")
    if parts.scheme == "http" and not LOOPBACK.fullmatch(uri):
        return _("must start with https:// or be a loopback address")
    return None


def is_registered(uri: str, registered: Sequence[str], *, any_port: bool) -> bool:
    """Return whether `uri` exactly matches one of `registered`.

    With `any_port`, for native apps, the port of a loopback address may differ (RFC 8252, section 7.3).
    """
    if uri in registered:
        return True
    loopback = LOOPBACK.fullmatch(uri) if any_port else None
    if loopback is None or (loopback[2] is not None and not 0 < int(loopback[2]) < 65536):
        return False
    return any(
        other is not None and (other[1], other[3]) == (loopback[1], loopback[3])
        for other in map(LOOPBACK.fullmatch, registered)
    )
