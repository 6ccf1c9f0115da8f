"""One-time tokens: encrypted content that is kept between two steps of a sign-in."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import one_time_tokens
from regulars.security.encryption import Cipher
from regulars.security.tokens import Kind, digest, is_token, new_token
from regulars.settings import Settings

TOKEN_COLUMNS = ("digest", "purpose", "user_id", "content", "expires_at")
INSERT_TOKEN = Statement(insert(one_time_tokens).values({name: bindparam(name) for name in TOKEN_COLUMNS}))
GET_TOKEN = Statement(
    select(one_time_tokens.c.user_id, one_time_tokens.c.content).where(
        one_time_tokens.c.digest == bindparam("digest"),
        one_time_tokens.c.purpose == bindparam("purpose"),
        one_time_tokens.c.expires_at > bindparam("now"),
    )
)
DELETE_TOKEN = Statement(delete(one_time_tokens).where(one_time_tokens.c.digest == bindparam("digest")))


def create_one_time_token(
    database: Database,
    settings: Settings,
    purpose: str,
    content: bytes,
    *,
    user_id: int | None = None,
    seconds: int = 600,
) -> str:
    """Store `content` and `user_id`, encrypted, for `seconds`. Return a token with which they can be read for the same
    `purpose`."""
    token = new_token(Kind.CHALLENGE)
    key = digest(token)
    database.execute(
        INSERT_TOKEN,
        {
            "digest": key,
            "purpose": purpose,
            "user_id": user_id,
            "content": Cipher(settings, "one_time_tokens").encrypt(content, key),
            "expires_at": utc_now() + timedelta(seconds=seconds),
        },
    )
    return token


def peek_one_time_token(
    database: Database, settings: Settings, purpose: str, token: str
) -> tuple[int | None, bytes] | None:
    """Return the user id and content of a token, or None if it is used, expired or of another purpose."""
    if not is_token(token, Kind.CHALLENGE):
        return None
    key = digest(token)
    row = database.fetch_one(GET_TOKEN, {"digest": key, "purpose": purpose, "now": datetime.now(UTC)})
    if row is None:
        return None
    content = Cipher(settings, "one_time_tokens").decrypt(row[1], key)
    return None if content is None else (row[0], content)


def take_one_time_token(
    database: Database, settings: Settings, purpose: str, token: str, *, user_id: int | None = None
) -> tuple[int | None, bytes] | None:
    """Return the same as `peek_one_time_token`, and use up the token. Only one of several simultaneous calls gets the
    content. A token of another user than `user_id`, if it is given, is neither returned nor used up."""
    found = peek_one_time_token(database, settings, purpose, token)
    if found is None or (user_id is not None and found[0] != user_id):
        return None
    # Only one transaction can delete the row.
    return found if database.execute(DELETE_TOKEN, {"digest": digest(token)}) == 1 else None
