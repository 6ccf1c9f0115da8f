"""What an application is told about the user (OpenID Connect Core, section 5.4)."""

from collections.abc import Collection
from typing import Any

from regulars.accounts.users import User


def claims_of(user: User, scopes: Collection[str]) -> dict[str, Any]:
    """The claims that `scopes` allow. Whether an address belongs to its user was not verified here, so is not said."""
    claims: dict[str, Any] = {"sub": str(user.id)}
    if "profile" in scopes:
        claims["name"] = user.name
    if "email" in scopes:
        claims["email"] = user.email
    return claims
