"""A tenant's users: the list of them, and each.

A tenant has few of them, hundreds at most: they are all read, and searched and sorted here, which needs no index and
is the same on both databases.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from sqlalchemy import bindparam, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import memberships, users
from regulars.errors import NotFound
from regulars.permissions import RoleName
from regulars.text import fold, sort_key

SortBy = Literal["name", "email", "created_at"]
SortOrder = Literal["asc", "desc"]


class TenantUser(Struct, frozen=True):
    """A user of a tenant."""

    id: Annotated[int, Meta(examples=[7])]
    name: Annotated[str, Meta(examples=["Zeynep Arslan"])]
    email: Annotated[str, Meta(examples=["zeynep@example.com"])]
    role: Annotated[RoleName, Meta(examples=["agent"])]
    created_at: Annotated[
        datetime, Meta(description="When they became a member of the tenant.", examples=["2026-11-07T05:31:56Z"])
    ]
    deleted_at: Annotated[datetime | None, Meta(description="When they ceased to be one; null if they are one.")]


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Which users of a tenant are wanted, in which order, and which page of them."""

    search: str = ""
    page: int = 1
    per_page: int = 15
    sort_by: SortBy = "created_at"
    sort_order: SortOrder = "desc"
    trashed: bool = False


FIELDS = (
    users.c.id,
    users.c.name,
    users.c.email,
    memberships.c.role,
    memberships.c.created_at,
    memberships.c.deleted_at,
)
OF_TENANT = Statement(
    select(*FIELDS).join_from(memberships, users).where(memberships.c.tenant_id == bindparam("tenant_id")),
    replica_ok=True,
)
ONE = Statement(
    select(*FIELDS)
    .join_from(memberships, users)
    .where(memberships.c.tenant_id == bindparam("tenant_id"), memberships.c.user_id == bindparam("user_id")),
    replica_ok=True,
)
KEYS: Mapping[SortBy, Callable[[TenantUser], Any]] = {
    "name": lambda user: (sort_key(user.name) or "", user.id),
    "email": lambda user: (sort_key(user.email) or "", user.id),
    "created_at": lambda user: (user.created_at, user.id),
}


def fetch_users(database: Database, tenant_id: int, listing: UserQuery) -> tuple[list[TenantUser], int]:
    """A page of the tenant's users, and how many there are on all pages."""
    members = [TenantUser(*row) for row in database.fetch_all(OF_TENANT, {"tenant_id": tenant_id})]
    words = fold(listing.search).split()
    wanted = [user for user in members if (user.deleted_at is not None) == listing.trashed and _has(user, words)]
    wanted.sort(key=KEYS[listing.sort_by], reverse=listing.sort_order == "desc")
    start = (listing.page - 1) * listing.per_page
    return wanted[start : start + listing.per_page], len(wanted)


def get_tenant_user(database: Database, tenant_id: int, user_id: int) -> TenantUser:
    """Who is a member of the tenant, or was one. Raises `NotFound`."""
    row = database.fetch_one(ONE, {"tenant_id": tenant_id, "user_id": user_id})
    if row is None:
        raise NotFound(f"There is no user {user_id}.")
    return TenantUser(*row)


def _has(user: TenantUser, words: list[str]) -> bool:
    if not words:
        return True
    text = f"{fold(user.name)}\n{fold(user.email)}"
    return all(word in text for word in words)
