"""Throttle failed sign-ins: after some free attempts, each failure doubles the wait until the next attempt.

The wait is at most a minute, so no account is locked permanently. To check a credential:

1. Refuse the attempt unless `seconds_to_wait` returns 0.
2. Call `record_failure` before the check, so that parallel guesses do not all pass.
3. After a success, call `forget_failures` for the account or browser, but not for the network address. Otherwise an
   attacker could reset the count by signing in to an own account, and guess the passwords of others without limit.

`seconds_to_wait_for_request` and `count_request` limit requests by network address. They are for requests of anonymous
clients that add a row to the database.
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

FREE_ATTEMPTS = {"account": 5, "browser": 5, "address": 20}
MAX_WAIT_SECONDS = 60
FAILURE_LIFETIME = timedelta(hours=1)
MAX_CLOCK_DIFFERENCE = timedelta(minutes=1)
"""A failure with a time further in the future is ignored: it is due to a wrong clock, and would lock the account."""
MAX_REQUESTS = 60
"""Maximum number of requests from a network address in `WINDOW_SECONDS`. An office or household shares an address."""
WINDOW_SECONDS = 300


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
LIST_FAILURES = Statement(
    select(failed_attempts.c.failures, failed_attempts.c.failed_at).where(failed_attempts.c.key == bindparam("key"))
)
DELETE_FAILURES = Statement(delete(failed_attempts).where(failed_attempts.c.key == bindparam("key")))
DELETE_OLD_FAILURES = Statement(delete(failed_attempts).where(failed_attempts.c.failed_at < bindparam("forgotten")))


def account_key(email: str) -> str:
    """Return the key for the failures of the account with this e-mail address, whether it exists or not.

    Callers can also pass another text that identifies an account and a check, such as "code 7" for user 7.
    """
    return f"account:{digest(normal_email(email) or email.strip().lower())}"


def address_key(address: str, check: str = "") -> str:
    """Return the key for the failures of a network address; for IPv6, of its /64 network, which one client controls.

    Failures of different kinds of `check` are counted separately. Callers can also pass another text that identifies a
    source, such as "device 7" for user 7.
    """
    return f"address:{digest(f'{check} {_network(address)}'.strip())}"


def browser_key(token: str) -> str:
    """Return the key for the failures of a browser. `token` is a text that identifies the browser, the user or both."""
    return f"browser:{digest(token)}"


def seconds_to_wait(database: Database, keys: Sequence[str], now: datetime) -> int:
    """Return the seconds until the next attempt is allowed for all `keys`; 0 if it is allowed now."""
    longest = 0
    for key in keys:
        row = database.fetch_one(LIST_FAILURES, {"key": key})
        if row and -MAX_CLOCK_DIFFERENCE <= now - row[1] <= FAILURE_LIFETIME:
            until = row[1] + timedelta(seconds=_wait(key, row[0]))
            longest = max(longest, -((now - until) // timedelta(seconds=1)))
    return longest


def record_failure(database: Database, keys: Sequence[str], now: datetime) -> None:
    """Count a failed attempt for each of `keys`. Delete all counters without a failure in the last hour."""
    forgotten = now - FAILURE_LIFETIME
    # A fixed order prevents deadlocks.
    rows = [{"key": key, "now": now, "forgotten": forgotten} for key in sorted(set(keys))]
    database.execute_many(COUNT_FAILURE, rows)
    database.execute(DELETE_OLD_FAILURES, {"forgotten": forgotten})


def forget_failures(database: Database, keys: Sequence[str]) -> None:
    """Delete the counters of `keys`."""
    for key in keys:
        database.execute(DELETE_FAILURES, {"key": key})


def seconds_to_wait_for_request(database: Database, what: str, address: str, now: datetime) -> int:
    """Return the seconds until a network address may send another request of the kind `what`; 0 if it may now."""
    row = database.fetch_one(LIST_FAILURES, {"key": _request_key(what, address, now)})
    if row is None or row[0] < MAX_REQUESTS:
        return 0
    return WINDOW_SECONDS - int(now.timestamp()) % WINDOW_SECONDS


def count_request(database: Database, what: str, address: str, now: datetime) -> None:
    """Count a request of the kind `what` from a network address."""
    key = _request_key(what, address, now)
    database.execute(COUNT_FAILURE, {"key": key, "now": now, "forgotten": now - FAILURE_LIFETIME})


def _request_key(what: str, address: str, now: datetime) -> str:
    # The key contains the number of the window, so that the count starts at 0 in each window.
    window = int(now.timestamp()) // WINDOW_SECONDS
    return f"requests:{digest(f'{what} {_network(address)} {window}')}"


def _wait(key: str, failures: int) -> int:
    beyond = failures - FREE_ATTEMPTS[key.partition(":")[0]]
    return min(2 ** min(beyond - 1, 6), MAX_WAIT_SECONDS) if beyond > 0 else 0


def _network(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or ip_network((int(known), 64), strict=False))
