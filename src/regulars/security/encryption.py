"""Encryption and signatures with the secret key."""

import os
import secrets
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from regulars.db.connect import is_embedded, sqlite_path
from regulars.errors import ConfigurationError
from regulars.settings import Settings

NONCE_BYTES = 12


def secret_key(settings: Settings) -> str:
    """Return the setting `secret_key` or, without it, the content of a key file. The file is created if it does not
    exist, readable only by its owner.

    The file is next to an SQLite database (`regulars.db.secret`), otherwise in the working directory
    (`regulars.secret`).
    """
    if settings.secret_key:
        return settings.secret_key
    path = Path(sqlite_path(settings.database) + ".secret" if is_embedded(settings.database) else "regulars.secret")
    try:
        return _read(path) or _create(path)
    except OSError as error:
        raise ConfigurationError(
            f"The secret key cannot be stored in {path}: {error.strerror}. Set REGULARS_SECRET_KEY or"
            " REGULARS_SECRET_KEY_FILE instead."
        ) from None


class Cipher:
    """Encrypts, decrypts and signs with a key that is derived from the secret key for a `purpose`."""

    def __init__(self, settings: Settings, purpose: str) -> None:
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"regulars {purpose}".encode())
        self._key = derivation.derive(secret_key(settings).encode())

    def encrypt(self, content: bytes, about: str) -> bytes:
        """Encrypt `content` with AES-256-GCM. It can be decrypted only with the same `about`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, content, about.encode())

    def decrypt(self, encrypted: bytes, about: str) -> bytes | None:
        """Decrypt content that was encrypted with the same `about`. Return None if the secret key was another one."""
        try:
            return AESGCM(self._key).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], about.encode())
        except InvalidTag:
            return None

    def seal(self, content: bytes, about: bytes) -> bytes:
        """Encrypt `content` deterministically with AES-SIV (RFC 5297). Unsealing needs the same `about`."""
        return self._siv.encrypt(content, [about])

    def unseal(self, sealed: bytes, about: bytes) -> bytes | None:
        """Decrypt content that was sealed with the same `about`. Return None for any other."""
        try:
            return self._siv.decrypt(sealed, [about])
        except (InvalidTag, ValueError):
            return None

    @cached_property
    def _siv(self) -> AESSIV:
        halves = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"regulars sealing").derive(self._key)
        return AESSIV(halves)

    def sign(self, text: str) -> str:
        """Return the HMAC-SHA-256 of `text`, in hexadecimal."""
        mac = HMAC(self._key, SHA256())
        mac.update(text.encode())
        return mac.finalize().hex()


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ConfigurationError(f"The file {path} does not contain a secret key: it is not text.") from None


def _create(path: Path) -> str:
    """Write a new key to `path` atomically. If two programs do so at the same time, both use the first key."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _read(path)
