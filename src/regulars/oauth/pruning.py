"""Pruning: what is dead goes by itself, a few rows at a time: nobody waits for it, and nothing grows for ever."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Table, bindparam, delete, exists, or_, select

from regulars.db import tables
from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.errors import RegularsError

BATCH = 500
EVERY_SECONDS = 60.0
FIRST_SECONDS = 2.0
A_DAY = timedelta(days=1)

log = structlog.get_logger("regulars")


def _prune(table: Table, is_dead: ColumnElement[bool]) -> Statement:
    key = next(iter(table.primary_key.columns))
    return Statement(delete(table).where(key.in_(select(key).where(is_dead).limit(BATCH))))


def _has_no(child: Table) -> ColumnElement[bool]:
    return ~exists().where(child.c.grant_id == tables.grants.c.id)


def _before(column: ColumnElement[datetime]) -> ColumnElement[bool]:
    return column < bindparam("before", type_=column.type)


# Each kind of row, dead since longer than it may still be of use: a used code or token must be known for a while, so
# that its second use is noticed. Children come before the grants that they belong to.
CODES, REFRESH, DEVICES = tables.authorization_codes, tables.refresh_tokens, tables.device_codes
RULES: tuple[tuple[Statement, timedelta], ...] = (
    (_prune(CODES, _before(CODES.c.expires_at)), A_DAY),
    (_prune(REFRESH, _before(REFRESH.c.expires_at)), A_DAY),
    (_prune(DEVICES, _before(DEVICES.c.expires_at)), A_DAY),
    (
        _prune(
            tables.grants,
            or_(_before(tables.grants.c.expires_at), _before(tables.grants.c.ended_at))
            & _has_no(CODES)
            & _has_no(REFRESH)
            & _has_no(DEVICES),
        ),
        A_DAY,
    ),
    (_prune(tables.sessions, _before(tables.sessions.c.expires_at)), timedelta()),
    (_prune(tables.challenges, _before(tables.challenges.c.expires_at)), timedelta()),
    (_prune(tables.attempts, _before(tables.attempts.c.failed_at)), timedelta(hours=1)),
    (_prune(tables.personal_tokens, _before(tables.personal_tokens.c.expires_at)), 30 * A_DAY),
    (_prune(tables.revoked_tokens, _before(tables.revoked_tokens.c.expires_at)), timedelta()),
    (_prune(tables.audit_events, _before(tables.audit_events.c.created_at)), 400 * A_DAY),
)
# A consent that nothing has come of for a year, with no sign-in left.
OF_CONSENT = tables.grants.c.client_id == tables.consents.c.client_id
DEAD_CONSENTS = Statement(
    delete(tables.consents).where(
        _before(tables.consents.c.updated_at),
        ~exists().where(OF_CONSENT, tables.grants.c.user_id == tables.consents.c.user_id),
    )
)
# The refresh tokens of a grant that has ended are dead before they expire.
ENDED = select(tables.grants.c.id).where(_before(tables.grants.c.ended_at))
OF_ENDED = tuple(
    Statement(
        delete(table).where(table.c.digest.in_(select(table.c.digest).where(table.c.grant_id.in_(ENDED)).limit(BATCH)))
    )
    for table in (CODES, REFRESH, DEVICES)
)


def prune(database: Database, now: datetime) -> int:
    """Delete what is dead at `now`, of each kind at most a batch; how many rows."""
    pruned = sum(database.execute(statement, {"before": now - A_DAY}) for statement in OF_ENDED)
    pruned += sum(database.execute(statement, {"before": now - kept}) for statement, kept in RULES)
    return pruned + database.execute(DEAD_CONSENTS, {"before": now - 365 * A_DAY})


def start_pruning(database: Database) -> threading.Thread:
    """Prune soon, and every minute from then on, for as long as the process lives."""

    def run() -> None:
        time.sleep(FIRST_SECONDS)
        while True:
            try:
                prune(database, datetime.now(UTC).replace(microsecond=0))
            except RegularsError as error:
                log.warning("pruning_failed", reason=error.message)
            # Servers that were started together do not all come at once.
            time.sleep(EVERY_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - no secret

    thread = threading.Thread(target=run, name="pruning", daemon=True)
    thread.start()
    return thread
