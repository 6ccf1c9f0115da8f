"""Who a request acts as."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from regulars.errors import Forbidden

RoleName = Literal["owner", "admin", "agent", "viewer"]


class Role(StrEnum):
    """What a member may do in a tenant; each role may do what the next one may, and more."""

    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"


VIEWER = frozenset({"account:read", "account:write", "tenants:read", "users:read", "customers:read"})
AGENT = VIEWER | {"customers:write"}
ADMIN = AGENT | {"customers:erase", "tenants:write", "applications:manage"}
PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.OWNER: ADMIN | {"users:write"},
    Role.ADMIN: ADMIN,
    Role.AGENT: AGENT,
    Role.VIEWER: VIEWER,
}
"""What each role may do in its tenant. Most are scopes too; `applications:manage` is for the console alone, and
`customers:erase` (to purge and erase customers) goes with the scope `customers:write`."""


def check_permitted(principal: "Principal", permission: str, what: str) -> None:
    """Raise `Forbidden` unless the principal's role has the permission; `what` says what it is for."""
    if permission not in PERMISSIONS[principal.role]:
        message = f"The role {principal.role} may not {what}, whatever the scopes of its token."
        raise Forbidden(message, code="insufficient_scope")


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's part in one tenant, and that tenant's time zone (IANA)."""

    role: Role
    time_zone: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What a good access token says: its user, client and scopes, and the user's memberships by tenant id.

    `tenant_id` is set where the token is bound to one tenant; `user_id` is None where it belongs to an application
    itself, which is then a member of its one tenant.
    """

    user_id: int | None
    client_id: str
    scopes: frozenset[str]
    memberships: Mapping[int, Membership]
    tenant_id: int | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: a user, if it is one, and the application that they do it with."""

    user_id: int | None
    client_id: str


COMMAND_LINE = Actor(None, "command-line")


@dataclass(frozen=True, slots=True)
class Principal:
    """An identity acting in one tenant that it is a member of."""

    identity: Identity
    tenant_id: int
    role: Role
    time_zone: str

    @property
    def actor(self) -> Actor:
        """Who it is, for the history."""
        return Actor(self.identity.user_id, self.identity.client_id)
