"""E-mail addresses of users: verification and changes.

A user with an unverified address loses it when another user verifies it, and must then choose another address.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import bindparam, delete, null, select, update

from regulars.accounts.one_time_tokens import create_one_time_token, peek_one_time_token, take_one_time_token
from regulars.accounts.users import IS_VERIFIED, User, has_room, read_user_email
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import email_changes, users
from regulars.errors import Conflict, Invalid
from regulars.i18n import _
from regulars.mail.messages import render
from regulars.mail.queue import enqueue
from regulars.permissions import COMMAND_LINE, CONSOLE, Actor
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version
from regulars.settings import Settings

LINK_SECONDS = 86400
CHANGE_LIFETIME = timedelta(seconds=LINK_SECONDS)
CONFIRM_PATH = "/account/confirm-email"
ADDRESS_TAKEN = _("Another account has this address.")

VERIFY_EMAIL = Statement(
    update(users)
    .where(
        users.c.id == bindparam("of_user"), users.c.email == bindparam("its_email"), users.c.email_verified_at.is_(None)
    )
    .values(email_verified_at=bindparam("now"))
)
SET_EMAIL = Statement(
    update(users)
    .where(users.c.id == bindparam("of_user"))
    .values(email=bindparam("new_email"), email_verified_at=bindparam("now"))
)
REPLACE_EMAIL = Statement(
    update(users)
    .where(users.c.id == bindparam("of_user"), users.c.email_verified_at.is_(None))
    .values(email=bindparam("new_email"))
)
FIND_OTHER_HOLDER = Statement(
    select(users.c.id).where(users.c.email == bindparam("email"), IS_VERIFIED, users.c.id != bindparam("user_id"))
)
_change = upsert(email_changes).values(
    user_id=bindparam("user_id"),
    new_email=bindparam("new_email"),
    old_confirmed_at=bindparam("old_confirmed_at"),
    expires_at=bindparam("expires_at"),
)
START_CHANGE = Statement(
    _change.on_conflict_do_update(
        index_elements=[email_changes.c.user_id],
        set_={
            "new_email": _change.excluded.new_email,
            "old_confirmed_at": _change.excluded.old_confirmed_at,
            "new_confirmed_at": null(),
            "expires_at": _change.excluded.expires_at,
        },
    )
)
GET_CHANGE = Statement(
    select(email_changes.c.new_email, email_changes.c.old_confirmed_at, email_changes.c.new_confirmed_at).where(
        email_changes.c.user_id == bindparam("user_id"), email_changes.c.expires_at > bindparam("now")
    )
)
DELETE_CHANGE = Statement(delete(email_changes).where(email_changes.c.user_id == bindparam("user_id")))


def _confirm(column: str) -> Statement:
    return Statement(
        update(email_changes)
        .where(
            email_changes.c.user_id == bindparam("of_user"),
            email_changes.c.new_email == bindparam("its_email"),
            email_changes.c.expires_at > bindparam("now"),
        )
        .values({column: bindparam("now")})
    )


CONFIRM_OLD = _confirm("old_confirmed_at")
CONFIRM_NEW = _confirm("new_confirmed_at")


class Link(StrEnum):
    """The purpose of a link in a message. The value is also the name of the message template."""

    VERIFY = "verify_address"
    CONFIRM_NEW = "confirm_new_address"
    CONFIRM_OLD = "confirm_old_address"


class EmailChange(Struct, frozen=True):
    """A pending change of address: at least one of its two confirmations is missing."""

    new_email: str
    old_confirmed_at: datetime | None
    new_confirmed_at: datetime | None


def lost_its_address(database: Database, user: User) -> bool:
    """Tell whether another user has verified this user's unverified address. This user must then choose another one."""
    return not user.is_verified and _has_other_holder(database, user.email, user.id)


def send_verification(database: Database, settings: Settings, user: User, language: str) -> None:
    """Send the user a link that verifies the address."""
    with database.transaction():
        _send_link(database, settings, user, Link.VERIFY, user.email, language)


def find_link(database: Database, settings: Settings, user: User, token: str) -> tuple[Link, str] | None:
    """Return the purpose of a link and the address to confirm, without using up the link.

    Return None if the link was not sent to this user, was used or has expired.
    """
    for link in Link:
        found = peek_one_time_token(database, settings, link, token)
        if found is not None and found[0] == user.id:
            return link, found[1].decode()
    return None


def replace_unverified(database: Database, user: User, new: str) -> None:
    """Replace the unverified address of a user. The new address is unverified too.

    Raise `Invalid` if the new address is malformed, and `Conflict` if the old address is verified or too many users
    have the new one.
    """
    email = _read_new(user, new)
    with database.transaction():
        if email != user.email and (user.is_verified or not has_room(database, email)):
            raise Conflict(ADDRESS_TAKEN, {"email": [ADDRESS_TAKEN]})
        database.execute(REPLACE_EMAIL, {"of_user": user.id, "new_email": email})
        audit.record(database, "user.email_changed", user_id=user.id, about=f"user {user.id}")


