"""Codes of an authenticator app: six digits that change every 30 seconds (TOTP, RFC 6238)."""

import re
import time

import pyotp
from sqlalchemy import bindparam, null, or_, select, update

from regulars.accounts.recovery_codes import delete_recovery_codes, new_recovery_codes
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import users
from regulars.security import audit
from regulars.security.encryption import Cipher
from regulars.settings import Settings

STEP_SECONDS = 30
SECRET_LENGTH = 32  # letters of base 32: 160 bits
CODE = re.compile(r"[0-9]{6}")

GET_SECRET = Statement(
    select(users.c.totp_secret).where(users.c.id == bindparam("id"), users.c.totp_secret.is_not(None))
)
ENABLE_TOTP = Statement(
    update(users)
    .where(users.c.id == bindparam("of_user"))
    .values(totp_secret=bindparam("new_secret"), totp_step=bindparam("new_step"))
)
DISABLE_TOTP = Statement(
    update(users)
    .where(users.c.id == bindparam("of_user"), users.c.totp_secret.is_not(None))
    .values(totp_secret=null(), totp_step=null())
)
USE_STEP = Statement(
    update(users)
    .where(
        users.c.id == bindparam("of_user"),
        users.c.totp_secret == bindparam("its_secret"),
        or_(users.c.totp_step.is_(None), users.c.totp_step < bindparam("new_step")),
    )
    .values(totp_step=bindparam("new_step"))
)
LIST_SECRETS = Statement(select(users.c.id, users.c.totp_secret).where(users.c.totp_secret.is_not(None)))
REPLACE_SECRET = Statement(
    update(users)
    .where(users.c.id == bindparam("of_user"), users.c.totp_secret == bindparam("its_secret"))
    .values(totp_secret=bindparam("new_secret"))
)


def new_totp_secret() -> str:
    """Return a new secret for an app, in base32."""
    return pyotp.random_base32(SECRET_LENGTH)


def totp_uri(secret: str, email: str, issuer: str = "Regulars") -> str:
    """Return the URI with the secret that the QR code for an authenticator app contains."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def enable_totp(database: Database, settings: Settings, user_id: int, secret: str, code: str) -> list[str] | None:
    """Turn on the second factor: require codes from the user from now on. Return new recovery codes.

    Return None, and change nothing, if `code` is not a current code for `secret`.
    """
    step = _step_of(secret, code)
    if step is None:
        return None
    encrypted = Cipher(settings, "totp").encrypt(secret.encode(), _context(user_id))
    with database.transaction():
        database.execute(ENABLE_TOTP, {"of_user": user_id, "new_secret": encrypted, "new_step": step})
        audit.record(database, "totp.enabled", user_id=user_id)
        return new_recovery_codes(database, user_id)


def disable_totp(database: Database, user_id: int) -> None:
    """Turn off the second factor: stop requiring codes from the user, and delete the recovery codes."""
    with database.transaction():
        if database.execute(DISABLE_TOTP, {"of_user": user_id}):
            audit.record(database, "totp.disabled", user_id=user_id)
        delete_recovery_codes(database, user_id)


def has_totp(database: Database, user_id: int) -> bool:
    """Tell whether codes are required from the user."""
    return database.fetch_one(GET_SECRET, {"id": user_id}) is not None


def check_totp(database: Database, settings: Settings, user_id: int, code: str) -> bool:
    """Use up a code of the current, previous or next time step. Return whether it was valid and unused.

    Also return False if no secret key decrypts the user's secret. Recovery codes still work then.
    """
    row = database.fetch_one(GET_SECRET, {"id": user_id})
    secret = Cipher(settings, "totp").decrypt(row[0], _context(user_id)) if row else None
    step = _step_of(secret.decode(), code) if secret else None
    if row is None or step is None:
        return False
    # Only one transaction can advance the step.
    return database.execute(USE_STEP, {"of_user": user_id, "its_secret": row[0], "new_step": step}) == 1


def encrypt_totp_again(database: Database, settings: Settings) -> tuple[int, int]:
    """Encrypt the secrets of all users with the newest secret key.

    Return the number of secrets that changed, and the number of secrets that no secret key decrypts.
    """
    cipher = Cipher(settings, "totp")
    stored = {user_id: bytes(encrypted) for user_id, encrypted in database.fetch_all(LIST_SECRETS)}
    again = {user_id: cipher.encrypt_again(encrypted, _context(user_id)) for user_id, encrypted in stored.items()}
    changed = [
        {"of_user": user_id, "its_secret": stored[user_id], "new_secret": new}
        for user_id, new in again.items()
        if new not in {None, stored[user_id]}
    ]
    database.execute_many(REPLACE_SECRET, changed)
    return len(changed), list(again.values()).count(None)


def _step_of(secret: str, code: str) -> int | None:
    digits = "".join(code.split())
    if not CODE.fullmatch(digits):
        return None
    totp = pyotp.TOTP(secret)
    now = int(time.time()) // STEP_SECONDS
    return next(
        (step for step in (now, now - 1, now + 1) if pyotp.utils.strings_equal(digits, totp.generate_otp(step))), None
    )


def _context(user_id: int) -> str:
    return f"user {user_id}"
