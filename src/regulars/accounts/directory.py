"""The users of a tenant: a searchable list, and single users.

A tenant has at most hundreds of users. A search reads all of them, and filters and sorts them in Python: this needs no
index and gives the same result on both databases.
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
from regulars.i18n import _
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
        datetime, Meta(description="When the user became a member of the tenant.", examples=["2026-11-07T05:31:56Z"])
    ]
    deleted_at: Annotated[datetime | None, Meta(description="When the membership ended. Null for members.")]


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Filters, order and page of a list of users. `trashed` selects former members instead of current ones."""

    search: str = ""
    page: int = 1
    per_page: int = 15
    sort_by: SortBy = "created_at"
    sort_order: SortOrder = "desc"
    trashed: bool = False


USER_COLUMNS = (
    users.c.id,
    users.c.name,
    users.c.email,
    memberships.c.role,
    memberships.c.created_at,
    memberships.c.deleted_at,
)
LIST_TENANT_USERS = Statement(
    select(*USER_COLUMNS).join_from(memberships, users).where(memberships.c.tenant_id == bindparam("tenant_id")),
    replica_ok=True,
)
GET_TENANT_USER = Statement(
    select(*USER_COLUMNS)
    .join_from(memberships, users)
    .where(memberships.c.tenant_id == bindparam("tenant_id"), memberships.c.user_id == bindparam("user_id")),
    replica_ok=True,
)
SORT_KEYS: Mapping[SortBy, Callable[[TenantUser], Any]] = {
    "name": lambda user: (sort_key(user.name) or "", user.id),
    "email": lambda user: (sort_key(user.email) or "", user.id),
    "created_at": lambda user: (user.created_at, user.id),
}


def fetch_users(database: Database, tenant_id: int, query: UserQuery) -> tuple[list[TenantUser], int]:
    """Return one page of the users that match the query, and the number of matching users on all pages."""
    members = [TenantUser(*row) for row in database.fetch_all(LIST_TENANT_USERS, {"tenant_id": tenant_id})]
    words = fold(query.search).split()
    matching = [user for user in members if (user.deleted_at is not None) == query.trashed and _matches(user, words)]
    matching.sort(key=SORT_KEYS[query.sort_by], reverse=query.sort_order == "desc")
    start = (query.page - 1) * query.per_page
    return matching[start : start + query.per_page], len(matching)


def get_tenant_user(database: Database, tenant_id: int, user_id: int) -> TenantUser:
    """Return a current or former member of the tenant. Raise `NotFound` if the user was never a member."""
    row = database.fetch_one(GET_TENANT_USER, {"tenant_id": tenant_id, "user_id": user_id})
    if row is None:
        raise NotFound(_("There is no user {id}.", id=user_id))
    return TenantUser(*row)


def _matches(user: TenantUser, words: list[str]) -> bool:
    if not words:
        return True
    text = f"{fold(user.name)}\n{fold(user.email)}"
    return all(word in text for word in words)
