"""User administration by the operator: disable, enable and delete users, and remove lost factors."""

from sqlalchemy import bindparam, delete, null, select, update

from regulars.accounts.access import end_access
from regulars.accounts.memberships import end_membership
from regulars.accounts.totp import disable_totp
from regulars.accounts.users import User
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import consents, email_changes, memberships, users
from regulars.permissions import COMMAND_LINE, Actor
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version

DELETED_EMAIL = "deleted-{id}@deleted.invalid"
"""The address of a deleted user. The domain is reserved (RFC 2606, section 2), so nobody can use it."""
DELETED_NAME = "Deleted user"

SET_DISABLED = Statement(
    update(users).where(users.c.id == bindparam("of_user")).values(disabled_at=bindparam("disabled_at"))
)
# every tenant: lists the current memberships of one user.
LIST_TENANT_IDS = Statement(
    select(memberships.c.tenant_id)
    .where(memberships.c.user_id == bindparam("user_id"), memberships.c.deleted_at.is_(None))
    .order_by(memberships.c.tenant_id)
)
ERASE_USER = Statement(
    update(users)
    .where(users.c.id == bindparam("of_user"))
    .values(
        email=bindparam("new_email"),
        name=DELETED_NAME,
        password_hash="",
        subject=null(),
        email_verified_at=null(),
        deleted_at=bindparam("now"),
        disabled_at=bindparam("now"),
    )
)
DELETE_CONSENTS = Statement(delete(consents).where(consents.c.user_id == bindparam("user_id")))
DELETE_EMAIL_CHANGE = Statement(delete(email_changes).where(email_changes.c.user_id == bindparam("user_id")))


def disable_user(database: Database, user: User, actor: Actor = COMMAND_LINE) -> None:
    """Disable a user: prevent sign-ins, end all sessions and grants, and delete all personal tokens.

    Memberships and passkeys are kept, so that the user can use them again after `enable_user`.
    """
    with database.transaction():
        database.execute(SET_DISABLED, {"of_user": user.id, "disabled_at": utc_now()})
        end_access(database, user.id, with_tokens=True)
        _record(database, "user.disabled", user, actor)


def enable_user(database: Database, user: User, actor: Actor = COMMAND_LINE) -> None:
    """Let a disabled user sign in again. Sessions, grants and tokens that `disable_user` has ended are not restored."""
    with database.transaction():
        database.execute(SET_DISABLED, {"of_user": user.id, "disabled_at": None})
        bump_auth_version(database)
        _record(database, "user.enabled", user, actor)


def delete_user(database: Database, user: User, actor: Actor = COMMAND_LINE) -> None:
    """End the user's memberships and access, and erase address, name, password, factors and consents.

    The row and its id are kept, because customers and their history refer to them. Raise `Conflict` if the user is the
    last owner of a tenant.
    """
    with database.transaction():
        for (tenant_id,) in database.fetch_all(LIST_TENANT_IDS, {"user_id": user.id}):
            end_membership(database, tenant_id, user.id, actor)
        end_access(database, user.id, with_tokens=True, with_passkeys=True)
        disable_totp(database, user.id)
        for statement in (DELETE_CONSENTS, DELETE_EMAIL_CHANGE):
            database.execute(statement, {"user_id": user.id})
        values = {"of_user": user.id, "new_email": DELETED_EMAIL.format(id=user.id), "now": utc_now()}
        database.execute(ERASE_USER, values)
        _record(database, "user.deleted", user, actor)


def reset_factors(database: Database, user: User, actor: Actor = COMMAND_LINE) -> None:
    """Turn off the second factor and delete the passkeys of a user who has lost them. The password is kept.

    All sessions and grants end.
    """
    with database.transaction():
        disable_totp(database, user.id)
        end_access(database, user.id, with_passkeys=True)
        _record(database, "user.factors_reset", user, actor)


def _record(database: Database, kind: str, user: User, actor: Actor) -> None:
    audit.record(database, kind, user_id=actor.user_id, client_id=actor.client_id, about=f"user {user.id}")
