"""Encryption and signatures with the secret key.

While the secret key is being changed there are several: the newest encrypts and signs, and all decrypt and verify.
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

    Without the first, those of an SQLite database are the lines of a file beside it (`regulars.db.secret`). With
    `create`, the file is created if it does not exist, readable only by its owner. Raise `ConfigurationError` if there
    is no key.
    """
    found = (settings.secret_key,) if settings.secret_key else _keys_of_file(settings, create=create)
    old = settings.old_secret_key
    return (*found, old) if old and old not in found else found


def add_secret_key(settings: Settings) -> Path:
    """Write a new key in front of those in the key file, and return its path. Raise `ConfigurationError`.

    The caller must prevent others from doing so at the same time.
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
    """Encrypts, decrypts and signs with keys that are derived from the secret keys for a `purpose`."""

    def __init__(self, settings: Settings, purpose: str) -> None:
        self._settings = settings
        self._purpose = purpose
        self._keys = self._derive(create=True)

    def encrypt(self, content: bytes, about: str) -> bytes:
        """Encrypt `content` with AES-256-GCM. It can be decrypted only with the same `about`."""
        return self._keys[0].encrypt(content, about)

    def decrypt(self, encrypted: bytes, about: str) -> bytes | None:
        """Decrypt content that was encrypted with the same `about`. Return None if the secret key was another one."""
        return self._first(lambda key: key.decrypt(encrypted, about))

    def encrypt_again(self, encrypted: bytes, about: str) -> bytes | None:
        """Return what was encrypted with the same `about`, encrypted with the newest key.

        It is unchanged if it was already. Return None if the secret key was another one.
        """
        if self._keys[0].decrypt(encrypted, about) is not None:
            return encrypted
        content = self.decrypt(encrypted, about)
        return None if content is None else self.encrypt(content, about)

    def seal(self, content: bytes, about: bytes) -> bytes:
        """Encrypt `content` deterministically with AES-SIV (RFC 5297). Unsealing needs the same `about`."""
        return self._keys[0].siv.encrypt(content, [about])

    def unseal(self, sealed: bytes, about: bytes) -> bytes | None:
        """Decrypt content that was sealed with the same `about`. Return None for any other."""
        return self._first(lambda key: key.unseal(sealed, about))

    def sign(self, text: str) -> str:
        """Return the HMAC-SHA-256 of `text`, in hexadecimal."""
        return self._keys[0].sign(text)

    def verify(self, text: str, signature: str) -> bool:
        """Tell whether `sign` returned `signature` for the same text. The comparison takes constant time."""
        given = signature.encode("utf-8", "surrogatepass")
        return self._first(lambda key: compare_digest(key.sign(text).encode(), given) or None) is not None

    def _first(self, use: Callable[["_Key"], Result | None]) -> Result | None:
        """Return the first result of `use` with a key that is not None; None if there is none."""
        tried = self._keys
        for key in tried:
            if (result := use(key)) is not None:
                return result
        # `regulars secret rotate` may have added a key to the file since this server was started.
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
    """Return the path of the key file. Raise `ConfigurationError` for PostgreSQL, whose servers must share the key."""
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
    """Return the keys in the file, one in each line; none if it does not exist."""
    try:
        lines = path.read_text("ascii").splitlines()
        return tuple(line.strip() for line in lines if line.strip())
    except FileNotFoundError:
        return ()
    except UnicodeDecodeError:
        raise ConfigurationError(f"The file {path} does not contain a secret key: it is not text.") from None


def _create(path: Path) -> tuple[str, ...]:
    """Write a new key to `path` atomically. If two programs do so at the same time, both use the first key."""
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
    """Write keys to a new file in the folder of `path`, readable only by its owner, and return its path."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(path: Path) -> None:
    """Make a replaced file survive a power failure: what the new key encrypts must not outlive the key."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
