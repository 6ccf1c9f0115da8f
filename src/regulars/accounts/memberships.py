"""Memberships: the role of a user in a tenant.

The row of an ended membership is kept, with `deleted_at`, because customers may be assigned to its user. Changes lock
the tenant, so that two owners who leave at the same time cannot leave the tenant without an owner.
"""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import bindparam, insert, null, select, update

from regulars.accounts.access import end_tenant_access, revoke_invitations_of
from regulars.accounts.users import get_holder, get_named_user
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import memberships, tenants, users
from regulars.errors import Conflict, NotFound
from regulars.i18n import _
from regulars.permissions import COMMAND_LINE, Actor, Membership, Role
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version
from regulars.tenants.locks import lock_tenant
from regulars.tenants.tenants import get_tenant


class Member(Struct, frozen=True):
    """A member of a tenant."""

    user_id: int
    email: str
    name: str
    role: Role
    created_at: datetime


LIST_USER_MEMBERSHIPS = Statement(
    select(memberships.c.tenant_id, memberships.c.role, tenants.c.time_zone)
    .join_from(memberships, tenants)
    .join(users)
    .where(
        memberships.c.user_id == bindparam("user_id"),
        memberships.c.deleted_at.is_(None),
        users.c.disabled_at.is_(None),
    )
)
LIST_MEMBERS = Statement(
    select(users.c.id, users.c.email, users.c.name, memberships.c.role, memberships.c.created_at)
    .join_from(memberships, users)
    .where(memberships.c.tenant_id == bindparam("tenant_id"), memberships.c.deleted_at.is_(None))
    .order_by(users.c.id)
)
INSERT_MEMBERSHIP = Statement(
    insert(memberships).values({name: bindparam(name) for name in ("tenant_id", "user_id", "role", "created_at")})
)
GET_MEMBERSHIP = Statement(
    select(memberships.c.role, memberships.c.created_at, memberships.c.deleted_at).where(
        memberships.c.tenant_id == bindparam("tenant_id"), memberships.c.user_id == bindparam("user_id")
    )
)
UPDATE_ROLE = Statement(
    update(memberships)
    .where(memberships.c.tenant_id == bindparam("of_tenant"), memberships.c.user_id == bindparam("of_user"))
    .values(role=bindparam("new_role"), deleted_at=null())
)
LIST_OWNERS = Statement(
    select(memberships.c.user_id).where(
        memberships.c.tenant_id == bindparam("tenant_id"),
        memberships.c.role == Role.OWNER.value,
        memberships.c.deleted_at.is_(None),
    )
)
END_MEMBERSHIP = Statement(
    update(memberships)
    .where(memberships.c.tenant_id == bindparam("of_tenant"), memberships.c.user_id == bindparam("of_user"))
    .values(deleted_at=bindparam("now"))
)


class _StoredMembership(NamedTuple):
    role: Role
    created_at: datetime
    deleted_at: datetime | None


def memberships_of(database: Database, user_id: int) -> dict[int, Membership]:
    """Return the memberships of a user, by tenant id. A disabled user has none."""
    rows = database.fetch_all(LIST_USER_MEMBERSHIPS, {"user_id": user_id})
    return {tenant_id: Membership(Role(role), time_zone) for tenant_id, role, time_zone in rows}


def list_members(database: Database, tenant_id: int) -> list[Member]:
    """Return the members of a tenant, by user id. Raise `NotFound` if the tenant does not exist."""
    get_tenant(database, tenant_id)
    rows = database.fetch_all(LIST_MEMBERS, {"tenant_id": tenant_id})
    return [Member(user_id, email, name, Role(role), since) for user_id, email, name, role, since in rows]


def add_member(database: Database, tenant_id: int, email: str, role: Role, actor: Actor = COMMAND_LINE) -> Member:
    """Make the user who has verified this address a member with `role`. Change the role if the user is a member.

    Raise `NotFound` if the tenant or user does not exist, and `Conflict` if the last owner would lose that role.
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        user = get_holder(database, email)
        since = set_role(database, tenant_id, user.id, role, actor)
    return Member(user.id, user.email, user.name, role, since)


def change_role(database: Database, tenant_id: int, user_id: int, role: Role, actor: Actor) -> None:
    """Change the role of a member.

    Raise `NotFound` if the tenant does not exist or the user was never a member, and `Conflict` if the user is a former
    member, or the last owner would lose that role.
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        if _get(database, tenant_id, user_id).deleted_at is not None:
            raise Conflict(_("User {id} is no longer a member. Invite the person again.", id=user_id))
        set_role(database, tenant_id, user_id, role, actor)


