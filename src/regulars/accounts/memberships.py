"""Memberships: which user may do what in which tenant.

A membership that ended keeps its row, with `deleted_at`, for the customers that it was responsible for. Whoever changes
one holds the tenant: of two owners who leave at once, the second finds that they are the last.
"""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import bindparam, insert, null, select, update

from regulars.accounts.users import find_or_add_user, get_user_by_email
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import memberships, tenants, users
from regulars.errors import Conflict, NotFound
from regulars.permissions import COMMAND_LINE, Actor, Membership, Role
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version
from regulars.tenants.locks import lock_tenant
from regulars.tenants.tenants import get_tenant


class Member(Struct, frozen=True):
    """A user's part in a tenant."""

    user_id: int
    email: str
    name: str
    role: Role
    created_at: datetime


OF_USER = Statement(
    select(memberships.c.tenant_id, memberships.c.role, tenants.c.time_zone)
    .join_from(memberships, tenants)
    .where(memberships.c.user_id == bindparam("user_id"), memberships.c.deleted_at.is_(None))
)
OF_TENANT = Statement(
    select(users.c.id, users.c.email, users.c.name, memberships.c.role, memberships.c.created_at)
    .join_from(memberships, users)
    .where(memberships.c.tenant_id == bindparam("tenant_id"), memberships.c.deleted_at.is_(None))
    .order_by(users.c.id)
)
INSERT = Statement(
    insert(memberships).values({name: bindparam(name) for name in ("tenant_id", "user_id", "role", "created_at")})
)
ONE = Statement(
    select(memberships.c.role, memberships.c.created_at, memberships.c.deleted_at).where(
        memberships.c.tenant_id == bindparam("tenant_id"), memberships.c.user_id == bindparam("user_id")
    )
)
UPDATE_ROLE = Statement(
    update(memberships)
    .where(memberships.c.tenant_id == bindparam("of_tenant"), memberships.c.user_id == bindparam("of_user"))
    .values(role=bindparam("new_role"), deleted_at=null())
)
OWNERS = Statement(
    select(memberships.c.user_id).where(
        memberships.c.tenant_id == bindparam("tenant_id"),
        memberships.c.role == Role.OWNER.value,
        memberships.c.deleted_at.is_(None),
    )
)
END = Statement(
    update(memberships)
    .where(memberships.c.tenant_id == bindparam("of_tenant"), memberships.c.user_id == bindparam("of_user"))
    .values(deleted_at=bindparam("now"))
)


class _Known(NamedTuple):
    role: Role
    created_at: datetime
    deleted_at: datetime | None


def memberships_of(database: Database, user_id: int) -> dict[int, Membership]:
    """The user's memberships by tenant id."""
    rows = database.fetch_all(OF_USER, {"user_id": user_id})
    return {tenant_id: Membership(Role(role), time_zone) for tenant_id, role, time_zone in rows}


def list_members(database: Database, tenant_id: int) -> list[Member]:
    """The tenant's members, in the order of their ids. Raises `NotFound` where there is no such tenant."""
    get_tenant(database, tenant_id)
    rows = database.fetch_all(OF_TENANT, {"tenant_id": tenant_id})
    return [Member(user_id, email, name, Role(role), since) for user_id, email, name, role, since in rows]


def add_member(database: Database, tenant_id: int, email: str, role: Role, actor: Actor = COMMAND_LINE) -> Member:
    """Make the user with this address a member (again, where they were one), or give a member another role.

    Raises `NotFound` where there is no such tenant or user, `Conflict` where the last owner would be made less.
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        user = get_user_by_email(database, email)
        since = _set_role(database, tenant_id, user.id, role, actor)
    return Member(user.id, user.email, user.name, role, since)


def add_new_member(
    database: Database, tenant_id: int, *, email: str, name: str, password_hash: str, role: Role, actor: Actor
) -> int:
    """Make whoever has this address a member, as they are, or else a new user with this name; the user's id.

    `email` and `name` are as they are kept. Raises `Conflict` where they are a member already.
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        user = find_or_add_user(database, email=email, name=name, password_hash=password_hash)
        known = _find(database, tenant_id, user.id)
        if known is not None and known.deleted_at is None:
            sentence = f"{user.email} is a member already: user {user.id}, {known.role}."
            raise Conflict(sentence, {"email": [sentence]})
        _set_role(database, tenant_id, user.id, role, actor)
    return user.id


