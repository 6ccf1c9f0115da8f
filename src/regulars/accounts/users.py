"""Users: who signs in."""

from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from email_validator import EmailNotValidError, validate_email
from msgspec import Struct
from sqlalchemy import bindparam, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import users
from regulars.errors import Conflict, Invalid, NotFound
from regulars.security.auth_version import bump_auth_version
from regulars.validation import read_name

LONGEST_EMAIL = 255
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
BY_ID = Statement(select(*FIELDS).where(users.c.id == bindparam("id")))
BY_EMAIL = Statement(select(*FIELDS).where(users.c.email == bindparam("email")))
BY_SUBJECT = Statement(select(*FIELDS).where(users.c.subject == bindparam("subject")))


INSERT_USER = Statement(
    upsert(users)
    .values({name: bindparam(name) for name in ("id", "email", "name", "password_hash", "created_at")})
    .on_conflict_do_nothing(index_elements=[users.c.email])
)
SET_NAME = Statement(update(users).where(users.c.id == bindparam("of_user")).values(name=bindparam("new_name")))
SET_SUBJECT = Statement(
    update(users).where(users.c.id == bindparam("of_user")).values(subject=bindparam("new_subject"))
)


@cache
def hasher() -> PasswordHasher:
    """Argon2id with the parameters of RFC 9106's second choice (64 MiB)."""
    return PasswordHasher()


def normal_email(text: str) -> str | None:
    """The e-mail address in the form that it is kept and compared in; None where it is none."""
    try:
        normal = validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
    return normal if len(normal) <= LONGEST_EMAIL else None


def name_faults(name: str, what: str = "name") -> list[str]:
    """What is wrong with a name that a person is to read; nothing, where it is a good one."""
    try:
        read_name(name)
    except ValueError as error:
        return [f"The {what} {error}."]
    return []


def password_faults(password: str) -> list[str]:
    """What is wrong with a new password; nothing, where it is a good one."""
    if SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return []
    return [f"The password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."]


def hash_password(password: str) -> str:
    """What is kept of a password."""
    return hasher().hash(password.encode("utf-8", "surrogatepass"))


def create_user(database: Database, *, email: str, name: str, password: str) -> User:
    """A new user. Raises `Invalid` that names every fault, `Conflict` where the address is taken."""
    normal = normal_email(email)
    name = name.strip()
    faults = {}
    if normal is None:
        faults["email"] = [f"The email is not an e-mail address: {email!r}."]
    faults |= {"name": name_faults(name), "password": password_faults(password)}
    faults = {field: sentences for field, sentences in faults.items() if sentences}
    if faults or normal is None:
        raise Invalid(faults)
    if find_user_by_email(database, normal):
        raise Conflict(f"There is a user with the e-mail address {normal} already.")
    password_hash = hash_password(password)
    with database.transaction():
        user = _add_user(database, normal, name, password_hash)
        if user is None:
            raise Conflict(f"There is a user with the e-mail address {normal} already.")
        bump_auth_version(database)
    return user


def find_or_add_user(database: Database, *, email: str, name: str, password_hash: str) -> User:
    """The user with this address, as they are; or a new one. `email` and `name` are as they are kept.

    Belongs in a transaction. Of several at once, one adds the user.
    """
    user = find_user_by_email(database, email) or _add_user(database, email, name, password_hash)
    return user or get_user_by_email(database, email)


def _add_user(database: Database, email: str, name: str, password_hash: str) -> User | None:
    """A new user; None where somebody has the address."""
    (user_id,) = database.new_ids("user_ids", 1)
    user = User(user_id, email, name, utc_now())
    values = {
        "id": user_id,
        "email": email,
        "name": name,
        "password_hash": password_hash,
        "created_at": user.created_at,
    }
    return user if database.execute(INSERT_USER, values) else None


def list_users(database: Database) -> list[User]:
    """All users, in the order of their ids."""
    return [User(*row) for row in database.fetch_all(ALL)]


def get_user(database: Database, user_id: int) -> User:
    """The user with this id. Raises `NotFound`."""
    row = database.fetch_one(BY_ID, {"id": user_id}) if 0 < user_id < 2**63 else None
    if row is None:
        raise NotFound(f"There is no user {user_id}.")
    return User(*row)


def find_user_by_email(database: Database, email: str) -> User | None:
    """The user who signs in with this address, or None."""
    normal = normal_email(email)
    row = database.fetch_one(BY_EMAIL, {"email": normal}) if normal else None
    return User(*row) if row else None


def get_user_by_email(database: Database, email: str) -> User:
    """The user who signs in with this address. Raises `NotFound`."""
    user = find_user_by_email(database, email)
    if user is None:
        raise NotFound(f"There is no user with the e-mail address {email!r}.")
    return user


def find_user_by_subject(database: Database, subject: str) -> User | None:
    """The user whom an outside authorization server knows as `subject`, or None."""
    row = database.fetch_one(BY_SUBJECT, {"subject": subject}) if subject.isprintable() else None
    return User(*row) if row else None


def link_subject(database: Database, email: str, subject: str) -> None:
    """Let the user with this address be the one whom an outside authorization server knows as `subject`.

    Raises `NotFound`, `Invalid` for a subject that is none, `Conflict` where it is another user's.
    """
    if not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise Invalid({"subject": ["The subject must have 1 to 255 characters that can be printed."]})
    with database.transaction():
        user = get_user_by_email(database, email)
        other = find_user_by_subject(database, subject)
        if other and other.id != user.id:
            raise Conflict(f"The subject {subject!r} is linked to {other.email} already.")
        database.execute(SET_SUBJECT, {"of_user": user.id, "new_subject": subject})
        bump_auth_version(database)


def update_name(database: Database, user_id: int, name: str) -> None:
    """Call the user by another name. Raises `Invalid`, `NotFound`."""
    if faults := name_faults(name):
        raise Invalid({"name": faults})
    if not database.execute(SET_NAME, {"of_user": user_id, "new_name": name.strip()}):
        raise NotFound(f"There is no user {user_id}.")
