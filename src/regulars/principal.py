"""Who a request acts as."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member may do in a tenant; each role may do what the next one may, and more."""

    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's part in one tenant, and that tenant's time zone (IANA)."""

    role: Role
    time_zone: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What a good access token says: its user, client and scopes, and the user's memberships by tenant id.

    `tenant_id` is set where the token is bound to one tenant.
    """

    user_id: int
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
