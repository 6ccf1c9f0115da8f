"""Pruning: what is dead goes by itself, a few rows at a time: nobody waits for it, and nothing grows for ever."""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, exists, literal_column, select, tuple_

from regulars.db import tables
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.errors import RegularsError

BATCH = 500
# In the statements' own text: PostgreSQL plans each once, and must know how few rows are wanted.
AT_MOST: ColumnElement[int] = literal_column(str(BATCH))
A_DAY = timedelta(days=1)

log = structlog.get_logger("regulars")


def _prune(table: Table, since: str, *conditions: ColumnElement[bool]) -> Statement:
    """Delete a batch of the rows whose time `since` has passed, the longest dead first.

    The order lets the index on that time find them: without it PostgreSQL, which does not know how few they are,
    may read the whole table instead.
    """
    key = table.primary_key.columns
    dead = select(*key).where(_before(table.c[since]), *conditions).order_by(table.c[since]).limit(AT_MOST)
    return Statement(delete(table).where(tuple_(*key).in_(dead) if len(key) > 1 else key[0].in_(dead)))


def _has_no(child: Table) -> ColumnElement[bool]:
    return ~exists().where(child.c.grant_id == tables.grants.c.id)


def _before(column: ColumnElement[datetime]) -> ColumnElement[bool]:
    return column < bindparam("before", type_=column.type)


# What belongs to grants, and goes before them.
CODES, REFRESH, DEVICES = tables.authorization_codes, tables.refresh_tokens, tables.device_codes
HAS_NONE = tuple(map(_has_no, (CODES, REFRESH, DEVICES)))


def _oldest_grants(since: str) -> Select[tuple[str]]:
    column = tables.grants.c[since]
    return select(tables.grants.c.id).where(_before(column)).order_by(column).limit(AT_MOST)


def _of_ended(table: Table) -> Statement:
    """What belongs to a grant that has ended is dead before it expires."""
    of_ended = select(table.c.digest).where(table.c.grant_id.in_(_oldest_grants("ended_at"))).limit(AT_MOST)
    return Statement(delete(table).where(table.c.digest.in_(of_ended)))


def _prune_grants(since: str) -> Statement:
    """Those with nothing left, of the longest dead alone: many may still wait for their tokens to go."""
    return Statement(delete(tables.grants).where(tables.grants.c.id.in_(_oldest_grants(since)), *HAS_NONE))


# A consent that nothing has come of for a year, with no sign-in left.
NO_GRANT = ~exists().where(
    tables.grants.c.client_id == tables.consents.c.client_id, tables.grants.c.user_id == tables.consents.c.user_id
)
# Each kind of row, dead since longer than it may still be of use: a used code or token must be known for a while, so
# that its second use is noticed.
RULES: tuple[tuple[Statement, timedelta], ...] = (
    *((_of_ended(table), A_DAY) for table in (CODES, REFRESH, DEVICES)),
    *((_prune(table, "expires_at"), A_DAY) for table in (CODES, REFRESH, DEVICES)),
    (_prune_grants("expires_at"), A_DAY),
    (_prune_grants("ended_at"), A_DAY),
    (_prune(tables.sessions, "expires_at"), timedelta()),
    (_prune(tables.one_time_tokens, "expires_at"), timedelta()),
    (_prune(tables.failed_attempts, "failed_at"), timedelta(hours=1)),
    (_prune(tables.personal_tokens, "expires_at"), 30 * A_DAY),
    (_prune(tables.revoked_tokens, "expires_at"), timedelta()),
    (_prune(tables.consents, "updated_at", NO_GRANT), 365 * A_DAY),
    (_prune(tables.audit_events, "created_at"), 400 * A_DAY),
)


def prune(database: Database, now: datetime | None = None) -> int:
    """Delete what is dead (at `now`), of each kind at most a batch, each in a transaction of its own; how many rows.

    What fails is left for the next time, and does not keep the rest.
    """
    moment = now or datetime.now(UTC).replace(microsecond=0)
    return sum(_apply(database, statement, moment - kept) for statement, kept in RULES)


def _apply(database: Database, statement: Statement, before: datetime) -> int:
    try:
        return database.execute(statement, {"before": before})
    except RegularsError as error:
        log.warning("pruning_failed", reason=error.message)
        return 0
