"""The keys that sign tokens. Private keys are encrypted in the database.

The newest key signs. A replaced key verifies the tokens that it signed before, until all of them have expired. A
revoked key verifies nothing.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey, RSAKey, import_key
from sqlalchemy import bindparam, insert, or_, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import signing_keys
from regulars.errors import ConfigurationError, Invalid, NotFound
from regulars.i18n import _
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version
from regulars.security.encryption import Cipher
from regulars.settings import Settings
from regulars.validation import quote

# RFC 9864 prefers the name "Ed25519", but existing clients know "EdDSA" (RFC 8037).
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

ALGORITHMS = ("RS256", "EdDSA")
RSA_BITS = 2048
LEEWAY_SECONDS = 60
"""The tolerated difference between the clocks of servers. If the clock of the server that signs is ahead, other servers
see tokens that were issued in the future, or after their key was replaced."""

Key = OKPKey | RSAKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with its id and algorithm. `replaced_at` is the time when the next key replaced it, if one has."""

    kid: str
    algorithm: str
    key: Key
    created_at: datetime
    replaced_at: datetime | None = None

    def may_have_signed(self, issued_at: int) -> bool:
        """Tell whether this service may have signed a token with this key at `issued_at`, in seconds since 1970.

        A token that was signed after the key was replaced must come from somebody who has stolen the key.
        """
        return self.replaced_at is None or issued_at <= self.replaced_at.timestamp() + LEEWAY_SECONDS


class KeyStatus(msgspec.Struct, frozen=True):
    """A key as the operator sees it. Its status is "signing", "replaced", "expired" or "revoked"."""

    kid: str
    algorithm: str
    status: str
    created_at: datetime
    replaced_at: datetime | None
    revoked_at: datetime | None


PublicKeys = Mapping[str, SigningKey]
"""Keys that verify tokens, by key id."""

NEWEST_FIRST = (signing_keys.c.created_at.desc(), signing_keys.c.kid)
LIST_KEYS = Statement(
    select(
        signing_keys.c.kid,
        signing_keys.c.algorithm,
        signing_keys.c.created_at,
        signing_keys.c.replaced_at,
        signing_keys.c.revoked_at,
    ).order_by(*NEWEST_FIRST)
)
LIST_PUBLIC_KEYS = Statement(
    select(
        signing_keys.c.kid,
        signing_keys.c.algorithm,
        signing_keys.c.public_key,
        signing_keys.c.created_at,
        signing_keys.c.replaced_at,
    )
    .where(
        signing_keys.c.revoked_at.is_(None),
        or_(signing_keys.c.replaced_at.is_(None), signing_keys.c.replaced_at > bindparam("replaced_after")),
    )
    .order_by(*NEWEST_FIRST)
)
GET_SIGNING_KEY = Statement(
    select(signing_keys.c.kid, signing_keys.c.algorithm, signing_keys.c.private_key, signing_keys.c.created_at)
    .where(signing_keys.c.revoked_at.is_(None), signing_keys.c.replaced_at.is_(None))
    .order_by(*NEWEST_FIRST)
    .limit(1)
)
INSERT_KEY = Statement(
    insert(signing_keys).values(
        {name: bindparam(name) for name in ("kid", "algorithm", "public_key", "private_key", "created_at")}
    )
)
LIST_PRIVATE_KEYS = Statement(select(signing_keys.c.kid, signing_keys.c.private_key))
SET_PRIVATE_KEY = Statement(
    update(signing_keys).where(signing_keys.c.kid == bindparam("its_kid")).values(private_key=bindparam("encrypted"))
)
REPLACE_KEYS = Statement(
    update(signing_keys).where(signing_keys.c.replaced_at.is_(None)).values(replaced_at=bindparam("time"))
)
REVOKE_KEY = Statement(
    update(signing_keys).where(signing_keys.c.kid == bindparam("its_kid")).values(revoked_at=bindparam("time"))
)


def public_keys(database: Database, settings: Settings) -> dict[str, SigningKey]:
    """Return the public keys that can still verify tokens, newest first."""
    rows = database.fetch_all(LIST_PUBLIC_KEYS, {"replaced_after": utc_now() - _time_after_replacement(settings)})
    return {
        kid: SigningKey(kid, algorithm, _load(public), created, replaced)
        for kid, algorithm, public, created, replaced in rows
    }


def list_keys(database: Database, settings: Settings) -> list[KeyStatus]:
    """Return all keys with their status, including expired and revoked ones, newest first."""
    replaced_after = utc_now() - _time_after_replacement(settings)

    def status(replaced: datetime | None, revoked: datetime | None) -> str:
        if revoked is not None:
            return "revoked"
        if replaced is None:
            return "signing"
        return "replaced" if replaced > replaced_after else "expired"

    return [
        KeyStatus(kid, algorithm, status(replaced, revoked), created, replaced, revoked)
        for kid, algorithm, created, replaced, revoked in database.fetch_all(LIST_KEYS)
    ]


def _time_after_replacement(settings: Settings) -> timedelta:
    """Return the time after which all tokens of a replaced key have expired."""
    return timedelta(seconds=settings.access_token_lifetime + LEEWAY_SECONDS)


