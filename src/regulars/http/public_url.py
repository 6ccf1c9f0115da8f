"""The address of this service as its clients see it."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

import falcon

from regulars.errors import Malformed
from regulars.i18n import _
from regulars.settings import Network
from regulars.validation import quote

HOST = re.compile(r"[A-Za-z0-9._\-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
PREFIX = re.compile(r"(/[A-Za-z0-9._~\-]+)+")


def base_url(request: falcon.Request, trusted_proxies: tuple[Network, ...]) -> str:
    """Return the scheme, host and prefix of the request, such as `https://example.com/crm`.

    The headers X-Forwarded-Proto, -Host and -Prefix count only if `trusted_proxies` has the sender. Of several values
    the last one counts, which that proxy has written. Raise `Malformed` for an invalid host.
    """
    env = request.env
    scheme = env["wsgi.url_scheme"]
    host = env.get("HTTP_HOST") or f"{env['SERVER_NAME']}:{env['SERVER_PORT']}"
    prefix = ""
    if trusted_proxies and is_trusted(env.get("REMOTE_ADDR", ""), trusted_proxies):
        forwarded = _last(env.get("HTTP_X_FORWARDED_PROTO", ""))
        scheme = forwarded if forwarded in {"http", "https"} else scheme
        host = _last(env.get("HTTP_X_FORWARDED_HOST", "")) or host
        prefix = _last(env.get("HTTP_X_FORWARDED_PREFIX", "")).rstrip("/")
        if prefix and not PREFIX.fullmatch(prefix):
            raise Malformed(_("The X-Forwarded-Prefix header is not a valid path: {value}.", value=quote(prefix)))
    if not HOST.fullmatch(host):
        raise Malformed(_("The Host header is not a valid host: {value}.", value=quote(host)))
    return f"{scheme}://{host}{prefix}"


def client_address(environ: Mapping[str, Any], trusted_proxies: tuple[Network, ...]) -> str:
    """Return the IP address of the client: the last one from a trusted proxy, or that of the connection."""
    address = str(environ.get("REMOTE_ADDR", ""))
    if trusted_proxies and is_trusted(address, trusted_proxies):
        return _last(environ.get("HTTP_X_FORWARDED_FOR", "")) or address
    return address


def is_trusted(address: str, trusted_proxies: tuple[Network, ...]) -> bool:
    """Tell whether `address` is that of a trusted proxy."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted_proxies)


def _last(header: str) -> str:
    return header.rpartition(",")[2].strip()
