"""Delete expired rows, in small batches, so that tables do not grow without limit and no request is delayed.

A wrong clock must not delete rows that have not expired: they cannot be restored. A server therefore deletes nothing
until its clock has been steady for an hour, and keeps all rows for some time after they have expired.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, exists, literal_column, select, tuple_

from regulars.clock import utc_now
from regulars.customers.bulk.store import delete_expired_bulk_changes
from regulars.customers.imports.forget import delete_expired_imports
from regulars.db import tables
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.errors import RegularsError
from regulars.jobs.files import delete_expired_files

BATCH_SIZE = 500
# A literal, because PostgreSQL plans each statement only once and overestimates a LIMIT that is a parameter.
BATCH_LIMIT: ColumnElement[int] = literal_column(str(BATCH_SIZE))
ONE_DAY = timedelta(days=1)
MIN_RETENTION = timedelta(hours=1)
"""A wrong clock is noticed earlier."""
STEADY_SECONDS = 3600.0
MAX_DRIFT_SECONDS = 120.0
"""If a clock gains or loses more than this between two runs, it counts as changed."""

log = structlog.get_logger("regulars")


def _delete_oldest(table: Table, time_column: str, *conditions: ColumnElement[bool]) -> Statement:
    """Return a statement that deletes a batch of the rows whose `time_column` is before :before, oldest first.

    The order makes PostgreSQL use the index on that column. Otherwise it may read the whole table, because it
    overestimates the number of matching rows.
    """
    key = table.primary_key.columns
    time = table.c[time_column]
    oldest = select(*key).where(_is_old(time), *conditions).order_by(time).limit(BATCH_LIMIT)
    return Statement(delete(table).where(tuple_(*key).in_(oldest) if len(key) > 1 else key[0].in_(oldest)))


def _has_no(child: Table) -> ColumnElement[bool]:
    return ~exists().where(child.c.grant_id == tables.grants.c.id)


def _is_old(column: ColumnElement[datetime]) -> ColumnElement[bool]:
    return column < bindparam("before", type_=column.type)


# The tables that refer to a grant. Their rows must be deleted before it.
GRANT_TABLES = (tables.authorization_codes, tables.refresh_tokens, tables.device_codes)


def _oldest_grants(time_column: str) -> Select[tuple[str]]:
    column = tables.grants.c[time_column]
    return select(tables.grants.c.id).where(_is_old(column)).order_by(column).limit(BATCH_LIMIT)


def _delete_from_ended_grants(table: Table) -> Statement:
    """Return a statement that deletes a batch of rows of `table` that belong to ended grants, expired or not."""
    digests = select(table.c.digest).where(table.c.grant_id.in_(_oldest_grants("ended_at"))).limit(BATCH_LIMIT)
    return Statement(delete(table).where(table.c.digest.in_(digests)))


def _delete_grants(time_column: str) -> Statement:
    """Return a statement that deletes the oldest batch of grants, by `time_column`.

    Grants of the batch to which rows of `GRANT_TABLES` still refer are not deleted.
    """
    is_unused = map(_has_no, GRANT_TABLES)
    return Statement(delete(tables.grants).where(tables.grants.c.id.in_(_oldest_grants(time_column)), *is_unused))


CONSENT_WITHOUT_GRANT = ~exists().where(
    tables.grants.c.client_id == tables.consents.c.client_id, tables.grants.c.user_id == tables.consents.c.user_id
)
# Not in batches: one statement deletes the old keys of all tenants. An index on `created_at` finds them.
DELETE_OLD_IDEMPOTENCY_KEYS = Statement(
    delete(tables.idempotency_keys).where(_is_old(tables.idempotency_keys.c.created_at))
)
# Statements, each with the time for which it keeps rows after the time that it compares with :before. Used codes and
# tokens are kept so that a second use is detected. No time is shorter than `MIN_RETENTION`.
RULES: tuple[tuple[Statement, timedelta], ...] = (
    *((_delete_from_ended_grants(table), ONE_DAY) for table in GRANT_TABLES),
    *((_delete_oldest(table, "expires_at"), ONE_DAY) for table in GRANT_TABLES),
    (_delete_grants("expires_at"), ONE_DAY),
    (_delete_grants("ended_at"), ONE_DAY),
    (_delete_oldest(tables.sessions, "expires_at"), ONE_DAY),
    (_delete_oldest(tables.one_time_tokens, "expires_at"), ONE_DAY),
    (_delete_oldest(tables.invitations, "expires_at"), 30 * ONE_DAY),
    (_delete_oldest(tables.email_changes, "expires_at"), ONE_DAY),
    (_delete_oldest(tables.failed_attempts, "failed_at"), MIN_RETENTION),
    (_delete_oldest(tables.personal_tokens, "expires_at"), 30 * ONE_DAY),
    (_delete_oldest(tables.revoked_tokens, "expires_at"), ONE_DAY),
    (_delete_oldest(tables.consents, "updated_at", CONSENT_WITHOUT_GRANT), 365 * ONE_DAY),
    # Messages remain in the queue if no server sends mail any more. The links in them have expired.
    (_delete_oldest(tables.outgoing_mail, "next_attempt_at"), 7 * ONE_DAY),
    (_delete_oldest(tables.audit_events, "created_at"), 400 * ONE_DAY),
    (DELETE_OLD_IDEMPOTENCY_KEYS, ONE_DAY),
)


class Cleanup:
    """The cleanup of one server process, which deletes nothing while the clock may be wrong."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._steady_since = monotonic()
        self._offset = clock().timestamp() - self._steady_since

    def run(self) -> int:
        """Delete expired rows if the clock has been steady for an hour. Return the number of deleted rows.

        The clock is steady while it moves like the monotonic clock, which cannot be set. A process that has just
        started cannot tell whether its clock is right, so it deletes nothing for an hour.
        """
        now, ticks = self._clock(), self._monotonic()
        offset = now.timestamp() - ticks
        changed_by, self._offset = offset - self._offset, offset
        if abs(changed_by) > MAX_DRIFT_SECONDS:
            log.warning("clock_changed", seconds=round(changed_by))
            self._steady_since = ticks
        if ticks - self._steady_since < STEADY_SECONDS:
            return 0
        return delete_expired_rows(self._database, now)


def delete_expired_rows(database: Database, now: datetime | None = None) -> int:
    """Delete the rows that have expired at `now`, and return their number.

    Each rule runs in a transaction of its own and deletes at most one batch, or all old idempotency keys. A rule that
    fails does not stop the others; the first error is raised at the end. After the rules, some expired files of imports
    and exports, and what was needed to undo bulk changes, are deleted.
    """
    now = now or utc_now()
    deleted, failures = 0, []
    for statement, retention in RULES:
        try:
            deleted += database.execute(statement, {"before": now - retention})
        except RegularsError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    before = now - MIN_RETENTION
    deleted += delete_expired_imports(database, before) + delete_expired_bulk_changes(database, before)
    return deleted + delete_expired_files(database, before)
