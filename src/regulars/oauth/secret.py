"""The secret key that what is secret in the database is encrypted with."""

import os
import secrets
from pathlib import Path

from regulars.db.engine import is_embedded, sqlite_path
from regulars.errors import ConfigurationError
from regulars.settings import Settings


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
