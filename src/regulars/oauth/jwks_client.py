"""Fetch and cache the signing keys of an external authorization server."""

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
from regulars.i18n import _

Key = RSAKey | ECKey | OKPKey

KEY_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""The key type of each accepted algorithm. Symmetric algorithms are not accepted."""

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
MAX_DOCUMENT_BYTES = 1_000_000
FETCH_SECONDS = 5.0
WAIT_SECONDS = 1.0
MIN_FETCH_INTERVAL = 30.0
RETRY_SECONDS = 5.0
MAX_AGE_SECONDS = 3600.0

log = structlog.get_logger("regulars.issuer")


class Unreachable(Exception):
    """The keys of the issuer cannot be fetched. The message is for the log."""


class ExternalKeys:
    """The cached keys of an external issuer.

    They are fetched when they are an hour old, and when a token names an unknown key, but at most every 30 seconds, and
    not for 5 seconds after a failure. Only one thread fetches them at a time. Meanwhile, other threads use the cached
    keys, or wait up to a second for an unknown key. While the issuer is unreachable, cached keys stay valid.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._lock = threading.Lock()
        self._keys: list[Key] = []
        self._stale_at = float("-inf")
        self._next_fetch = float("-inf")
        self._failed = False

    def find(self, header: Mapping[str, Any]) -> Key:
        """Return the key for a token with this header. Fetch the keys first if they are old or the key is unknown.

        Raise ValueError if the algorithm is not accepted, `Unauthenticated` if the issuer has no such key, and
        `Unavailable` if the keys cannot be fetched.
        """
        if header.get("alg") not in KEY_TYPES:
            raise ValueError("the algorithm is not accepted")
        key = find_key(self._keys, header)
        if key is None:
            self._refresh(WAIT_SECONDS)
            key = find_key(self._keys, header)
        elif time.monotonic() >= self._stale_at:
            with suppress(Unavailable):
                self._refresh(0)
            key = find_key(self._keys, header)
        if key is None:
            message = _("The access token is signed with a key that the authorization server does not have.")
            raise Unauthenticated(message, "invalid_token")
        return key

    def _refresh(self, patience: float) -> None:
        if not self._lock.acquire(timeout=patience):
            raise self._unavailable()
        try:
            if time.monotonic() >= self._next_fetch:
                self._fetch()
            if self._failed:
                raise self._unavailable()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        try:
            self._keys = fetch_keys(self.issuer)
        except Unreachable as error:
            log.warning("issuer_unreachable", issuer=self.issuer, reason=str(error))
            self._failed = True
            self._next_fetch = time.monotonic() + RETRY_SECONDS
        else:
            now = time.monotonic()
            self._failed = False
            self._next_fetch = now + MIN_FETCH_INTERVAL
            self._stale_at = now + MAX_AGE_SECONDS

    def _unavailable(self) -> Unavailable:
        sentence = _("The keys of the authorization server cannot be fetched. Try again later.")
        return Unavailable(sentence, int(RETRY_SECONDS))


def find_key(keys: list[Key], header: Mapping[str, Any]) -> Key | None:
    """Return the key whose type, algorithm and id match the header of a token.

    Return None if no key matches, or if the header has no key id and several keys match.
    """
    algorithm, kid = header["alg"], header.get("kid")
    possible = [
        key
        for key in keys
        if key.key_type == KEY_TYPES[algorithm] and key.get("alg") in {None, algorithm} and kid in {None, key.kid}
    ]
    return possible[0] if len(possible) == 1 or (possible and kid is not None) else None


def fetch_keys(issuer: str) -> list[Key]:
    """Return the current signing keys of the issuer, found through its metadata. Raise `Unreachable`."""
    deadline = time.monotonic() + FETCH_SECONDS
    metadata = _metadata(issuer, deadline)
    if metadata.get("issuer") != issuer:
        raise Unreachable(f"its metadata names the issuer {str(metadata.get('issuer'))[:200]!r}")
    found = _fetch_object(str(metadata.get("jwks_uri")), deadline).get("keys")
    if not isinstance(found, list):
        raise Unreachable("its key set has no keys")
    return [key for key in map(_import, found) if key is not None]


def _metadata(issuer: str, deadline: float) -> dict[str, Any]:
    """Return the issuer's metadata from the URL of OpenID Connect Discovery, or of RFC 8414. Raise `Unreachable`."""
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
    """Return the public signing key in a JSON Web Key. Return None if it is of another kind or cannot be read."""
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
    """Does not follow redirects: they could lead to a server that the issuer does not control."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Return None, so that the redirect is an error."""


OPENER = urllib.request.build_opener(_NoRedirects)


def _fetch_object(url: str, deadline: float) -> dict[str, Any]:
    """Return the JSON object at `url`. Raise `Unreachable` if it cannot be fetched by `deadline` or is not valid."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise Unreachable(f"{url[:200]!r} is not an https address")
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
            if len(body) > MAX_DOCUMENT_BYTES:
                raise ValueError(f"more than {MAX_DOCUMENT_BYTES} bytes")
            _left(deadline)
    return body


def _left(deadline: float) -> float:
    """Return the seconds until `deadline`. Raise TimeoutError (an OSError) if it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
