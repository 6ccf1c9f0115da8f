"""One-time tokens: they give access to encrypted content once, for a limited time.

Used between the steps of a sign-in, in links that are sent by e-mail, and for text that a page shows once.
"""

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
    """Store `content`, encrypted, with `user_id`. Return a token that is valid for `seconds` and only for `purpose`."""
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
    """Return the user id and content of a token, without using it up.

    Return None if the token was used, has expired or is for another purpose, or if no secret key decrypts its content.
    """
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
    """Use up a token. Return the same as `peek_one_time_token`, or None if it belongs to another user than `user_id`.

    If `user_id` is None, the token can belong to any user. A token of another user is not used up. Only one of several
    simultaneous calls gets the content.
    """
    found = peek_one_time_token(database, settings, purpose, token)
    if found is None or (user_id is not None and found[0] != user_id):
        return None
    # Only one transaction can delete the row.
    return found if database.execute(DELETE_TOKEN, {"digest": digest(token)}) == 1 else None
