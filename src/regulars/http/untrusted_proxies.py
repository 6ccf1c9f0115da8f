"""Log a warning if requests come through a proxy that is not in `trusted_proxies`."""

from functools import lru_cache, partial
from threading import Lock

import structlog

from regulars.http.public_url import Environ, is_trusted
from regulars.settings import Network

MAX_LOGGED = 100
MAX_REMEMBERED = 1024

log = structlog.get_logger("regulars")


class UntrustedProxies:
    """Logs senders of X-Forwarded headers that are not trusted: each once per process, and at most 100 of them."""

    def __init__(self, trusted_proxies: tuple[Network, ...]) -> None:
        # Cached, because every request through a proxy is checked.
        self._is_trusted = lru_cache(MAX_REMEMBERED)(partial(is_trusted, trusted_proxies=trusted_proxies))
        self._logged: set[str] = set()
        self._lock = Lock()

    def check(self, environ: Environ) -> None:
        """Log a warning if the request has X-Forwarded headers from an address that is not trusted."""
        if "HTTP_X_FORWARDED_FOR" in environ or "HTTP_X_FORWARDED_PROTO" in environ:
            address = environ.get("REMOTE_ADDR", "")
            if not self._is_trusted(address) and address not in self._logged:
                self._log(address)

    def _log(self, address: str) -> None:
        with self._lock:
            if address in self._logged or len(self._logged) >= MAX_LOGGED:
                return
            self._logged.add(address)
        log.warning(
            "untrusted_proxy",
            address=address,
            message="The X-Forwarded headers of this address are ignored, and all its clients count as one. If it is"
            " your proxy, add it to trusted_proxies (REGULARS_TRUSTED_PROXIES).",
        )
