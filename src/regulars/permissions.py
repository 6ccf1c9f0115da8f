"""Roles, their permissions, and the principal that a request acts as."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from regulars.errors import Forbidden
from regulars.i18n import _

RoleName = Literal["owner", "admin", "agent", "viewer"]


class Role(StrEnum):
    """The role of a member in a tenant. Each role has all permissions of those that are listed after it."""

    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"


VIEWER_PERMISSIONS = frozenset({"account:read", "account:write", "tenants:read", "users:read", "customers:read"})
AGENT_PERMISSIONS = VIEWER_PERMISSIONS | {"customers:write"}
ADMIN_PERMISSIONS = AGENT_PERMISSIONS | {
    "customers:erase",
    "tenants:write",
    "applications:manage",
    "jobs:manage",
    "views:manage",
}
PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.OWNER: ADMIN_PERMISSIONS | {"users:write"},
    Role.ADMIN: ADMIN_PERMISSIONS,
    Role.AGENT: AGENT_PERMISSIONS,
    Role.VIEWER: VIEWER_PERMISSIONS,
}
"""The permissions of each role. Most are also scopes. The exceptions are `applications:manage`, which only the console
uses, `customers:erase` (purge and erase customers), which tokens with the scope `customers:write` can use,
`jobs:manage` (see, undo and cancel the imports, exports, bulk changes and other jobs of all members), and
`views:manage` (change the shared views of all members, and choose the default one)."""


def check_scopes(identity: "Identity", *scopes: str) -> None:
    """Raise `Forbidden` if the access token has none of `scopes`."""
    if identity.scopes.isdisjoint(scopes):
        message = _("The access token lacks the scope {scope}.", scope=" or ".join(scopes))
        raise Forbidden(message, code="insufficient_scope", scope=scopes[0])


def check_role(principal: "Principal", scope: str) -> None:
    """Raise `Forbidden` if the principal's role does not have the permissions of `scope`."""
    if scope not in PERMISSIONS[principal.role]:
        message = _(
            "The role {role} does not have the permissions of the scope {scope}.",
            role=principal.role.value,
            scope=scope,
        )
        raise Forbidden(message, code="insufficient_scope", scope=scope)


def check_permitted(principal: "Principal", permission: str, action: str) -> None:
    """Raise `Forbidden` if the principal's role does not have `permission`.

    `action` completes the message "You cannot …".
    """
    if permission not in PERMISSIONS[principal.role]:
        message = _(
            "You cannot {action} with the role {role} in this tenant.", action=action, role=principal.role.value
        )
        raise Forbidden(message, code="insufficient_scope")


@dataclass(frozen=True, slots=True)
class Membership:
    """The role of a user or service account in one tenant, and the IANA time zone of that tenant."""

    role: Role
    time_zone: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The user, client and scopes of a valid access token, and the user's memberships by tenant id.

    `tenant_id` is set if the token is limited to one tenant. For a service account, `user_id` is None, and there is
    exactly one membership.
    """

    user_id: int | None
    client_id: str
    scopes: frozenset[str]
    memberships: Mapping[int, Membership]
    tenant_id: int | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a change: the user, the client and the network address.

    `user_id` is None for service accounts and operators. `address` is None if it is unknown.
    """

    user_id: int | None
    client_id: str
    address: str | None = None


COMMAND_LINE = Actor(None, "command-line")
CONSOLE = "console"
"""The client, in the history and the audit log, of changes that users make in the console."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An identity that acts in one tenant of which it is a member."""

    identity: Identity
    tenant_id: int
    role: Role
    time_zone: str

    @property
    def actor(self) -> Actor:
        """The author of the changes that the principal makes."""
        return Actor(self.identity.user_id, self.identity.client_id)
