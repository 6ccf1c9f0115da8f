"""Challenges: what is remembered between two steps of signing in, encrypted, for a token that is good once."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import one_time_tokens
from regulars.security.encryption import Cipher
from regulars.security.tokens import Kind, digest, is_token, new_token
from regulars.settings import Settings

FIELDS = ("digest", "purpose", "user_id", "content", "expires_at")
INSERT = Statement(insert(one_time_tokens).values({name: bindparam(name) for name in FIELDS}))
READ = Statement(
    select(one_time_tokens.c.user_id, one_time_tokens.c.content).where(
        one_time_tokens.c.digest == bindparam("digest"),
        one_time_tokens.c.purpose == bindparam("purpose"),
        one_time_tokens.c.expires_at > bindparam("now"),
    )
)
DELETE = Statement(delete(one_time_tokens).where(one_time_tokens.c.digest == bindparam("digest")))
DELETE_EXPIRED = Statement(delete(one_time_tokens).where(one_time_tokens.c.expires_at <= bindparam("now")))


def create_one_time_token(
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
    now = utc_now()
    with database.transaction():
        database.execute(DELETE_EXPIRED, {"now": now})
        database.execute(
            INSERT,
            {
                "digest": key,
                "purpose": purpose,
                "user_id": user_id,
                "content": Cipher(settings, "one_time_tokens").encrypt(content, key),
                "expires_at": now + timedelta(seconds=seconds),
            },
        )
    return token


def peek_one_time_token(
    database: Database, settings: Settings, purpose: str, token: str
) -> tuple[int | None, bytes] | None:
    """The user id and the content that the token stands for; None where it is used up, expired or of no use here."""
    if not is_token(token, Kind.CHALLENGE):
        return None
    key = digest(token)
    row = database.fetch_one(READ, {"digest": key, "purpose": purpose, "now": datetime.now(UTC)})
    if row is None:
        return None
    content = Cipher(settings, "one_time_tokens").decrypt(row[1], key)
    return None if content is None else (row[0], content)


def take_one_time_token(
    database: Database, settings: Settings, purpose: str, token: str
) -> tuple[int | None, bytes] | None:
    """The same, and the token is used up: of many who ask at once, one gets it."""
    found = peek_one_time_token(database, settings, purpose, token)
    # Whoever deletes the row has won it.
    if found is None or database.execute(DELETE, {"digest": digest(token)}) != 1:
        return None
    return found
