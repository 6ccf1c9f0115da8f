"""The keys of an outside authorization server, fetched when they are needed and no more often than it can be asked."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from regulars.errors import Unauthenticated, Unavailable

Key = RSAKey | ECKey | OKPKey

KEY_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""The algorithms that are accepted, with the type of key that each takes: none whose key both sides must know."""

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
LARGEST_DOCUMENT = 1_000_000
FETCH_SECONDS = 5.0
WAIT_SECONDS = 1.0
BETWEEN_FETCHES = 30.0
AFTER_FAILURE = 5.0
FRESH_SECONDS = 3600.0

log = structlog.get_logger("regulars.issuer")


class Unreachable(Exception):
    """The issuer gave no keys; why not is for the log."""


class OutsideKeys:
    """The issuer's keys. One thread at a time asks for them; the others go on, or wait a second at most.

    They are fetched anew for a key that is not known, but no more than once in 30 seconds, and each hour; after a
    failure nobody asks for 5 seconds. While the issuer is away, the keys that are known stay good.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._lock = threading.Lock()
        self._keys: list[Key] = []
        self._stale_at = float("-inf")
        self._next_fetch = float("-inf")
        self._failed = False

    def find(self, header: Mapping[str, Any]) -> Key:
        """The key for a token with this header. Raises `Unauthenticated`, `Unavailable`."""
        if header.get("alg") not in KEY_TYPES:
            raise ValueError("the algorithm is not accepted")
        key = fitting(self._keys, header)
        if key is None:
            self._refresh(WAIT_SECONDS)
            key = fitting(self._keys, header)
        elif time.monotonic() >= self._stale_at:
            with suppress(Unavailable):
                self._refresh(0)
            key = fitting(self._keys, header)
        if key is None:
            message = "The access token is signed with a key that the authorization server does not have."
            raise Unauthenticated(message, "invalid_token")
        return key

    def _refresh(self, patience: float) -> None:
        if not self._lock.acquire(timeout=patience):
            raise self._away()
        try:
            if time.monotonic() >= self._next_fetch:
                self._fetch()
            if self._failed:
                raise self._away()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        try:
            self._keys = fetch_keys(self.issuer)
        except Unreachable as error:
            log.warning("issuer_unreachable", issuer=self.issuer, reason=str(error))
            self._failed = True
            self._next_fetch = time.monotonic() + AFTER_FAILURE
        else:
            now = time.monotonic()
            self._failed = False
            self._next_fetch = now + BETWEEN_FETCHES
            self._stale_at = now + FRESH_SECONDS

    def _away(self) -> Unavailable:
        return Unavailable("The authorization server cannot be asked for its keys just now.", int(AFTER_FAILURE))


def fitting(keys: list[Key], header: Mapping[str, Any]) -> Key | None:
    """The key that a token with this header is signed with; a token that names none fits where only one is possible."""
    algorithm, kid = header["alg"], header.get("kid")
    possible = [
        key
        for key in keys
        if key.key_type == KEY_TYPES[algorithm] and key.get("alg") in {None, algorithm} and kid in {None, key.kid}
    ]
    return possible[0] if len(possible) == 1 or (possible and kid is not None) else None


def fetch_keys(issuer: str) -> list[Key]:
    """The keys that the issuer signs with now, found by its metadata. Raises `Unreachable`."""
    deadline = time.monotonic() + FETCH_SECONDS
    metadata = _metadata(issuer, deadline)
    if metadata.get("issuer") != issuer:
        raise Unreachable(f"its metadata is that of {str(metadata.get('issuer'))[:200]!r}")
    found = _fetch_object(str(metadata.get("jwks_uri")), deadline).get("keys")
    if not isinstance(found, list):
        raise Unreachable("its key set has no keys")
    return [key for key in map(_import, found) if key is not None]


def _metadata(issuer: str, deadline: float) -> dict[str, Any]:
    """The issuer's metadata, where OpenID Connect Discovery has it, or else where RFC 8414 does."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    openid = parts._replace(path=f"{path}/.well-known/openid-configuration")
    oauth = parts._replace(path=f"/.well-known/oauth-authorization-server{path}")
    try:
        return _fetch_object(urlunsplit(openid), deadline)
    except Unreachable as first:
        try:
            return _fetch_object(urlunsplit(oauth), deadline)
        except Unreachable as second:
            raise Unreachable(f"{first}; {second}") from None


def _import(jwk: Any) -> Key | None:
    """A key that signs, or None for any other, and for one that we cannot read."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or str(jwk.get("crv")).startswith("X"):
        return None
    if jwk.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    try:
        key = import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as the answer, which is then none: only the issuer says where its keys are."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Do not follow."""


OPENER = urllib.request.build_opener(_NoRedirects)


def _fetch_object(url: str, deadline: float) -> dict[str, Any]:
    """The JSON object at `url`. Raises `Unreachable`."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise Unreachable(f"{url[:200]!r} is no https address")
        return msgspec.json.decode(_fetch(url, deadline), type=dict[str, Any])
    except urllib.error.HTTPError as error:
        error.close()
        raise Unreachable(f"{url} answers {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"{url}: {type(error).__name__}: {error}") from None


def _fetch(url: str, deadline: float) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": "application/json", "User-Agent": "regulars"})  # noqa: S310 - checked
    body = b""
    with OPENER.open(request, timeout=_left(deadline)) as response:
        while block := response.read1(65536):
            body += block
            if len(body) > LARGEST_DOCUMENT:
                raise ValueError(f"more than {LARGEST_DOCUMENT} bytes")
            _left(deadline)
    return body


def _left(deadline: float) -> float:
    """The seconds until `deadline`. Raises TimeoutError (an OSError) when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