def end_membership(database: Database, tenant_id: int, user_id: int, actor: Actor) -> None:
    """End the membership of a user and the access that depends on it (see `end_tenant_access`).

    Do nothing if it has already ended. Raise `NotFound` if the tenant does not exist or the user was never a member,
    and `Conflict` if the user is the last owner.
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        known = _get(database, tenant_id, user_id)
        if known.deleted_at is not None:
            return
        _check_owner_stays(database, tenant_id, user_id)
        now = utc_now()
        database.execute(END_MEMBERSHIP, {"of_tenant": tenant_id, "of_user": user_id, "now": now})
        _record(database, "member.removed", tenant_id, user_id, known.role, actor)
        end_tenant_access(database, tenant_id, user_id)


def remove_member(database: Database, tenant_id: int, named: str, actor: Actor = COMMAND_LINE) -> None:
    """End the membership of the user with the id or e-mail address `named`.

    Raise `NotFound` if the tenant, user or membership does not exist, and `Conflict` if the user is the last owner or
    the address is ambiguous (see `get_named_user`).
    """
    with database.transaction():
        lock_tenant(database, tenant_id)
        user = get_named_user(database, named)
        if not is_member(database, tenant_id, user.id):
            raise NotFound(_("{email} is not a member of tenant {tenant}.", email=user.email, tenant=tenant_id))
        end_membership(database, tenant_id, user.id, actor)


def is_member(database: Database, tenant_id: int, user_id: int) -> bool:
    """Tell whether the user is a current member of the tenant."""
    known = _find(database, tenant_id, user_id)
    return known is not None and known.deleted_at is None


def _find(database: Database, tenant_id: int, user_id: int) -> _StoredMembership | None:
    row = database.fetch_one(GET_MEMBERSHIP, {"tenant_id": tenant_id, "user_id": user_id})
    return _StoredMembership(Role(row[0]), row[1], row[2]) if row else None


def _get(database: Database, tenant_id: int, user_id: int) -> _StoredMembership:
    known = _find(database, tenant_id, user_id)
    if known is None:
        raise NotFound(_("There is no user {id}.", id=user_id))
    return known


def set_role(database: Database, tenant_id: int, user_id: int, role: Role, actor: Actor) -> datetime:
    """Set the role of a current, former or new member. Return the time when the user first became a member.

    The caller must have locked the tenant. If the new role is not owner, revoke the pending invitations that the member
    sent. Raise `Conflict` if the last owner would lose that role.
    """
    known = _find(database, tenant_id, user_id)
    was_member = known is not None and known.deleted_at is None
    if known is not None and was_member and known.role is role:
        return known.created_at
    if was_member:
        _check_owner_stays(database, tenant_id, user_id)
    since = known.created_at if known else utc_now()
    if known:
        database.execute(UPDATE_ROLE, {"of_tenant": tenant_id, "of_user": user_id, "new_role": role.value})
    else:
        database.execute(
            INSERT_MEMBERSHIP, {"tenant_id": tenant_id, "user_id": user_id, "role": role.value, "created_at": since}
        )
    if was_member and role is not Role.OWNER:
        revoke_invitations_of(database, tenant_id, user_id)
    _record(database, "member.changed" if was_member else "member.added", tenant_id, user_id, role, actor)
    return since


def _check_owner_stays(database: Database, tenant_id: int, user_id: int) -> None:
    if database.fetch_all(LIST_OWNERS, {"tenant_id": tenant_id}) == [(user_id,)]:
        raise Conflict(
            _(
                "User {id} is the last owner of tenant {tenant}. Make another member an owner first.",
                id=user_id,
                tenant=tenant_id,
            )
        )


def _record(database: Database, kind: str, tenant_id: int, user_id: int, role: Role, actor: Actor) -> None:
    """Write an audit event, and make all servers reload memberships."""
    about = f"user {user_id}: {role}"
    audit.record(
        database,
        kind,
        user_id=actor.user_id,
        client_id=actor.client_id,
        about=about,
        address=actor.address,
        tenant_id=tenant_id,
    )
    bump_auth_version(database)
