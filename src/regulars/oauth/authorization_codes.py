"""Authorization codes. Each can be used once, within a minute (RFC 6749, section 4.1.2; RFC 9700, section 2.1.1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import authorization_codes as table
from regulars.oauth.grants import Grant, find_grant
from regulars.security.tokens import Kind, digest, is_token, new_token

LIFETIME = timedelta(seconds=60)
CODE_COLUMNS = ("digest", "grant_id", "client_id", "redirect_uri", "code_challenge", "nonce", "expires_at", "used_at")
GET_CODE = Statement(select(*(table.c[name] for name in CODE_COLUMNS)).where(table.c.digest == bindparam("digest")))
INSERT_CODE = Statement(insert(table).values({name: bindparam(name) for name in CODE_COLUMNS}))
CLAIM_CODE = Statement(
    update(table)
    .where(table.c.digest == bindparam("of_code"), table.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A stored authorization code, with its grant, and the methods that Authlib calls."""

    digest: str
    client_id: str
    redirect_uri: str | None
    code_challenge: str | None
    nonce: str | None
    expires_at: datetime
    used_at: datetime | None
    grant: Grant

    code_challenge_method = "S256"

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.grant.scopes)

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.grant.authenticated_at.timestamp())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> list[str]:
        return list(self.grant.methods)


def issue_code(
    database: Database, grant: Grant, *, redirect_uri: str | None, code_challenge: str | None, nonce: str | None
) -> str:
    """Store a new code for a grant, and return it. `redirect_uri` is the parameter of the request, if any."""
    code = new_token(Kind.CODE)
    database.execute(
        INSERT_CODE,
        {
            "digest": digest(code),
            "grant_id": grant.id,
            "client_id": grant.client_id,
            "redirect_uri": redirect_uri,
            "code_challenge": code_challenge,
            "nonce": nonce,
            "expires_at": utc_now() + LIFETIME,
            "used_at": None,
        },
    )
    return code


def find_code(database: Database, code: str) -> AuthorizationCode | None:
    """Return the code, even if it was used or has expired, or None if it does not exist."""
    row = database.fetch_one(GET_CODE, {"digest": digest(code)}) if is_token(code, Kind.CODE) else None
    if row is None:
        return None
    code_digest, grant_id, client_id, redirect_uri, code_challenge, nonce, expires_at, used_at = row
    grant = find_grant(database, grant_id)
    if grant is None:
        return None
    return AuthorizationCode(code_digest, client_id, redirect_uri, code_challenge, nonce, expires_at, used_at, grant)


def claim_code(database: Database, code: AuthorizationCode) -> bool:
    """Mark the code as used. Return False if it already was. Of several simultaneous calls, only one returns True."""
    now = utc_now()
    return database.execute(CLAIM_CODE, {"of_code": code.digest, "now": now}) == 1
