"""Encryption and signatures with the secret key.

There can be several secret keys while they are rotated. The newest one encrypts and signs; all of them decrypt and
verify.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hmac import compare_digest
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from regulars.db.connect import is_embedded, sqlite_path
from regulars.errors import ConfigurationError
from regulars.settings import Settings

NONCE_BYTES = 12
Result = TypeVar("Result")


def secret_keys(settings: Settings, *, create: bool = True) -> tuple[str, ...]:
    """Return the secret keys, newest first: the settings `secret_key` and `old_secret_key`.

    If `secret_key` is not set and the database is SQLite, read the key file beside it (`regulars.db.secret`, one key in
    each line). If the file does not exist, create it with a new key if `create` is true. Raise
    `ConfigurationError` if `secret_key` is not set and the database is PostgreSQL, or the file cannot be used.
    """
    found = (settings.secret_key,) if settings.secret_key else _keys_of_file(settings, create=create)
    old = settings.old_secret_key
    return (*found, old) if old and old not in found else found


def add_secret_key(settings: Settings) -> Path:
    """Add a new key to the top of the key file, and return the path of the file.

    The caller must make sure that no other process does this at the same time. Raise `ConfigurationError` if the
    database is PostgreSQL, or the file cannot be written.
    """
    path = _key_file(settings)
    found = _keys_of_file(settings, create=True)
    try:
        draft = _write_draft(path, (_new_key(), *found))
        draft.replace(path)
        _sync_folder(path)
    except OSError as error:
        raise _not_stored(path, error) from None
    return path


class Cipher:
    """Encrypts, decrypts and signs with keys that are derived from the secret keys for a `purpose`.

    Raise `ConfigurationError` if there is no secret key.
    """

    def __init__(self, settings: Settings, purpose: str) -> None:
        self._settings = settings
        self._purpose = purpose
        self._keys = self._derive(create=True)

    def encrypt(self, content: bytes, about: str) -> bytes:
        """Return `content` encrypted with AES-256-GCM. Decryption needs the same `about` (the associated data)."""
        return self._keys[0].encrypt(content, about)

    def decrypt(self, encrypted: bytes, about: str) -> bytes | None:
        """Return the decrypted content. Return None if `about` is not the same or no secret key decrypts it."""
        return self._first(lambda key: key.decrypt(encrypted, about))

    def encrypt_again(self, encrypted: bytes, about: str) -> bytes | None:
        """Return the content encrypted with the newest key; `encrypted` itself if that key encrypted it.

        Return None if `about` is not the same or no secret key decrypts it.
        """
        if self._keys[0].decrypt(encrypted, about) is not None:
            return encrypted
        content = self.decrypt(encrypted, about)
        return None if content is None else self.encrypt(content, about)

    def seal(self, content: bytes, about: bytes) -> bytes:
        """Return `content` encrypted deterministically with AES-SIV (RFC 5297). Decryption needs the same `about`."""
        return self._keys[0].siv.encrypt(content, [about])

    def unseal(self, sealed: bytes, about: bytes) -> bytes | None:
        """Return the content that `seal` encrypted; None if `about` is not the same or no key decrypts it."""
        return self._first(lambda key: key.unseal(sealed, about))

    def sign(self, text: str) -> str:
        """Return the HMAC-SHA-256 of `text` with the newest key, in hexadecimal."""
        return self._keys[0].sign(text)

    def verify(self, text: str, signature: str) -> bool:
        """Tell whether `signature` is that of `text` with any of the keys. The comparison takes constant time."""
        given = signature.encode("utf-8", "surrogatepass")
        return self._first(lambda key: compare_digest(key.sign(text).encode(), given) or None) is not None

    def _first(self, use: Callable[["_Key"], Result | None]) -> Result | None:
        """Call `use` with each key, newest first. Return the first result that is not None, or None."""
        tried = self._keys
        for key in tried:
            if (result := use(key)) is not None:
                return result
        # Read the keys again: `regulars secret rotate` may have added one to the file since this server started.
        self._keys = self._derive(create=False) or tried
        for key in self._keys:
            if key not in tried and (result := use(key)) is not None:
                return result
        return None

    def _derive(self, *, create: bool) -> tuple["_Key", ...]:
        return tuple(_derived_key(secret, self._purpose) for secret in secret_keys(self._settings, create=create))


@dataclass(frozen=True)
class _Key:
    """A key that is derived from a secret key for one purpose."""

    key: bytes

    def encrypt(self, content: bytes, about: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, content, about.encode())

    def decrypt(self, encrypted: bytes, about: str) -> bytes | None:
        try:
            return AESGCM(self.key).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], about.encode())
        except InvalidTag:
            return None

    def unseal(self, sealed: bytes, about: bytes) -> bytes | None:
        try:
            return self.siv.decrypt(sealed, [about])
        except (InvalidTag, ValueError):
            return None

    @cached_property
    def siv(self) -> AESSIV:
        halves = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"regulars sealing").derive(self.key)
        return AESSIV(halves)

    def sign(self, text: str) -> str:
        mac = HMAC(self.key, SHA256())
        mac.update(text.encode())
        return mac.finalize().hex()


@lru_cache(maxsize=64)
def _derived_key(secret: str, purpose: str) -> _Key:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"regulars {purpose}".encode())
    return _Key(derivation.derive(secret.encode()))


def _key_file(settings: Settings) -> Path:
    """Return the path of the key file. Raise `ConfigurationError` for PostgreSQL, whose servers must share a key."""
    if not is_embedded(settings.database):
        raise ConfigurationError(
            "A PostgreSQL database needs a secret key, the same for all servers. Set REGULARS_SECRET_KEY or"
            " REGULARS_SECRET_KEY_FILE, for example to the output of: openssl rand -base64 48"
        )
    return Path(sqlite_path(settings.database) + ".secret")


def _keys_of_file(settings: Settings, *, create: bool) -> tuple[str, ...]:
    path = _key_file(settings)
    try:
        return _read(path) or (_create(path) if create else ())
    except OSError as error:
        raise _not_stored(path, error) from None


def _not_stored(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The secret key cannot be stored in {path}: {error.strerror}. Set REGULARS_SECRET_KEY or"
        " REGULARS_SECRET_KEY_FILE instead."
    )


def _read(path: Path) -> tuple[str, ...]:
    """Return the keys in the file, if it exists, one in each line. Raise `ConfigurationError` if it is not text."""
    try:
        lines = path.read_text("ascii").splitlines()
        return tuple(line.strip() for line in lines if line.strip())
    except FileNotFoundError:
        return ()
    except UnicodeDecodeError:
        raise ConfigurationError(f"The file {path} does not contain a secret key: it is not text.") from None


def _create(path: Path) -> tuple[str, ...]:
    """Create the file `path` with a new key, atomically. Return its keys: another process's if that was faster."""
    draft = _write_draft(path, (_new_key(),))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _read(path)


def _new_key() -> str:
    return secrets.token_urlsafe(48)


def _write_draft(path: Path, keys: tuple[str, ...]) -> Path:
    """Write keys to a new file beside `path`, readable only by its owner. Return the path of the new file."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(path: Path) -> None:
    """Flush the folder of `path` to disk. A power failure could otherwise lose a key that has encrypted data."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
