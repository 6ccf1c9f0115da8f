"""Challenges: what is remembered between two steps of signing in, encrypted, for a token that is good once."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import challenges
from regulars.security.tokens import Kind, digest, is_token, new_token
from regulars.security.encryption import Vault
from regulars.settings import Settings

FIELDS = ("digest", "purpose", "user_id", "content", "expires_at")
INSERT = Statement(insert(challenges).values({name: bindparam(name) for name in FIELDS}))
READ = Statement(
    select(challenges.c.user_id, challenges.c.content).where(
        challenges.c.digest == bindparam("digest"),
        challenges.c.purpose == bindparam("purpose"),
        challenges.c.expires_at > bindparam("now"),
    )
)
DELETE = Statement(delete(challenges).where(challenges.c.digest == bindparam("digest")))
DELETE_EXPIRED = Statement(delete(challenges).where(challenges.c.expires_at <= bindparam("now")))


def start_challenge(
    database: Database,
    settings: Settings,
    purpose: str,
    content: bytes,
    *,
    user_id: int | None = None,
    seconds: int = 600,
) -> str:
    """A token that gives back `content` and `user_id` to whoever asks with the same `purpose` within `seconds`."""
    token = new_token(Kind.CHALLENGE)
    key = digest(token)
    now = datetime.now(UTC).replace(microsecond=0)
    with database.transaction():
        database.execute(DELETE_EXPIRED, {"now": now})
        database.execute(
            INSERT,
            {
                "digest": key,
                "purpose": purpose,
                "user_id": user_id,
                "content": Vault(settings, "challenges").encrypt(content, key),
                "expires_at": now + timedelta(seconds=seconds),
            },
        )
    return token


def peek_challenge(database: Database, settings: Settings, purpose: str, token: str) -> tuple[int | None, bytes] | None:
    """The user id and the content that the token stands for; None where it is used up, expired or of no use here."""
    if not is_token(token, Kind.CHALLENGE):
        return None
    key = digest(token)
    row = database.fetch_one(READ, {"digest": key, "purpose": purpose, "now": datetime.now(UTC)})
    if row is None:
        return None
    content = Vault(settings, "challenges").decrypt(row[1], key)
    return None if content is None else (row[0], content)


def take_challenge(database: Database, settings: Settings, purpose: str, token: str) -> tuple[int | None, bytes] | None:
    """The same, and the token is used up: of many who ask at once, one gets it."""
    found = peek_challenge(database, settings, purpose, token)
    # Whoever deletes the row has won it.
    if found is None or database.execute(DELETE, {"digest": digest(token)}) != 1:
        return None
    return found
