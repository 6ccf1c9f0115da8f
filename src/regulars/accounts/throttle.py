"""Failed attempts to sign in: whoever guesses must wait longer and longer, but nobody is locked out for good.

To sign in: see that `seconds_to_wait` is 0, call `record_failure` *before* the password or code is checked (so that
many guesses at once do not all pass), and `forget_failures` of the account and the browser, not of the address, when
it was right. Whoever can sign in to an account of their own could else go on guessing at others' for ever.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import bindparam, case, delete, select

from regulars.accounts.users import normal_email
from regulars.db.database import Database
from regulars.db.dialects import upsert
from regulars.db.statement import Statement
from regulars.db.tables import failed_attempts
from regulars.security.tokens import digest

FREE = {"account": 5, "browser": 5, "address": 20}
LONGEST_WAIT = 60
FORGOTTEN_AFTER = timedelta(hours=1)


_first_failure = upsert(failed_attempts).values(key=bindparam("key"), failures=1, failed_at=bindparam("now"))
COUNT_FAILURE = Statement(
    _first_failure.on_conflict_do_update(
        index_elements=[failed_attempts.c.key],
        set_={
            "failures": case(
                (failed_attempts.c.failed_at < bindparam("forgotten"), 1), else_=failed_attempts.c.failures + 1
            ),
            "failed_at": _first_failure.excluded.failed_at,
        },
    )
)
READ = Statement(
    select(failed_attempts.c.failures, failed_attempts.c.failed_at).where(failed_attempts.c.key == bindparam("key"))
)
FORGET = Statement(delete(failed_attempts).where(failed_attempts.c.key == bindparam("key")))
FORGET_OLD = Statement(delete(failed_attempts).where(failed_attempts.c.failed_at < bindparam("forgotten")))


def account_key(email: str) -> str:
    """The key of the account with this e-mail address, whether there is one or not."""
    return f"account:{digest(normal_email(email) or email.strip().lower())}"


def address_key(address: str) -> str:
    """The key of a network address; of an IPv6 address only the half that its owner cannot choose counts."""
    return f"address:{digest(_network(address))}"


def browser_key(token: str) -> str:
    """The key of a browser that has a token of ours."""
    return f"browser:{digest(token)}"


def seconds_to_wait(database: Database, keys: Sequence[str], now: datetime) -> int:
    """How long until the next attempt is allowed for all `keys`; 0: it is now."""
    longest = 0
    for key in keys:
        row = database.fetch_one(READ, {"key": key})
        if row and now - row[1] <= FORGOTTEN_AFTER:
            until = row[1] + timedelta(seconds=_wait(key, row[0]))
            longest = max(longest, -((now - until) // timedelta(seconds=1)))
    return longest


def record_failure(database: Database, keys: Sequence[str], now: datetime) -> None:
    """Count a failed attempt for each of `keys`; those of more than an hour ago are forgotten."""
    forgotten = now - FORGOTTEN_AFTER
    # In one order, or two at once could wait for each other.
    rows = [{"key": key, "now": now, "forgotten": forgotten} for key in sorted(set(keys))]
    database.execute_many(COUNT_FAILURE, rows)
    database.execute(FORGET_OLD, {"forgotten": forgotten})


def forget_failures(database: Database, keys: Sequence[str]) -> None:
    """Start anew with counting for `keys`."""
    for key in keys:
        database.execute(FORGET, {"key": key})


def _wait(key: str, failures: int) -> int:
    beyond = failures - FREE[key.partition(":")[0]]
    return min(2 ** min(beyond - 1, 6), LONGEST_WAIT) if beyond > 0 else 0


def _network(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or ip_network((int(known), 64), strict=False))