def change_role(database: Database, tenant_id: int, user_id: int, role: Role, actor: Actor) -> None:
    """Give a member another role.

    Raises `NotFound` for a user who never was one, `Conflict` for one who is no longer, and where the last owner would
    be made less.
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        if _get(database, tenant_id, user_id).deleted_at is not None:
            raise Conflict(f"User {user_id} is no longer a member; add them again by their e-mail address.")
        _set_role(database, tenant_id, user_id, role, actor)


def end_membership(database: Database, tenant_id: int, user_id: int, actor: Actor) -> None:
    """Let the user be a member no longer, as they may be already.

    Raises `NotFound` for a user who never was one, `Conflict` for the last owner.
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        known = _get(database, tenant_id, user_id)
        if known.deleted_at is not None:
            return
        _check_owner_stays(database, tenant_id, user_id)
        now = utc_now()
        database.execute(END, {"of_tenant": tenant_id, "of_user": user_id, "now": now})
        _record(database, "member.removed", tenant_id, user_id, known.role, actor)


def remove_member(database: Database, tenant_id: int, email: str, actor: Actor = COMMAND_LINE) -> None:
    """End the membership of the user with this address.

    Raises `NotFound` where there is no such tenant, user or member, `Conflict` for the last owner.
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        user = get_user_by_email(database, email)
        known = _find(database, tenant_id, user.id)
        if known is None or known.deleted_at is not None:
            raise NotFound(f"{user.email} is no member of tenant {tenant_id}.")
        end_membership(database, tenant_id, user.id, actor)


def _find(database: Database, tenant_id: int, user_id: int) -> _Known | None:
    row = database.fetch_one(ONE, {"tenant_id": tenant_id, "user_id": user_id})
    return _Known(Role(row[0]), row[1], row[2]) if row else None


def _get(database: Database, tenant_id: int, user_id: int) -> _Known:
    known = _find(database, tenant_id, user_id)
    if known is None:
        raise NotFound(f"There is no user {user_id}.")
    return known


def _set_role(database: Database, tenant_id: int, user_id: int, role: Role, actor: Actor) -> datetime:
    """Let the user have this role, whatever they were; since when they are, or first were, a member."""
    known = _find(database, tenant_id, user_id)
    is_member = known is not None and known.deleted_at is None
    if known is not None and is_member and known.role is role:
        return known.created_at
    if is_member:
        _check_owner_stays(database, tenant_id, user_id)
    since = known.created_at if known else utc_now()
    if known:
        database.execute(UPDATE_ROLE, {"of_tenant": tenant_id, "of_user": user_id, "new_role": role.value})
    else:
        database.execute(INSERT, {"tenant_id": tenant_id, "user_id": user_id, "role": role.value, "created_at": since})
    _record(database, "member.changed" if is_member else "member.added", tenant_id, user_id, role, actor)
    return since


def _check_owner_stays(database: Database, tenant_id: int, user_id: int) -> None:
    if database.fetch_all(OWNERS, {"tenant_id": tenant_id}) == [(user_id,)]:
        raise Conflict(f"User {user_id} is the last owner of tenant {tenant_id}; give it another one first.")


def _record(database: Database, kind: str, tenant_id: int, user_id: int, role: Role, actor: Actor) -> None:
    """Write down what was done, and let every server know."""
    about = f"user {user_id} in tenant {tenant_id}: {role}"
    audit.record(database, kind, user_id=actor.user_id, client_id=actor.client_id, about=about)
    bump_auth_version(database)
