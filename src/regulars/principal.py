"""Who a request acts as."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

RoleName = Literal["owner", "admin", "agent", "viewer"]


class Role(StrEnum):
    """What a member may do in a tenant; each role may do what the next one may, and more."""

    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"


SEE = frozenset({"account:read", "tenants:read", "users:read", "customers:read"})
PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.OWNER: SEE | {"customers:write", "applications:manage"},
    Role.ADMIN: SEE | {"customers:write", "applications:manage"},
    Role.AGENT: SEE | {"customers:write"},
    Role.VIEWER: SEE,
}
"""What each role may do in its tenant. Most are scopes too; `applications:manage` is for the console alone."""


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
class Principal:
    """An identity acting in one tenant that it is a member of."""

    identity: Identity
    tenant_id: int
    role: Role
    time_zone: str
