"""The URL of this service and the address of the client, also behind proxies."""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from regulars.errors import Malformed
from regulars.i18n import _
from regulars.settings import Network, Settings, split_host
from regulars.validation import quote

Environ = Mapping[str, Any]

PREFIX = re.compile(r"(/[A-Za-z0-9._~\-]+)+")
MAX_PROXIES = 16
"""The maximum number of proxies in a row. Further entries of X-Forwarded-For are not read."""
MAX_REMEMBERED_HOSTS = 256
MAX_REMEMBERED_ADDRESSES = 4096


class AcceptedHosts:
    """The hosts that requests may name: with `public_url` any, otherwise loopback and `allowed_hosts`.

    Without `public_url`, links contain the host of the request. An attacker could choose that host, or could make a
    domain resolve to this server (DNS rebinding).
    """

    def __init__(self, settings: Settings) -> None:
        self._accepts_all = bool(settings.public_url)
        self._trusted_proxies = settings.trusted_proxies
        # lru_cache does not cache errors. Hosts that are not accepted therefore cannot evict accepted ones.
        self._check = lru_cache(MAX_REMEMBERED_HOSTS)(partial(_check_host, frozenset(settings.allowed_hosts)))

    def check(self, environ: Environ) -> None:
        """Raise `Malformed` if the host of a request, or the one that a trusted proxy forwards, is not accepted."""
        if self._accepts_all:
            return
        self._check(_host(environ))
        if "HTTP_X_FORWARDED_HOST" in environ and _is_forwarded(environ, self._trusted_proxies):
            self._check(_forwarded_host(environ))


def base_url(environ: Environ, settings: Settings) -> str:
    """Return the URL of the service without a final slash, such as `https://example.com/crm`.

    Return `public_url` if it is set. Otherwise derive the URL from the request, whose host has already been checked
    (`AcceptedHosts`). If the sender is a trusted proxy, the last values of X-Forwarded-Proto, -Host and -Prefix are
    used: that proxy has written them. Raise `Malformed` if the prefix is not a valid path.
    """
    if settings.public_url:
        return settings.public_url
    scheme = environ["wsgi.url_scheme"]
    if not _is_forwarded(environ, settings.trusted_proxies):
        return f"{scheme}://{_host(environ)}"
    forwarded = _last(environ.get("HTTP_X_FORWARDED_PROTO", ""))
    scheme = forwarded if forwarded in {"http", "https"} else scheme
    prefix = _last(environ.get("HTTP_X_FORWARDED_PREFIX", "")).rstrip("/")
    if prefix and not PREFIX.fullmatch(prefix):
        raise Malformed(_("The X-Forwarded-Prefix header is not a valid path: {value}.", value=quote(prefix)))
    return f"{scheme}://{_forwarded_host(environ)}{prefix}"


def client_address(environ: Environ, trusted_proxies: tuple[Network, ...]) -> str:
    """Return the IP address of the client.

    Each proxy appends the address of its own client to X-Forwarded-For. Start with the address of the connection. While
    the address is a trusted proxy, go on to the next entry, from the last to the first. Stop before an entry that is
    not an IP address.
    """
    address = str(environ.get("REMOTE_ADDR", ""))
    if not trusted_proxies:
        return address
    for entry in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", MAX_PROXIES)):
        sender = entry.strip()
        if not is_trusted(address, trusted_proxies) or not _is_address(sender):
            break
        address = sender
    return address


def is_trusted(address: str, trusted_proxies: tuple[Network, ...]) -> bool:
    """Tell whether `address` is in one of the networks of trusted proxies."""
    try:
        parsed = _parse_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted_proxies)


def _check_host(allowed: frozenset[str], host: str) -> None:
    try:
        name, port = split_host(host)
    except ValueError:
        raise Malformed(_("The Host header is not a valid host: {value}.", value=quote(host))) from None
    if name not in allowed and name + port not in allowed and not _is_loopback(name):
        raise Malformed(
            _(
                "This service does not answer requests for the host {value}. Its operator can set public_url, or add"
                " the host to allowed_hosts.",
                value=quote(host),
            )
        )


# lru_cache does not cache errors, so texts that are not addresses take no memory.
@lru_cache(MAX_REMEMBERED_ADDRESSES)
def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Parse an IP address. Raise ValueError if `text` is not one.

    An IPv4-mapped IPv6 address such as `::ffff:192.0.2.1`, which dual-stack sockets report, becomes an IPv4 address.
    """
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def _is_address(text: str) -> bool:
    try:
        _parse_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_forwarded(environ: Environ, trusted_proxies: tuple[Network, ...]) -> bool:
    return bool(trusted_proxies) and is_trusted(environ.get("REMOTE_ADDR", ""), trusted_proxies)


def _host(environ: Environ) -> str:
    # HTTP/1.0 does not require a Host header.
    return environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"


def _forwarded_host(environ: Environ) -> str:
    return _last(environ.get("HTTP_X_FORWARDED_HOST", "")) or _host(environ)


def _last(header: str) -> str:
    return header.rpartition(",")[2].strip()
