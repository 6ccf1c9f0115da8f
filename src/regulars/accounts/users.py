"""Users.

Several users can have the same e-mail address until one of them verifies it. That user is the holder of the address.
The others can still sign in, but must then choose another address (see `email_addresses`).
"""

from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from email_validator import EmailNotValidError, validate_email
from msgspec import Struct
from sqlalchemy import bindparam, func, select, update

from regulars.accounts.common_passwords import common_password_fault
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import users
from regulars.errors import Conflict, Invalid, NotFound
from regulars.i18n import _
from regulars.permissions import COMMAND_LINE, CONSOLE, Actor
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version
from regulars.validation import quote, read_name

MAX_EMAIL_LENGTH = 255
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1024
ACCOUNT_DISABLED = _("This account is disabled. Ask the operator of this service.")
MAX_UNVERIFIED_USERS = 3
"""Maximum number of users with the same unverified address. It is small, because a sign-in checks each password."""


class User(Struct, frozen=True):
    """A user, without the password."""

    id: int
    email: str
    name: str
    created_at: datetime
    email_verified_at: datetime | None
    disabled_at: datetime | None

    @property
    def is_verified(self) -> bool:
        """Tell whether the user has verified the address."""
        return self.email_verified_at is not None


USER_COLUMNS = tuple(users.c[name] for name in User.__struct_fields__)
IS_PRESENT = users.c.deleted_at.is_(None)
IS_VERIFIED = users.c.email_verified_at.is_not(None)
HAS_EMAIL = users.c.email == bindparam("email")
LIST_USERS = Statement(select(*USER_COLUMNS).where(IS_PRESENT).order_by(users.c.id))
GET_USER = Statement(select(*USER_COLUMNS).where(users.c.id == bindparam("id"), IS_PRESENT))
FIND_HOLDER = Statement(select(*USER_COLUMNS).where(HAS_EMAIL, IS_VERIFIED))
LIST_USERS_WITH_EMAIL = Statement(select(*USER_COLUMNS).where(HAS_EMAIL).order_by(users.c.id))
COUNT_UNVERIFIED = Statement(
    select(func.count()).select_from(users).where(HAS_EMAIL, users.c.email_verified_at.is_(None))
)
FIND_USER_BY_SUBJECT = Statement(select(*USER_COLUMNS).where(users.c.subject == bindparam("subject")))