def current_key(database: Database, settings: Settings) -> SigningKey:
    """Return the key that signs, with its private part. Create the first key if there is none.

    Raise `ConfigurationError` if no secret key decrypts it.
    """
    row = database.fetch_one(GET_SIGNING_KEY)
    if row is not None:
        return _decrypt(settings, *row)
    with _changing_keys(database):
        row = database.fetch_one(GET_SIGNING_KEY)
        return _create_key(database, settings, ALGORITHMS[0]) if row is None else _decrypt(settings, *row)


def check_secret_key(database: Database, settings: Settings) -> None:
    """Raise `ConfigurationError` if there is a key that signs, but no secret key decrypts it."""
    row = database.fetch_one(GET_SIGNING_KEY)
    if row is not None:
        _decrypt(settings, *row)


@lru_cache(maxsize=8)
def _decrypt(settings: Settings, kid: str, algorithm: str, encrypted: bytes, created: datetime) -> SigningKey:
    """Return the decrypted key. It is cached, because loading an RSA key takes 50 ms.

    Raise `ConfigurationError` if no secret key decrypts it.
    """
    private = Cipher(settings, "signing keys").decrypt(encrypted, kid)
    if private is None:
        raise ConfigurationError(
            "The signing keys of this database were encrypted with another secret key. Set REGULARS_SECRET_KEY to that"
            " key. If it is lost, create a new signing key with 'regulars key rotate'; authenticator apps must then be"
            " set up again."
        )
    return SigningKey(kid, algorithm, _load(private), created)


def rotate_key(database: Database, settings: Settings, algorithm: str = ALGORITHMS[0]) -> SigningKey:
    """Create a key that signs from now on, and return it. RS256 is the default, because all OpenID clients support it.

    Raise `Invalid` for an algorithm that is not in `ALGORITHMS`.
    """
    if algorithm not in ALGORITHMS:
        raise Invalid(
            {
                "algorithm": [
                    _(
                        "algorithm must be one of {options}, not {value}.",
                        options=", ".join(ALGORITHMS),
                        value=quote(algorithm),
                    )
                ]
            }
        )
    with _changing_keys(database):
        return _create_key(database, settings, algorithm)


def revoke_key(database: Database, settings: Settings, kid: str) -> SigningKey | None:
    """Revoke a key. All servers refuse the tokens that it has signed within a second.

    If it is the key that signs, first create a new one with the same algorithm. Return the new key, or None. Do nothing
    if the key was already revoked. Raise `NotFound` if it does not exist.
    """
    with _changing_keys(database):
        found = next((key for key in list_keys(database, settings) if key.kid == kid), None)
        if found is None:
            raise NotFound(f"Signing key {quote(kid)} does not exist.")
        if found.status == "revoked":
            return None
        new = _create_key(database, settings, found.algorithm) if found.status == "signing" else None
        database.execute(REVOKE_KEY, {"its_kid": kid, "time": utc_now()})
        audit.record(database, "key.revoked", about=kid)
        return new


def encrypt_keys_again(database: Database, settings: Settings) -> tuple[int, int]:
    """Encrypt the private keys with the newest secret key.

    Return the number of private keys that changed, and the number that no secret key decrypts.
    """
    cipher = Cipher(settings, "signing keys")
    stored = {kid: bytes(encrypted) for kid, encrypted in database.fetch_all(LIST_PRIVATE_KEYS)}
    again = {kid: cipher.encrypt_again(encrypted, kid) for kid, encrypted in stored.items()}
    changed = [{"its_kid": kid, "encrypted": new} for kid, new in again.items() if new not in {None, stored[kid]}]
    database.execute_many(SET_PRIVATE_KEY, changed)
    return len(changed), list(again.values()).count(None)


@contextmanager
def _changing_keys(database: Database) -> Iterator[None]:
    """Open a transaction that changes keys. Only one can be open at a time, so that only one key signs."""
    with database.transaction():
        # This update locks the only row of the table until the transaction ends.
        bump_auth_version(database)
        yield


def _create_key(database: Database, settings: Settings, algorithm: str) -> SigningKey:
    """Create a key, and mark the present one as replaced, if there is one. Call this within `_changing_keys`."""
    key = _generate(algorithm)
    kid = key.thumbprint()
    newest = database.fetch_one(LIST_KEYS)
    # The newest key signs, so two keys must not have the same creation time.
    created = max(utc_now(), newest[2] + timedelta(seconds=1)) if newest else utc_now()
    database.execute(REPLACE_KEYS, {"time": created})
    private = msgspec.json.encode(key.as_dict(private=True))
    database.execute(
        INSERT_KEY,
        {
            "kid": kid,
            "algorithm": algorithm,
            "public_key": msgspec.json.encode(key.as_dict(private=False)).decode(),
            "private_key": Cipher(settings, "signing keys").encrypt(private, kid),
            "created_at": created,
        },
    )
    if newest:
        audit.record(database, "key.rotated", about=kid)
    return SigningKey(kid, algorithm, key, created)


def _generate(algorithm: str) -> Key:
    """Return a new key. Its id does not start with a dash: the command line would take it for an option."""
    while True:
        key: Key = OKPKey.generate_key("Ed25519") if algorithm == "EdDSA" else RSAKey.generate_key(RSA_BITS)
        if not key.thumbprint().startswith("-"):
            return key


def _load(jwk: str | bytes) -> Key:
    key = import_key(msgspec.json.decode(jwk))
    assert isinstance(key, OKPKey | RSAKey)  # noqa: S101 - we wrote it
    return key