def start_change(database: Database, settings: Settings, user: User, new: str, language: str) -> None:
    """Start a change of address, instead of any pending one. Send links to the old and the new address.

    The change takes effect when both are confirmed. An unverified old address gets no link and needs no confirmation.
    Raise `Invalid` if the new address is malformed or is already the user's verified address.
    """
    email = _read_new(user, new)
    now = utc_now()
    values = {
        "user_id": user.id,
        "new_email": email,
        "old_confirmed_at": None if user.is_verified else now,
        "expires_at": now + CHANGE_LIFETIME,
    }
    with database.transaction():
        database.execute(START_CHANGE, values)
        _send_link(database, settings, user, Link.CONFIRM_NEW, email, language)
        if user.is_verified:
            _send_link(database, settings, user, Link.CONFIRM_OLD, email, language)


def pending_change(database: Database, user_id: int) -> EmailChange | None:
    """Return the user's pending change of address, or None if there is none or it has expired."""
    row = database.fetch_one(GET_CHANGE, {"user_id": user_id, "now": utc_now()})
    return EmailChange(*row) if row else None


def cancel_change(database: Database, user_id: int) -> None:
    """Cancel the user's pending change of address, if there is one."""
    database.execute(DELETE_CHANGE, {"user_id": user_id})


def use_link(database: Database, settings: Settings, user: User, token: str, language: str) -> Link | None:
    """Use up a link: verify the user's address, or confirm one side of a change. Return the purpose of the link.

    When both sides are confirmed, change the address; if the old one was verified, send it a message in `language`.
    Return None if the link is not valid for this user. Raise `Conflict` if another user has verified the address in the
    meantime.
    """
    known = find_link(database, settings, user, token)
    if known is None:
        return None
    link, email = known
    with database.transaction():
        if take_one_time_token(database, settings, link, token) is None:
            return None
        if link is Link.VERIFY:
            return link if verify_email(database, user, email) else None
        return link if _confirm_change(database, settings, user, link, email, language) else None


def set_email(database: Database, user: User, new: str, actor: Actor = COMMAND_LINE) -> None:
    """Change the address of a user immediately, and mark it as verified.

    Raise `Invalid` if the address is malformed, and `Conflict` if another user has verified it.
    """
    try:
        email = read_user_email(new)
    except ValueError as error:
        raise Invalid({"email": [_("{field} {rule}.", field="email", rule=error.args[0])]}) from None
    with database.transaction():
        _set_email(database, user, email, actor)


def _confirm_change(database: Database, settings: Settings, user: User, link: Link, email: str, language: str) -> bool:
    confirm = CONFIRM_NEW if link is Link.CONFIRM_NEW else CONFIRM_OLD
    if not database.execute(confirm, {"of_user": user.id, "its_email": email, "now": utc_now()}):
        return False
    change = pending_change(database, user.id)
    if change and change.old_confirmed_at and change.new_confirmed_at:
        _set_email(database, user, email, Actor(user.id, CONSOLE))
        if user.is_verified:
            message = render(settings, "address_changed", user.email, language, new_address=email)
            enqueue(database, settings, message)
    return True


def verify_email(database: Database, user: User, email: str) -> bool:
    """Mark the user's address `email` as verified. Return False if it is no longer the user's address.

    Raise `Conflict` if another user has verified it.
    """
    _check_free(database, email, user.id)
    if user.is_verified:
        return user.email == email
    if not database.execute(VERIFY_EMAIL, {"of_user": user.id, "its_email": email, "now": utc_now()}):
        return False
    audit.record(database, "user.email_verified", user_id=user.id)
    bump_auth_version(database)
    return True


def _set_email(database: Database, user: User, email: str, actor: Actor) -> None:
    _check_free(database, email, user.id)
    database.execute(SET_EMAIL, {"of_user": user.id, "new_email": email, "now": utc_now()})
    cancel_change(database, user.id)
    audit.record(
        database, "user.email_changed", user_id=actor.user_id, client_id=actor.client_id, about=f"user {user.id}"
    )
    bump_auth_version(database)


def _check_free(database: Database, email: str, user_id: int) -> None:
    if _has_other_holder(database, email, user_id):
        raise Conflict(ADDRESS_TAKEN, {"email": [ADDRESS_TAKEN]})


def _has_other_holder(database: Database, email: str, user_id: int) -> bool:
    return database.fetch_one(FIND_OTHER_HOLDER, {"email": email, "user_id": user_id}) is not None


def _read_new(user: User, new: str) -> str:
    try:
        email = read_user_email(new)
    except ValueError as error:
        raise Invalid({"email": [_("{field} {rule}.", field="email", rule=error.args[0])]}) from None
    if email == user.email and user.is_verified:
        raise Invalid({"email": [_("This is your address already.")]})
    return email


def _send_link(database: Database, settings: Settings, user: User, link: Link, email: str, language: str) -> None:
    token = create_one_time_token(database, settings, link, email.encode(), user_id=user.id, seconds=LINK_SECONDS)
    recipient = user.email if link is Link.CONFIRM_OLD else email
    address = f"{settings.origin}{CONFIRM_PATH}?token={token}"
    values = {"link": address, "old_address": user.email, "new_address": email}
    message = render(settings, link, recipient, language, **values)
    enqueue(database, settings, message)
