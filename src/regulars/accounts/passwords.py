"""Check and change passwords."""

from functools import cache

from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam, select, update

from regulars.accounts import users
from regulars.accounts.access import end_access
from regulars.accounts.users import MAX_PASSWORD_LENGTH, User, hash_password, normal_email, password_faults
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import users as table
from regulars.errors import Invalid
from regulars.i18n import ENGLISH
from regulars.mail import is_configured
from regulars.mail.messages import render
from regulars.mail.queue import enqueue
from regulars.security import audit
from regulars.security.tokens import Kind, new_token
from regulars.settings import Settings

LIST_USERS_WITH_HASH = Statement(
    select(*users.USER_COLUMNS, table.c.password_hash)
    .where(users.HAS_EMAIL)
    .order_by(table.c.email_verified_at.is_(None), table.c.id)
)
GET_PASSWORD_HASH = Statement(select(table.c.password_hash).where(table.c.id == bindparam("id")))
SET_PASSWORD_HASH = Statement(
    update(table).where(table.c.id == bindparam("of_user")).values(password_hash=bindparam("new_hash"))
)
UPDATE_PASSWORD_HASH = Statement(
    update(table)
    .where(table.c.id == bindparam("of_user"), table.c.password_hash == bindparam("old_hash"))
    .values(password_hash=bindparam("new_hash"))
)


def check_password(database: Database, email: str, password: str) -> User | None:
    """Return the user with this address and password, or None. Check the user who has verified the address first.

    For an unknown address, a dummy hash is checked: otherwise the faster response would reveal that there is no
    account.
    """
    nobodys = _dummy_hash()
    normal = normal_email(email)
    rows = database.fetch_all(LIST_USERS_WITH_HASH, {"email": normal}) if normal else []
    if not rows:
        _matches(nobodys, password)
    for row in rows:
        user = User(*row[:-1])
        if _check(database, user.id, row[-1], password):
            return user
    return None


def confirm_password(database: Database, user_id: int, password: str) -> bool:
    """Tell whether this is the user's password."""
    row = database.fetch_one(GET_PASSWORD_HASH, {"id": user_id})
    return row is not None and _check(database, user_id, row[0], password)


def hash_new_password(user: User, password: str) -> str:
    """Return the hash of a new password of the user. Raise `Invalid` if the password has faults.

    Call this before the transaction that stores the hash: hashing takes a tenth of a second, and would block other
    writers for that time.
    """
    if faults := password_faults(password, email=user.email, name=user.name):
        raise Invalid({"password": faults})
    return hash_password(password)


def store_password(
    database: Database,
    settings: Settings,
    user: User,
    new_hash: str,
    *,
    keep_session: str | None = None,
    with_tokens: bool = False,
    with_passkeys: bool = False,
    language: str = ENGLISH,
) -> None:
    """Set the password of a user, and end all existing sessions and grants except the session `keep_session`.

    `with_tokens` and `with_passkeys` also delete personal tokens and passkeys. If e-mail is configured and the address
    is verified, send a message about the change, in `language`.
    """
    with database.transaction():
        database.execute(SET_PASSWORD_HASH, {"of_user": user.id, "new_hash": new_hash})
        audit.record(database, "password.changed", user_id=user.id)
        end_access(database, user.id, keep_session=keep_session, with_tokens=with_tokens, with_passkeys=with_passkeys)
        if is_configured(settings) and user.is_verified:
            enqueue(database, settings, render(settings, "password_changed", user.email, language))


def _check(database: Database, user_id: int, password_hash: str, password: str) -> bool:
    if not _matches(password_hash, password):
        return False
    if users.hasher().check_needs_rehash(password_hash):
        # The statement compares the old hash, so it does not overwrite a password that was changed in the meantime.
        new_hash = hash_password(password)
        database.execute(UPDATE_PASSWORD_HASH, {"of_user": user_id, "old_hash": password_hash, "new_hash": new_hash})
    return True


def _matches(password_hash: str, password: str) -> bool:
    # Hash a password that is too long as well, so that its rejection takes as long as that of any other.
    secret = password[:MAX_PASSWORD_LENGTH].encode("utf-8", "surrogatepass")
    try:
        return users.hasher().verify(password_hash, secret) and len(password) <= MAX_PASSWORD_LENGTH
    except (VerificationError, InvalidHashError):
        return False


@cache
def _dummy_hash() -> str:
    return hash_password(new_token(Kind.CHALLENGE))
