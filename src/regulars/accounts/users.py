"""Users."""

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
from regulars.i18n import _
from regulars.security.auth_version import bump_auth_version
from regulars.validation import quote, read_name

MAX_EMAIL_LENGTH = 255
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1024


class User(Struct, frozen=True):
    """A user, without the password."""

    id: int
    email: str
    name: str
    created_at: datetime


USER_COLUMNS = (users.c.id, users.c.email, users.c.name, users.c.created_at)
LIST_USERS = Statement(select(*USER_COLUMNS).order_by(users.c.id))
GET_USER = Statement(select(*USER_COLUMNS).where(users.c.id == bindparam("id")))
FIND_USER_BY_EMAIL = Statement(select(*USER_COLUMNS).where(users.c.email == bindparam("email")))
FIND_USER_BY_SUBJECT = Statement(select(*USER_COLUMNS).where(users.c.subject == bindparam("subject")))


INSERTED_COLUMNS = ("id", "email", "name", "password_hash", "created_at", "email_verified_at")
INSERT_USER = Statement(
    upsert(users)
    .values({name: bindparam(name) for name in INSERTED_COLUMNS})
    .on_conflict_do_nothing(index_elements=[users.c.email], index_where=users.c.email_verified_at.is_not(None))
)
SET_NAME = Statement(update(users).where(users.c.id == bindparam("of_user")).values(name=bindparam("new_name")))
SET_SUBJECT = Statement(
    update(users).where(users.c.id == bindparam("of_user")).values(subject=bindparam("new_subject"))
)


@cache
def hasher() -> PasswordHasher:
    """Return the password hasher: Argon2id with the second recommended parameters of RFC 9106 (64 MiB)."""
    return PasswordHasher()


def normal_email(text: str) -> str | None:
    """Return an e-mail address in the form in which it is stored and compared, or None if it is not valid."""
    try:
        normal = validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
    return normal if len(normal) <= MAX_EMAIL_LENGTH else None


def name_faults(name: str, what: str = "name") -> list[str]:
    """Return the faults of a person's name, if any."""
    try:
        read_name(name)
    except ValueError as error:
        return [_("{field} {rule}.", field=what, rule=error.args[0])]
    return []


def password_faults(password: str) -> list[str]:
    """Return the faults of a new password, if any."""
    if MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        return []
    return [
        _(
            "The password must have {min} to {max} characters.",
            min=MIN_PASSWORD_LENGTH,
            max=MAX_PASSWORD_LENGTH,
        )
    ]


def hash_password(password: str) -> str:
    """Return the hash of a password."""
    return hasher().hash(password.encode("utf-8", "surrogatepass"))


def create_user(database: Database, *, email: str, name: str, password: str) -> User:
    """Create a user. Raise `Invalid` with every fault, and `Conflict` if the address is taken."""
    normal = normal_email(email)
    name = name.strip()
    faults: dict[str, list[str]] = {}
    if normal is None:
        faults["email"] = [_("email must be an e-mail address, not {value}.", value=quote(email))]
    faults |= {"name": name_faults(name), "password": password_faults(password)}
    faults = {field: sentences for field, sentences in faults.items() if sentences}
    if faults or normal is None:
        raise Invalid(faults)
    if find_user_by_email(database, normal):
        raise Conflict(_("A user with the e-mail address {email} already exists.", email=normal))
    password_hash = hash_password(password)
    with database.transaction():
        user = _add_user(database, normal, name, password_hash)
        if user is None:
            raise Conflict(_("A user with the e-mail address {email} already exists.", email=normal))
        bump_auth_version(database)
    return user


def find_or_add_user(database: Database, *, email: str, name: str, password_hash: str) -> User:
    """Return the user with this address, or create one. `email` and `name` are normalised.

    Must run in a transaction. If several run at the same time, one of them creates the user.
    """
    user = find_user_by_email(database, email) or _add_user(database, email, name, password_hash)
    return user or get_user_by_email(database, email)


def _add_user(database: Database, email: str, name: str, password_hash: str) -> User | None:
    """Create a user. Return None if the address is taken."""
    (user_id,) = database.new_ids("user_ids", 1)
    user = User(user_id, email, name, utc_now())
    values = {
        "id": user_id,
        "email": email,
        "name": name,
        "password_hash": password_hash,
        "created_at": user.created_at,
        "email_verified_at": user.created_at,
    }
    return user if database.execute(INSERT_USER, values) else None


def list_users(database: Database) -> list[User]:
    """Return all users, by id."""
    return [User(*row) for row in database.fetch_all(LIST_USERS)]


def get_user(database: Database, user_id: int) -> User:
    """Return the user with this id. Raise `NotFound`."""
    row = database.fetch_one(GET_USER, {"id": user_id}) if 0 < user_id < 2**63 else None
    if row is None:
        raise NotFound(_("There is no user {id}.", id=user_id))
    return User(*row)


def find_user_by_email(database: Database, email: str) -> User | None:
    """Return the user with this e-mail address, or None."""
    normal = normal_email(email)
    row = database.fetch_one(FIND_USER_BY_EMAIL, {"email": normal}) if normal else None
    return User(*row) if row else None


def get_user_by_email(database: Database, email: str) -> User:
    """Return the user with this e-mail address. Raise `NotFound`."""
    user = find_user_by_email(database, email)
    if user is None:
        raise NotFound(_("There is no user with the e-mail address {email}.", email=quote(email)))
    return user


def find_user_by_subject(database: Database, subject: str) -> User | None:
    """Return the user whom an external authorization server identifies by `subject`, or None."""
    row = database.fetch_one(FIND_USER_BY_SUBJECT, {"subject": subject}) if subject.isprintable() else None
    return User(*row) if row else None


def link_subject(database: Database, email: str, subject: str) -> None:
    """Link the user with this address to the `subject` of an external authorization server.

    Raise `NotFound`, `Invalid` for a bad subject, and `Conflict` if another user is linked to it.
    """
    if not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise Invalid({"subject": [_("subject must have 1 to 255 printable characters.")]})
    with database.transaction():
        user = get_user_by_email(database, email)
        other = find_user_by_subject(database, subject)
        if other and other.id != user.id:
            raise Conflict(
                _("The subject {subject} is already linked to {email}.", subject=quote(subject), email=other.email)
            )
        database.execute(SET_SUBJECT, {"of_user": user.id, "new_subject": subject})
        bump_auth_version(database)


def update_name(database: Database, user_id: int, name: str) -> None:
    """Change the name of a user. Raise `Invalid`, `NotFound`."""
    if faults := name_faults(name):
        raise Invalid({"name": faults})
    if not database.execute(SET_NAME, {"of_user": user_id, "new_name": name.strip()}):
        raise NotFound(_("There is no user {id}.", id=user_id))
