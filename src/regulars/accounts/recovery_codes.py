"""Recovery codes: ten codes to write down. Each can be entered once instead of a code of the authenticator app."""

import secrets

from sqlalchemy import bindparam, delete, func, insert, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import recovery_codes
from regulars.security import audit
from regulars.security.tokens import digest

CODE_COUNT = 10
CODE_LENGTH = 12  # 12 letters from an alphabet of 32: 60 bits
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, without letters that are easily confused
CONFUSED_LETTERS = str.maketrans("oil", "011", "- \t\r\n")  # also removes dashes and white space

DELETE_CODES = Statement(delete(recovery_codes).where(recovery_codes.c.user_id == bindparam("user_id")))
INSERT_CODE = Statement(insert(recovery_codes).values(user_id=bindparam("user_id"), digest=bindparam("digest")))
COUNT_CODES = Statement(
    select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == bindparam("user_id"))
)
DELETE_CODE = Statement(
    delete(recovery_codes).where(
        recovery_codes.c.user_id == bindparam("user_id"), recovery_codes.c.digest == bindparam("digest")
    )
)


def new_recovery_codes(database: Database, user_id: int) -> list[str]:
    """Replace all codes of the user with ten new ones, such as `abcd-efgh-jkmn`, and return the new ones."""
    words = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODE_COUNT)]
    with database.transaction():
        delete_recovery_codes(database, user_id)
        database.execute_many(INSERT_CODE, [{"user_id": user_id, "digest": _digest(user_id, word)} for word in words])
        audit.record(database, "recovery_codes.created", user_id=user_id)
    return ["-".join(word[start : start + 4] for start in range(0, CODE_LENGTH, 4)) for word in words]


def use_recovery_code(database: Database, user_id: int, code: str) -> bool:
    """Use up one of the user's codes. Return whether it was valid. Case, dashes and spaces do not matter."""
    word = code.lower().translate(CONFUSED_LETTERS)
    if len(word) != CODE_LENGTH:
        return False
    with database.transaction():
        # Only one transaction can delete the row.
        used = database.execute(DELETE_CODE, {"user_id": user_id, "digest": _digest(user_id, word)}) == 1
        if used:
            audit.record(database, "recovery_code.used", user_id=user_id)
    return used


def count_recovery_codes(database: Database, user_id: int) -> int:
    """Return the number of unused codes of the user."""
    row = database.fetch_one(COUNT_CODES, {"user_id": user_id})
    return int(row[0]) if row else 0


def delete_recovery_codes(database: Database, user_id: int) -> None:
    """Delete all codes of the user."""
    database.execute(DELETE_CODES, {"user_id": user_id})


def _digest(user_id: int, word: str) -> str:
    # The user id works as a salt: an attacker with the table must guess the codes of each user separately.
    return digest(f"{user_id} {word}")
