"""Check and change passwords."""

from functools import cache

from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam, select, update

from regulars.accounts import users
from regulars.accounts.users import MAX_PASSWORD_LENGTH, User, hash_password, normal_email, password_faults
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import users as table
from regulars.errors import Invalid, NotFound
from regulars.i18n import _
from regulars.security import audit
from regulars.security.tokens import Kind, new_token

GET_USER_WITH_HASH = Statement(
    select(*users.USER_COLUMNS, table.c.password_hash).where(table.c.email == bindparam("email"))
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
    """Return the user with this address and password, or None.

    It takes the same time if no user has the address, so that nobody can find out which addresses are known.
    """
    nobodys = _dummy_hash()
    normal = normal_email(email)
    row = database.fetch_one(GET_USER_WITH_HASH, {"email": normal}) if normal else None
    if row is None:
        _matches(nobodys, password)
        return None
    user = User(*row[:-1])
    return user if _check(database, user.id, row[-1], password) else None


def confirm_password(database: Database, user_id: int, password: str) -> bool:
    """Tell whether this is the user's password."""
    row = database.fetch_one(GET_PASSWORD_HASH, {"id": user_id})
    return row is not None and _check(database, user_id, row[0], password)


def change_password(database: Database, user_id: int, new: str) -> None:
    """Change the user's password. Sessions continue. Raise `Invalid`, `NotFound`."""
    if faults := password_faults(new):
        raise Invalid({"password": faults})
    new_hash = hash_password(new)
    with database.transaction():
        if not database.execute(SET_PASSWORD_HASH, {"of_user": user_id, "new_hash": new_hash}):
            raise NotFound(_("There is no user {id}.", id=user_id))
        audit.record(database, "password.changed", user_id=user_id)


def _check(database: Database, user_id: int, password_hash: str, password: str) -> bool:
    if not _matches(password_hash, password):
        return False
    if users.hasher().check_needs_rehash(password_hash):
        # The condition keeps a password that was changed in the meantime.
        new_hash = hash_password(password)
        database.execute(UPDATE_PASSWORD_HASH, {"of_user": user_id, "old_hash": password_hash, "new_hash": new_hash})
    return True


def _matches(password_hash: str, password: str) -> bool:
    # A password that is too long is wrong, but must not be rejected faster.
    secret = password[:MAX_PASSWORD_LENGTH].encode("utf-8", "surrogatepass")
    try:
        return users.hasher().verify(password_hash, secret) and len(password) <= MAX_PASSWORD_LENGTH
    except (VerificationError, InvalidHashError):
        return False


@cache
def _dummy_hash() -> str:
    return hash_password(new_token(Kind.CHALLENGE))
