"""Authentication: each request verifies the bearer token and looks up the membership."""

from typing import Annotated, Any

import jwt
from fastapi import Depends, Header, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from .database import get_session
from .models import Membership

ISSUER = "http://localhost:8000"
ALGORITHMS = ["EdDSA", "RS256"]

bearer = HTTPBearer()
keys: dict[str, Any] = {}


async def load_keys(session: AsyncSession) -> None:
    """Load the public keys that verify access tokens."""
    for kid, public in await session.execute(text("SELECT kid, public_key FROM signing_keys")):
        keys[kid] = jwt.PyJWK.from_json(public).key


def get_claims(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> dict[str, Any]:
    """Return the claims of the access token."""
    try:
        kid = jwt.get_unverified_header(credentials.credentials)["kid"]
        claims: dict[str, Any] = jwt.decode(
            credentials.credentials, keys[kid], algorithms=ALGORITHMS, audience=ISSUER, issuer=ISSUER
        )
    except (jwt.InvalidTokenError, KeyError):
        raise HTTPException(401, "The access token is invalid.") from None
    if "customers:read" not in claims["scope"].split():
        raise HTTPException(403, "The access token does not have the scope customers:read.")
    return claims


async def get_membership(
    claims: Annotated[dict[str, Any], Depends(get_claims)],
    session: Annotated[AsyncSession, Depends(get_session)],
    x_tenant: Annotated[int, Header()],
) -> Membership:
    """Return the user's membership of the tenant."""
    query = select(Membership).options(joinedload(Membership.tenant))
    membership = await session.scalar(
        query.where(Membership.tenant_id == x_tenant, Membership.user_id == int(claims["sub"]))
    )
    if membership is None:
        raise HTTPException(403, "You do not have access to this tenant.")
    return membership
