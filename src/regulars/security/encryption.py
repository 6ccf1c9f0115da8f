"""The secret key that what is secret in the database is encrypted with, and what is done with it."""

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
    """The setting `secret_key`, or else the content of a file, made at the first need and readable by its owner alone.

    The file is beside an SQLite database (`regulars.db.secret`), else in the working folder (`regulars.secret`).
    """
    if settings.secret_key:
        return settings.secret_key
    path = Path(sqlite_path(settings.database) + ".secret" if is_embedded(settings.database) else "regulars.secret")
    try:
        return _read(path) or _create(path)
    except OSError as error:
        raise ConfigurationError(
            f"The secret key cannot be kept in {path}: {error.strerror}. Set REGULARS_SECRET_KEY or"
            " REGULARS_SECRET_KEY_FILE instead."
        ) from None


class Cipher:
    """Encrypts, decrypts and signs with a key that is derived from the secret key for one `purpose`."""

    def __init__(self, settings: Settings, purpose: str) -> None:
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"regulars {purpose}".encode())
        self._key = derivation.derive(secret_key(settings).encode())

    def encrypt(self, content: bytes, about: str) -> bytes:
        """`content` encrypted (AES-256-GCM) so that it is good only for what `about` names."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, content, about.encode())

    def decrypt(self, encrypted: bytes, about: str) -> bytes | None:
        """What was encrypted for `about`; None where the secret key is another one."""
        try:
            return AESGCM(self._key).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], about.encode())
        except InvalidTag:
            return None

    def seal(self, content: bytes, about: bytes) -> bytes:
        """`content` encrypted so that it is good only for what `about` names; the same each time (RFC 5297)."""
        return self._siv.encrypt(content, [about])

    def unseal(self, sealed: bytes, about: bytes) -> bytes | None:
        """What was sealed for `about`; None where it was not sealed here, or for something else."""
        try:
            return self._siv.decrypt(sealed, [about])
        except (InvalidTag, ValueError):
            return None

    @cached_property
    def _siv(self) -> AESSIV:
        halves = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"regulars sealing").derive(self._key)
        return AESSIV(halves)

    def sign(self, text: str) -> str:
        """A code that only this key makes for `text` (HMAC-SHA-256), in hexadecimal."""
        mac = HMAC(self._key, SHA256())
        mac.update(text.encode())
        return mac.finalize().hex()


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ConfigurationError(f"The file {path} holds no secret key: it is not text.") from None


def _create(path: Path) -> str:
    """Write a new key to `path` in one step; of two programs that do so at once, both use the first one's."""
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
