"""The keys that sign tokens. Private keys are encrypted in the database."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey, RSAKey, import_key
from sqlalchemy import bindparam, insert, select

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import signing_keys
from regulars.errors import ConfigurationError, Invalid
from regulars.i18n import _
from regulars.security.auth_version import bump_auth_version
from regulars.security.encryption import Cipher
from regulars.settings import Settings
from regulars.validation import quote

# RFC 9864 prefers the name "Ed25519", but existing clients know "EdDSA" (RFC 8037).
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

ALGORITHMS = ("RS256", "EdDSA")
RSA_BITS = 2048

Key = OKPKey | RSAKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key, its id and its algorithm."""

    kid: str
    algorithm: str
    key: Key
    created_at: datetime


PublicKeys = Mapping[str, SigningKey]
"""Keys that verify tokens, by key id."""

NEWEST_FIRST = (signing_keys.c.created_at.desc(), signing_keys.c.kid)
LIST_PUBLIC_KEYS = Statement(
    select(signing_keys.c.kid, signing_keys.c.algorithm, signing_keys.c.public_key, signing_keys.c.created_at).order_by(
        *NEWEST_FIRST
    )
)
GET_NEWEST_KEY = Statement(
    select(signing_keys.c.kid, signing_keys.c.algorithm, signing_keys.c.private_key, signing_keys.c.created_at)
    .order_by(*NEWEST_FIRST)
    .limit(1)
)
INSERT_KEY = Statement(
    insert(signing_keys).values(
        {name: bindparam(name) for name in ("kid", "algorithm", "public_key", "private_key", "created_at")}
    )
)


def public_keys(database: Database) -> dict[str, SigningKey]:
    """Return all public keys, newest first. Old keys verify the tokens that they signed."""
    rows = database.fetch_all(LIST_PUBLIC_KEYS)
    return {kid: SigningKey(kid, algorithm, _load(public), created) for kid, algorithm, public, created in rows}


def current_key(database: Database, settings: Settings) -> SigningKey:
    """Return the newest key, which signs all tokens. The first key is created when it is needed.

    Raise `ConfigurationError` if it was encrypted with another secret key.
    """
    row = database.fetch_one(GET_NEWEST_KEY)
    if row is None:
        return rotate_key(database, settings)
    return _decrypt(settings, *row)


@lru_cache(maxsize=8)
def _decrypt(settings: Settings, kid: str, algorithm: str, encrypted: bytes, created: datetime) -> SigningKey:
    """Return the key with its private part. It is cached, because reading an RSA key takes 50 ms."""
    private = Cipher(settings, "signing keys").decrypt(encrypted, kid)
    if private is None:
        raise ConfigurationError(
            "The signing keys of this database were encrypted with another secret key. Set REGULARS_SECRET_KEY to that"
            " key, or create a new signing key."
        )
    return SigningKey(kid, algorithm, _load(private), created)


def rotate_key(database: Database, settings: Settings, algorithm: str = "RS256") -> SigningKey:
    """Create a key, which signs from now on. All OpenID clients can verify RS256.

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
    key: Key = OKPKey.generate_key("Ed25519") if algorithm == "EdDSA" else RSAKey.generate_key(RSA_BITS)
    kid = key.thumbprint()
    private = msgspec.json.encode(key.as_dict(private=True))
    with database.transaction():
        newest = database.fetch_one(GET_NEWEST_KEY)
        # The newest key signs, so two keys must not have the same time.
        created = utc_now()
        if newest:
            created = max(created, newest[3] + timedelta(seconds=1))
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
        bump_auth_version(database)
    return SigningKey(kid, algorithm, key, created)


def _load(jwk: str | bytes) -> Key:
    key = import_key(msgspec.json.decode(jwk))
    assert isinstance(key, OKPKey | RSAKey)  # noqa: S101 - we wrote it
    return key
