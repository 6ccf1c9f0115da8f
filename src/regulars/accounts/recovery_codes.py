"""Recovery codes: ten words to write down, each good once, for whoever has lost the telephone with their codes."""

import secrets

from sqlalchemy import bindparam, delete, func, insert, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import recovery_codes
from regulars.security import audit
from regulars.security.tokens import digest

HOW_MANY = 10
LETTERS = 12  # of 32: 60 bits
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: what is easily mistaken for another is left out...
MISTAKEN = str.maketrans("oil", "011", "- \t\r\n")  # ...and put right

DELETE_ALL = Statement(delete(recovery_codes).where(recovery_codes.c.user_id == bindparam("user_id")))
INSERT = Statement(insert(recovery_codes).values(user_id=bindparam("user_id"), digest=bindparam("digest")))
COUNT = Statement(
    select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == bindparam("user_id"))
)
USE = Statement(
    delete(recovery_codes).where(
        recovery_codes.c.user_id == bindparam("user_id"), recovery_codes.c.digest == bindparam("digest")
    )
)


def new_recovery_codes(database: Database, user_id: int) -> list[str]:
    """Ten fresh codes like `abcd-efgh-jkmn`, in the place of those that the user had."""
    words = ["".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(HOW_MANY)]
    with database.transaction():
        delete_recovery_codes(database, user_id)
        database.execute_many(INSERT, [{"user_id": user_id, "digest": _digest(user_id, word)} for word in words])
        audit.record(database, "recovery_codes.created", user_id=user_id)
    return ["-".join(word[start : start + 4] for start in range(0, LETTERS, 4)) for word in words]


def use_recovery_code(database: Database, user_id: int, code: str) -> bool:
    """Whether this is one of the user's codes, in whatever way it is written; it is used up by that."""
    word = code.lower().translate(MISTAKEN)
    if len(word) != LETTERS:
        return False
    with database.transaction():
        # Whoever deletes the row has used the code.
        used = database.execute(USE, {"user_id": user_id, "digest": _digest(user_id, word)}) == 1
        if used:
            audit.record(database, "recovery_code.used", user_id=user_id)
    return used


def count_recovery_codes(database: Database, user_id: int) -> int:
    """How many codes the user has left."""
    row = database.fetch_one(COUNT, {"user_id": user_id})
    return int(row[0]) if row else 0


def delete_recovery_codes(database: Database, user_id: int) -> None:
    """Make all of the user's codes worthless."""
    database.execute(DELETE_ALL, {"user_id": user_id})


def _digest(user_id: int, word: str) -> str:
    # With the user's id, so that one search does not try everybody's codes.
    return digest(f"{user_id} {word}")
