"""Memberships: which user may do what in which tenant.

A membership that ended keeps its row, with `deleted_at`, for the customers that it was responsible for.
"""

from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import bindparam, insert, null, select, update

from regulars.accounts.users import get_user_by_email
from regulars.db.access import bump_access_version
from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import memberships, tenants, users
from regulars.errors import Conflict, NotFound
from regulars.principal import Membership, Role


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
TENANT = Statement(select(tenants.c.id).where(tenants.c.id == bindparam("tenant_id")))
INSERT = Statement(
    insert(memberships).values({name: bindparam(name) for name in ("tenant_id", "user_id", "role", "created_at")})
)
SINCE = Statement(
    select(memberships.c.created_at).where(
        memberships.c.tenant_id == bindparam("tenant_id"), memberships.c.user_id == bindparam("user_id")
    )
)
UPDATE_ROLE = Statement(
    update(memberships)
    .where(memberships.c.tenant_id == bindparam("of_tenant"), memberships.c.user_id == bindparam("of_user"))
    .values(role=bindparam("new_role"), deleted_at=null())
)
# Locked, so that of two owners who leave at once the second sees that the first has left.
OWNERS = Statement(
    select(memberships.c.user_id)
    .where(
        memberships.c.tenant_id == bindparam("tenant_id"),
        memberships.c.role == Role.OWNER.value,
        memberships.c.deleted_at.is_(None),
    )
    .order_by(memberships.c.user_id)
    .with_for_update()
)
END = Statement(
    update(memberships)
    .where(
        memberships.c.tenant_id == bindparam("of_tenant"),
        memberships.c.user_id == bindparam("of_user"),
        memberships.c.deleted_at.is_(None),
    )
    .values(deleted_at=bindparam("now"))
)


def memberships_of(database: Database, user_id: int) -> dict[int, Membership]:
    """The user's memberships by tenant id."""
    rows = database.fetch_all(OF_USER, {"user_id": user_id})
    return {tenant_id: Membership(Role(role), time_zone) for tenant_id, role, time_zone in rows}


def list_members(database: Database, tenant_id: int) -> list[Member]:
    """The tenant's members, in the order of their ids. Raises `NotFound` where there is no such tenant."""
    _check_tenant(database, tenant_id)
    rows = database.fetch_all(OF_TENANT, {"tenant_id": tenant_id})
    return [Member(user_id, email, name, Role(role), since) for user_id, email, name, role, since in rows]


def add_member(database: Database, tenant_id: int, email: str, role: Role) -> Member:
    """Make the user with this address a member (again, where they were one), or give a member another role.

    Raises `NotFound` where there is no such tenant or user.
    """
    with database.transaction():
        _check_tenant(database, tenant_id)
        user = get_user_by_email(database, email)
        known = database.fetch_one(SINCE, {"tenant_id": tenant_id, "user_id": user.id})
        since = known[0] if known else datetime.now(UTC).replace(microsecond=0)
        if known:
            database.execute(UPDATE_ROLE, {"of_tenant": tenant_id, "of_user": user.id, "new_role": role.value})
        else:
            database.execute(
                INSERT, {"tenant_id": tenant_id, "user_id": user.id, "role": role.value, "created_at": since}
            )
        bump_access_version(database)
    return Member(user.id, user.email, user.name, role, since)


def remove_member(database: Database, tenant_id: int, email: str) -> None:
    """End the membership of the user with this address.

    Raises `NotFound` where there is no such tenant, user or member, `Conflict` for the last owner.
    """
    with database.transaction():
        _check_tenant(database, tenant_id)
        user = get_user_by_email(database, email)
        owners = [user_id for (user_id,) in database.fetch_all(OWNERS, {"tenant_id": tenant_id})]
        if owners == [user.id]:
            raise Conflict(f"{user.email} is the last owner of tenant {tenant_id}; give it another one first.")
        now = datetime.now(UTC).replace(microsecond=0)
        if not database.execute(END, {"of_tenant": tenant_id, "of_user": user.id, "now": now}):
            raise NotFound(f"{user.email} is no member of tenant {tenant_id}.")
        bump_access_version(database)


def _check_tenant(database: Database, tenant_id: int) -> None:
    if not 0 < tenant_id < 2**63 or database.fetch_one(TENANT, {"tenant_id": tenant_id}) is None:
        raise NotFound(f"There is no tenant {tenant_id}; 'regulars tenant list' shows them.")
