"""Users: who signs in."""

from datetime import UTC, datetime
from functools import cache

from argon2 import PasswordHasher
from email_validator import EmailNotValidError, validate_email
from msgspec import Struct
from sqlalchemy import bindparam, insert, select

from regulars.db.access import bump_access_version
from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import users
from regulars.errors import Conflict, Invalid, NotFound

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024


class User(Struct, frozen=True):
    """A user, without the password."""

    id: int
    email: str
    name: str
    created_at: datetime


FIELDS = (users.c.id, users.c.email, users.c.name, users.c.created_at)
ALL = Statement(select(*FIELDS).order_by(users.c.id))
BY_EMAIL = Statement(select(*FIELDS).where(users.c.email == bindparam("email")))
INSERT = Statement(
    insert(users).values({name: bindparam(name) for name in ("id", "email", "name", "password_hash", "created_at")})
)


@cache
def hasher() -> PasswordHasher:
    """Argon2id with the parameters of RFC 9106's second choice (64 MiB)."""
    return PasswordHasher()


def normal_email(text: str) -> str | None:
    """The e-mail address in the form that it is kept and compared in; None where it is none."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


def create_user(database: Database, *, email: str, name: str, password: str) -> User:
    """A new user. Raises `Invalid` that names every fault, `Conflict` where the address is taken."""
    normal = normal_email(email)
    name = name.strip()
    faults = {}
    if normal is None or len(normal) > 255:
        faults["email"] = [f"The email is not an e-mail address: {email!r}."]
    if not 1 <= len(name) <= 255 or not name.isprintable():
        faults["name"] = ["The name must have 1 to 255 characters that can be printed."]
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        faults["password"] = [f"The password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."]
    if faults or normal is None:
        raise Invalid(faults)
    if find_user_by_email(database, normal):
        raise Conflict(f"There is a user with the e-mail address {normal} already.")
    password_hash = hasher().hash(password.encode("utf-8", "surrogatepass"))
    with database.transaction():
        (user_id,) = database.new_ids("user_ids", 1)
        user = User(user_id, normal, name, datetime.now(UTC).replace(microsecond=0))
        database.execute(
            INSERT,
            {
                "id": user_id,
                "email": normal,
                "name": name,
                "password_hash": password_hash,
                "created_at": user.created_at,
            },
        )
        bump_access_version(database)
    return user


def list_users(database: Database) -> list[User]:
    """All users, in the order of their ids."""
    return [User(*row) for row in database.fetch_all(ALL)]


def find_user_by_email(database: Database, email: str) -> User | None:
    """The user who signs in with this address, or None."""
    normal = normal_email(email)
    row = database.fetch_one(BY_EMAIL, {"email": normal}) if normal else None
    return User(*row) if row else None


def get_user_by_email(database: Database, email: str) -> User:
    """The user who signs in with this address. Raises `NotFound`."""
    user = find_user_by_email(database, email)
    if user is None:
        raise NotFound(f"There is no user with the e-mail address {email!r}; 'regulars user list' shows them.")
    return user
