"""The address under which a client sees this service."""

import ipaddress
import re

import falcon

from regulars.errors import Malformed
from regulars.settings import Network
from regulars.validation import quote

HOST = re.compile(r"[A-Za-z0-9._\-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
PREFIX = re.compile(r"(/[A-Za-z0-9._~\-]+)+")


def base_url(request: falcon.Request, trusted_proxies: tuple[Network, ...]) -> str:
    """Scheme, host and prefix of the request, like `https://example.com/crm`.

    What a proxy forwards (X-Forwarded-Proto, -Host, -Prefix) counts only where it is one of `trusted_proxies`; of
    several values the last counts, which is the one that this proxy wrote. Raises `Malformed` for a host that is none.
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
            raise Malformed(f"The X-Forwarded-Prefix header is not a path: {quote(prefix)}.")
    if not HOST.fullmatch(host):
        raise Malformed(f"The Host header is not the name of a host: {quote(host)}.")
    return f"{scheme}://{host}{prefix}"


def client_address(request: falcon.Request, trusted_proxies: tuple[Network, ...]) -> str:
    """The IP address that the request came from: the one that a trusted proxy names last, else the connection's."""
    address = str(request.env.get("REMOTE_ADDR", ""))
    if trusted_proxies and is_trusted(address, trusted_proxies):
        return _last(request.env.get("HTTP_X_FORWARDED_FOR", "")) or address
    return address


def is_trusted(address: str, trusted_proxies: tuple[Network, ...]) -> bool:
    """Whether `address` is that of a trusted proxy."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted_proxies)


def _last(header: str) -> str:
    return header.rpartition(",")[2].strip()
