"""Password recovery: users who have forgotten their password get a link to set a new one at their verified address."""

from regulars.accounts.one_time_tokens import create_one_time_token, peek_one_time_token, take_one_time_token
from regulars.accounts.passwords import hash_new_password, store_password
from regulars.accounts.users import User, find_holder, get_user
from regulars.db.database import Database
from regulars.errors import NotFound
from regulars.i18n import _
from regulars.mail.messages import render
from regulars.mail.queue import enqueue
from regulars.security import audit
from regulars.settings import Settings

RECOVERY = "recovery"
RECOVERY_PATH = "/recovery/password"
LINK_SECONDS = 3600
LINK_USED = _("This link has expired or was already used. Ask for a new one.")


def send_recovery(database: Database, settings: Settings, email: str, language: str) -> None:
    """Send a recovery link to the user with this verified address. Do nothing if the user is disabled or unknown.

    Users who have not verified the address get no link: the owner of the address may not be the owner of the account.
    """
    user = find_holder(database, email)
    if user is None or user.disabled_at is not None:
        return
    with database.transaction():
        token = create_one_time_token(
            database, settings, RECOVERY, user.email.encode(), user_id=user.id, seconds=LINK_SECONDS
        )
        link = f"{settings.origin}{RECOVERY_PATH}?token={token}"
        enqueue(database, settings, render(settings, "recovery", user.email, language, link=link))
        audit.record(database, "password.recovery_sent", user_id=user.id)


def find_recovering(database: Database, settings: Settings, token: str) -> User | None:
    """Return the user to whom a recovery link was sent, without using up the link.

    Return None if the link was used or has expired, or if the user was deleted, is disabled or no longer has the
    verified address to which it was sent.
    """
    found = peek_one_time_token(database, settings, RECOVERY, token)
    if found is None or found[0] is None:
        return None
    try:
        user = get_user(database, found[0])
    except NotFound:
        return None
    return user if user.is_verified and user.email.encode() == found[1] and user.disabled_at is None else None


def recover(
    database: Database,
    settings: Settings,
    token: str,
    password: str,
    *,
    with_tokens: bool,
    with_passkeys: bool,
    language: str,
) -> None:
    """Use up a recovery link and set the user's password. End all sessions and grants, and invalidate all other links.

    `with_tokens` and `with_passkeys` also delete personal tokens and passkeys. Send a message in `language`. Raise
    `Invalid` if the password has faults, and `NotFound` if the link is not valid.
    """
    user = find_recovering(database, settings, token)
    if user is None:
        raise NotFound(LINK_USED)
    new_hash = hash_new_password(user, password)
    with database.transaction():
        if take_one_time_token(database, settings, RECOVERY, token) is None:
            raise NotFound(LINK_USED)
        store_password(
            database,
            settings,
            user,
            new_hash,
            with_tokens=with_tokens,
            with_passkeys=with_passkeys,
            language=language,
        )
