"""Refresh tokens. Each can be used once, and is exchanged for a new one (rotation; RFC 9700, section 4.14.2).

All tokens of a grant are one family with numbered generations. Using a token of the current generation advances the
grant by one generation. For some seconds after that, a token of the previous generation is accepted as well, because an
app may refresh in parallel requests. The response then contains another token of the current generation. The use of any
other old token suggests that a token was stolen, and ends the grant with the whole family.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, insert, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import grants
from regulars.db.tables import refresh_tokens as table
from regulars.oauth.clients import Client
from regulars.oauth.grants import Grant, end_grant, find_grant
from regulars.security.audit import record
from regulars.security.tokens import Kind, digest, is_token, new_token
from regulars.settings import Settings

GET_REFRESH_TOKEN = Statement(
    select(table.c.grant_id, table.c.generation, table.c.expires_at).where(table.c.digest == bindparam("digest"))
)
INSERT_REFRESH_TOKEN = Statement(
    insert(table).values({name: bindparam(name) for name in ("digest", "grant_id", "generation", "expires_at")})
)
ADVANCE_GENERATION = Statement(
    update(grants)
    .where(
        grants.c.id == bindparam("grant_id"),
        grants.c.generation == bindparam("presented"),
        grants.c.ended_at.is_(None),
    )
    .values(generation=bindparam("next"), rotated_at=bindparam("now"), used_at=bindparam("now"))
)
COUNT_GRACE_USE = Statement(
    update(grants)
    .where(grants.c.id == bindparam("grant_id"))
    .values(grace_uses=grants.c.grace_uses + 1, used_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A stored refresh token, with its grant, and the methods that Authlib calls."""

    generation: int
    expires_at: datetime
    grant: Grant

    def check_client(self, client: Client) -> bool:
        return self.grant.client_id == client.id

    def get_scope(self) -> str:
        return " ".join(self.grant.scopes)

    def is_expired(self) -> bool:
        return self.expires_at <= datetime.now(UTC)

    def is_revoked(self) -> bool:
        return not self.grant.is_live(datetime.now(UTC)) or self.generation != self.grant.generation


def issue_refresh_token(database: Database, settings: Settings, grant: Grant, generation: int) -> str:
    """Store a new refresh token, and return it. It expires after the lifetime in the settings, or with the grant."""
    token = new_token(Kind.REFRESH_TOKEN)
    unused_until = utc_now() + timedelta(seconds=settings.refresh_token_lifetime)
    database.execute(
        INSERT_REFRESH_TOKEN,
        {
            "digest": digest(token),
            "grant_id": grant.id,
            "generation": generation,
            "expires_at": min(unused_until, grant.expires_at),
        },
    )
    return token


def find_refresh_token(database: Database, token: str) -> RefreshToken | None:
    """Return the refresh token, even if it is no longer valid, or None if it does not exist."""
    row = (
        database.fetch_one(GET_REFRESH_TOKEN, {"digest": digest(token)})
        if is_token(token, Kind.REFRESH_TOKEN)
        else None
    )
    grant = find_grant(database, row[0]) if row else None
    return RefreshToken(row[1], row[2], grant) if row and grant else None


def claim_refresh_token(database: Database, settings: Settings, token: RefreshToken) -> int | None:
    """Use up the token. Return the generation for the next token, or None if this token cannot be used.

    If a newer token was used already, end the grant, except in the grace period. Call this in the transaction that
    issues the next token, so that parallel uses of a token are handled one after the other.
    """
    now = utc_now()
    if not token.grant.is_live(now) or token.is_expired():
        return None
    presented = token.generation
    claim = {"grant_id": token.grant.id, "presented": presented, "next": presented + 1, "now": now}
    if database.execute(ADVANCE_GENERATION, claim) == 1:
        return presented + 1
    grant = find_grant(database, token.grant.id)
    if grant is None or grant.ended_at is not None:
        return None
    if _is_in_grace_period(grant, presented, now, settings.refresh_token_grace):
        database.execute(COUNT_GRACE_USE, {"grant_id": grant.id, "now": now})
        record(database, "refresh_token.grace_used", user_id=grant.user_id, client_id=grant.client_id, about=grant.id)
        return grant.generation
    end_grant(database, grant, "refresh_token_reused")
    return None


def _is_in_grace_period(grant: Grant, presented: int, now: datetime, grace_seconds: int) -> bool:
    if presented != grant.generation - 1 or grant.rotated_at is None or grace_seconds == 0:
        return False
    return now - grant.rotated_at <= timedelta(seconds=grace_seconds)
