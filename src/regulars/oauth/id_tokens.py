"""ID tokens of ours that come back as a hint: whom an application means (OpenID Connect Core, section 3.1.2.1)."""

from joserfc import jwt
from joserfc.errors import JoseError

from regulars.db.database import Database
from regulars.oauth.access_tokens import LONGEST_TOKEN
from regulars.oauth.signing_keys import ALGORITHMS, public_keys


def read_hint(database: Database, issuer: str, token: str) -> tuple[str | None, int | None]:
    """The client and the user that an ID token of ours names; it may have expired. None, None for any other text."""
    if not token or len(token) > LONGEST_TOKEN:
        return None, None
    keys = public_keys(database)
    try:
        decoded = jwt.decode(
            token, lambda guest: keys[str(guest.headers().get("kid"))].key, algorithms=list(ALGORITHMS)
        )
        claims = decoded.claims
        if claims.get("iss") != issuer or decoded.header.get("typ") != "JWT":
            return None, None
        return str(claims["aud"]), int(claims["sub"])
    except (JoseError, ValueError, TypeError, KeyError):
        return None, None
