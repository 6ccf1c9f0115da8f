"""Passwords: checking them, and setting another one."""

from functools import cache

from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam, select, update

from regulars.accounts import users
from regulars.accounts.users import LONGEST_PASSWORD, User, hash_password, normal_email, password_faults
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import users as table
from regulars.errors import Invalid, NotFound
from regulars.security import audit
from regulars.security.tokens import Kind, new_token

BY_EMAIL = Statement(select(*users.FIELDS, table.c.password_hash).where(table.c.email == bindparam("email")))
BY_ID = Statement(select(table.c.password_hash).where(table.c.id == bindparam("id")))
SET = Statement(update(table).where(table.c.id == bindparam("of_user")).values(password_hash=bindparam("new_hash")))
REHASH = Statement(
    update(table)
    .where(table.c.id == bindparam("of_user"), table.c.password_hash == bindparam("old_hash"))
    .values(password_hash=bindparam("new_hash"))
)


def check_password(database: Database, email: str, password: str) -> User | None:
    """The user who signs in with this address and password, or None.

    It takes as long for an address that nobody has, so that nobody can find out which ones are known.
    """
    nobodys = _nobodys_hash()
    normal = normal_email(email)
    row = database.fetch_one(BY_EMAIL, {"email": normal}) if normal else None
    if row is None:
        _matches(nobodys, password)
        return None
    user = User(*row[:-1])
    return user if _check(database, user.id, row[-1], password) else None


def confirm_password(database: Database, user_id: int, password: str) -> bool:
    """Whether this is the user's password."""
    row = database.fetch_one(BY_ID, {"id": user_id})
    return row is not None and _check(database, user_id, row[0], password)


def change_password(database: Database, user_id: int, new: str) -> None:
    """Give the user another password; what they are signed in to stays. Raises `Invalid`, `NotFound`."""
    if faults := password_faults(new):
        raise Invalid({"password": faults})
    new_hash = hash_password(new)
    with database.transaction():
        if not database.execute(SET, {"of_user": user_id, "new_hash": new_hash}):
            raise NotFound(f"There is no user {user_id}.")
        audit.record(database, "password.changed", user_id=user_id)


def _check(database: Database, user_id: int, password_hash: str, password: str) -> bool:
    if not _matches(password_hash, password):
        return False
    if users.hasher().check_needs_rehash(password_hash):
        # Not over a password that was changed meanwhile.
        new_hash = hash_password(password)
        database.execute(REHASH, {"of_user": user_id, "old_hash": password_hash, "new_hash": new_hash})
    return True


def _matches(password_hash: str, password: str) -> bool:
    # A longer one is wrong, but takes no less time.
    secret = password[:LONGEST_PASSWORD].encode("utf-8", "surrogatepass")
    try:
        return users.hasher().verify(password_hash, secret) and len(password) <= LONGEST_PASSWORD
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return hash_password(new_token(Kind.CHALLENGE))
