"""Passwords and codes that people type in: whoever guesses must wait longer and longer."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from regulars.accounts.attempts import account_key, forget_failures, record_failure, seconds_to_wait
from regulars.accounts.passwords import confirm_password
from regulars.console.languages import translate
from regulars.db.engine import Database

Found = TypeVar("Found")
SLOW_DOWN = "Too many attempts; wait {seconds} seconds and try again."


class TooManyAttempts(Exception):
    """The next attempt is not allowed before so many seconds have passed."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def sentence(self, language: str) -> str:
        """The same for a person."""
        return translate(language, SLOW_DOWN, seconds=self.seconds)


def guess(database: Database, keys: Sequence[str], check: Callable[[], Found], places: Sequence[str] = ()) -> Found:
    """What `check` finds, which is nothing (None, False) for a wrong guess. Raises `TooManyAttempts`.

    `keys` count every attempt until it has turned out to be right, so that many at once do not all pass; `places`, from
    where it comes, count those that were wrong, and forget none.
    """
    now = datetime.now(UTC)
    seconds = seconds_to_wait(database, [*keys, *places], now)
    if seconds:
        raise TooManyAttempts(seconds)
    record_failure(database, keys, now)
    found = check()
    if found:
        forget_failures(database, keys)
    elif places:
        record_failure(database, places, now)
    return found


def is_own_password(database: Database, user_id: int, password: str) -> bool:
    """Whether the user, who is signed in, gave their password. Raises `TooManyAttempts`."""
    keys = [account_key(f"confirm {user_id}")]
    return guess(database, keys, lambda: confirm_password(database, user_id, password))
