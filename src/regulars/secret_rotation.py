"""Rotate the secret key: encrypt all values that must outlive the old key again, with the newest key."""

from pathlib import Path

from msgspec import Struct

from regulars.accounts.totp import encrypt_totp_again
from regulars.db.database import Database
from regulars.errors import ConfigurationError
from regulars.oauth.signing_keys import current_key, encrypt_keys_again
from regulars.security import audit
from regulars.security.encryption import add_secret_key, secret_keys
from regulars.settings import Settings


class Rotation(Struct, frozen=True):
    """The result of a rotation: the key file, or None without one, and the numbers of values encrypted again.

    `unreadable` is the number of values that none of the keys decrypts. They were not changed.
    """

    key_file: Path | None
    signing_keys: int
    totp_secrets: int
    unreadable: int


def rotate_secret_key(database: Database, settings: Settings) -> Rotation:
    """Encrypt signing keys and the secrets of authenticator apps with the newest secret key, in one transaction.

    Without the setting `secret_key`, first add a new key to the key file. Record the rotation in the audit log. Raise
    `ConfigurationError` if `secret_key` is set without `old_secret_key`, if none of the secret keys decrypts the key
    that signs, or if the key file cannot be written.
    """
    if settings.secret_key and len(secret_keys(settings)) < 2:
        raise ConfigurationError(
            "First set REGULARS_SECRET_KEY to the new secret key and REGULARS_OLD_SECRET_KEY to the present one, for"
            " all servers, and restart them. Then run this command again."
        )
    # Only SQLite databases have a key file. They have one writer at a time, so no other rotation changes the file.
    with database.transaction():
        current_key(database, settings)
        # Write the file first: if the process stops, the file has the keys of all values in the database.
        key_file = None if settings.secret_key else add_secret_key(settings)
        keys, unreadable_keys = encrypt_keys_again(database, settings)
        secrets, unreadable_secrets = encrypt_totp_again(database, settings)
        audit.record(database, "secret.rotated")
    return Rotation(key_file, keys, secrets, unreadable_keys + unreadable_secrets)