INSERTED_COLUMNS = ("id", "email", "name", "password_hash", "created_at", "email_verified_at")
INSERT_USER = Statement(
    upsert(users)
    .values({name: bindparam(name) for name in INSERTED_COLUMNS})
    .on_conflict_do_nothing(index_elements=[users.c.email], index_where=IS_VERIFIED)
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
    """Return an e-mail address in its normal form, for storage and comparison, or None if it is not valid."""
    try:
        normal = validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None
    return normal if len(normal) <= MAX_EMAIL_LENGTH else None


def read_user_email(text: str) -> str:
    """Return the normal form of an address.

    Raise ValueError if it is not valid. The message continues the name of a field: "must be …".
    """
    normal = normal_email(text)
    if normal is None:
        raise ValueError(_("must be an e-mail address, not {value}", value=quote(text)))
    return normal


def name_faults(name: str, what: str = "name") -> list[str]:
    """Return the faults of a person's name as sentences, if any. `what` is the name of the field in them."""
    try:
        read_name(name)
    except ValueError as error:
        return [_("{field} {rule}.", field=what, rule=error.args[0])]
    return []


def password_faults(password: str, *, email: str = "", name: str = "") -> list[str]:
    """Return the faults of a new password as sentences, if any (NIST SP 800-63B, section 3.1.1.2).

    A password that consists of the user's `email` or `name` is a fault.
    """
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        return [
            _(
                "The password must have {min} to {max} characters.",
                min=MIN_PASSWORD_LENGTH,
                max=MAX_PASSWORD_LENGTH,
            )
        ]
    fault = common_password_fault(password, email=email, name=name)
    return [fault] if fault else []


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password."""
    return hasher().hash(password.encode("utf-8", "surrogatepass"))


def user_faults(email: str, name: str, password: str) -> dict[str, list[str]]:
    """Return the faults of a new user as sentences, by field; empty if there are none."""
    faults: dict[str, list[str]] = {}
    if normal_email(email) is None:
        faults["email"] = [_("email must be an e-mail address, not {value}.", value=quote(email))]
    faults |= {"name": name_faults(name.strip()), "password": password_faults(password, email=email, name=name)}
    return {field: sentences for field, sentences in faults.items() if sentences}


def create_user(database: Database, *, email: str, name: str, password: str, actor: Actor = COMMAND_LINE) -> User:
    """Create a user with a verified address, at the request of the operator.

    Raise `Invalid` with every fault, and `Conflict` if another user has verified the address.
    """
    if faults := user_faults(email, name, password):
        raise Invalid(faults)
    normal = normal_email(email) or ""
    taken = Conflict(_("A user with the e-mail address {email} already exists.", email=normal))
    if find_holder(database, normal):
        raise taken
    password_hash = hash_password(password)
    with database.transaction():
        user = add_user(
            database, email=normal, name=name.strip(), password_hash=password_hash, is_verified=True, actor=actor
        )
        if user is None:
            raise taken
    return user


def add_user(
    database: Database,
    *,
    email: str,
    name: str,
    password_hash: str,
    is_verified: bool,
    actor: Actor | None = None,
    user_id: int | None = None,
) -> User | None:
    """Create a user, in the current transaction, and return it.

    Return None, and change nothing, if `is_verified` is true but another user has verified the address. `email` and
    `name` are in normal form. `actor` is None if the user signs up. `user_id` is an id that was reserved for the user.
    """
    now = utc_now()
    number = user_id or database.new_ids("user_ids", 1)[0]
    user = User(number, email, name, now, now if is_verified else None, None)
    values = {
        "id": user.id,
        "email": email,
        "name": name,
        "password_hash": password_hash,
        "created_at": now,
        "email_verified_at": user.email_verified_at,
    }
    if not database.execute(INSERT_USER, values):
        return None
    by = actor or Actor(user.id, CONSOLE)
    audit.record(database, "user.created", user_id=by.user_id, client_id=by.client_id, about=f"user {user.id}")
    bump_auth_version(database)
    return user


def has_room(database: Database, email: str) -> bool:
    """Tell whether one more user can have the address without verifying it."""
    row = database.fetch_one(COUNT_UNVERIFIED, {"email": email})
    return row is not None and row[0] < MAX_UNVERIFIED_USERS


def list_users(database: Database) -> list[User]:
    """Return all users, by id."""
    return [User(*row) for row in database.fetch_all(LIST_USERS)]


def get_user(database: Database, user_id: int) -> User:
    """Return the user with this id. Raise `NotFound` if there is none or the user was deleted."""
    row = database.fetch_one(GET_USER, {"id": user_id}) if 0 < user_id < 2**63 else None
    if row is None:
        raise NotFound(_("There is no user {id}.", id=user_id))
    return User(*row)


def find_holder(database: Database, email: str) -> User | None:
    """Return the user who has verified this e-mail address, or None."""
    normal = normal_email(email)
    row = database.fetch_one(FIND_HOLDER, {"email": normal}) if normal else None
    return User(*row) if row else None


def get_holder(database: Database, email: str) -> User:
    """Return the user who has verified this e-mail address. Raise `NotFound` if there is none."""
    user = find_holder(database, email)
    if user is None:
        raise NotFound(_("There is no user with the verified e-mail address {email}.", email=quote(email)))
    return user


def find_users_with_email(database: Database, email: str) -> list[User]:
    """Return all users with this e-mail address, verified or not."""
    normal = normal_email(email)
    return [User(*row) for row in database.fetch_all(LIST_USERS_WITH_EMAIL, {"email": normal})] if normal else []


def get_named_user(database: Database, text: str) -> User:
    """Return the user with the id or e-mail address `text`; of several with the address, the one who has verified it.

    Raise `NotFound` if there is none, and `Conflict` if several users have the address and none has verified it.
    """
    if text.isascii() and text.isdigit() and len(text) < 19:
        return get_user(database, int(text))
    found = find_users_with_email(database, text)
    holders = [user for user in found if user.is_verified] or found
    if not holders:
        raise NotFound(_("There is no user with the e-mail address {email}.", email=quote(text)))
    if len(holders) > 1:
        ids = ", ".join(str(user.id) for user in holders)
        raise Conflict(
            _("Several users have the address {email}. Name one by its id: {ids}.", email=quote(text), ids=ids)
        )
    return holders[0]


def find_user_by_subject(database: Database, subject: str) -> User | None:
    """Return the user whom an external authorization server identifies by `subject`, or None."""
    row = database.fetch_one(FIND_USER_BY_SUBJECT, {"subject": subject}) if subject.isprintable() else None
    return User(*row) if row else None


def link_subject(database: Database, user: User, subject: str) -> None:
    """Link a user to the `subject` of an external authorization server.

    Raise `Invalid` if the subject is empty, too long or not printable, and `Conflict` if another user is linked to it.
    """
    if not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise Invalid({"subject": [_("subject must have 1 to 255 printable characters.")]})
    with database.transaction():
        other = find_user_by_subject(database, subject)
        if other and other.id != user.id:
            raise Conflict(
                _("The subject {subject} is already linked to {email}.", subject=quote(subject), email=other.email)
            )
        database.execute(SET_SUBJECT, {"of_user": user.id, "new_subject": subject})
        bump_auth_version(database)


def update_name(database: Database, user_id: int, name: str) -> None:
    """Change the name of a user. Raise `Invalid` for a bad name, and `NotFound` if the user does not exist."""
    if faults := name_faults(name):
        raise Invalid({"name": faults})
    if not database.execute(SET_NAME, {"of_user": user_id, "new_name": name.strip()}):
        raise NotFound(_("There is no user {id}.", id=user_id))
