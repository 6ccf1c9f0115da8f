"""The queue of outgoing messages, in the database.

A message is stored in the transaction of the change that causes it. It is encrypted, because the link in it is a
secret. Each worker looks for messages that are due, claims them one by one and sends them. A message is sent at least
once: if a server crashes after sending a message and before deleting it, another one sends it again, with the same
Message-ID.
"""

from datetime import datetime, timedelta

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, literal_column, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import outgoing_mail as table
from regulars.mail.messages import Mail
from regulars.mail.smtp import DeliveryError, MailServer
from regulars.security.encryption import Cipher
from regulars.security.tokens import new_id
from regulars.settings import Settings

BATCH_SIZE = 20
LEASE = timedelta(minutes=10)
"""After this time, another server may claim a message that was not sent. Longer than all timeouts of a connection."""
RETRY_DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
LAST_RETRY_DELAY = timedelta(hours=12)
GIVE_UP_AFTER = timedelta(days=3)

INSERTED_COLUMNS = ("id", "content", "created_at", "attempts", "next_attempt_at")
INSERT_MAIL = Statement(insert(table).values({name: bindparam(name) for name in INSERTED_COLUMNS}))
FIND_DUE_MAIL = Statement(
    select(table.c.id, table.c.content, table.c.created_at, table.c.attempts)
    .where(table.c.next_attempt_at <= bindparam("now"))
    .order_by(table.c.next_attempt_at)
    # Use a literal: PostgreSQL overestimates a LIMIT that is a parameter.
    .limit(literal_column(str(BATCH_SIZE)))
)
# Compare the number of attempts: it has changed if another server has claimed the message since it was read.
CLAIM_MAIL = Statement(
    update(table)
    .where(table.c.id == bindparam("of_mail"), table.c.attempts == bindparam("before"))
    .values(attempts=table.c.attempts + 1, next_attempt_at=bindparam("lease_end"))
)
POSTPONE_MAIL = Statement(
    update(table)
    .where(table.c.id == bindparam("of_mail"))
    .values(next_attempt_at=bindparam("later"), last_error=bindparam("reason"))
)
DELETE_MAIL = Statement(delete(table).where(table.c.id == bindparam("of_mail")))
LISTED_COLUMNS = ("id", "created_at", "attempts", "next_attempt_at", "last_error")
LIST_MAIL = Statement(select(*(table.c[name] for name in LISTED_COLUMNS)).order_by(table.c.id))

log = structlog.get_logger("regulars")


class WaitingMail(Struct, frozen=True):
    """A message in the queue, without its recipient and content."""

    id: str
    created_at: datetime
    attempts: int
    next_attempt_at: datetime
    last_error: str | None


class _Claimed(Struct, frozen=True):
    """A message that this thread has claimed. `attempts` includes the current attempt."""

    id: str
    content: bytes
    created_at: datetime
    attempts: int

    def is_too_old(self) -> bool:
        return utc_now() - self.created_at >= GIVE_UP_AFTER

    def next_attempt_at(self) -> datetime:
        is_early = self.attempts <= len(RETRY_DELAYS)
        return utc_now() + (RETRY_DELAYS[self.attempts - 1] if is_early else LAST_RETRY_DELAY)


def enqueue(database: Database, settings: Settings, message: Mail) -> None:
    """Add a message to the queue, in the current transaction if there is one."""
    mail_id, now = new_id(), utc_now()
    content = Cipher(settings, "mail").encrypt(msgspec.json.encode(message), mail_id)
    database.execute(
        INSERT_MAIL, {"id": mail_id, "content": content, "created_at": now, "attempts": 0, "next_attempt_at": now}
    )


def list_waiting(database: Database) -> list[WaitingMail]:
    """Return the messages in the queue, oldest first."""
    return [WaitingMail(*row) for row in database.fetch_all(LIST_MAIL)]


def send_due(database: Database, settings: Settings) -> int:
    """Send at most `BATCH_SIZE` of the messages that are due. Return the number of messages sent.

    Several servers can do this at the same time. After an error, a message stays in the queue for a later attempt. It
    is deleted if the error is permanent or the message is too old.
    """
    due = database.fetch_all(FIND_DUE_MAIL, {"now": utc_now()})
    if not due:
        return 0
    with MailServer(settings) as server:
        claimed = (mail for row in due if (mail := _claim(database, row)))
        return sum(_send(database, settings, server, mail) for mail in claimed)


def _claim(database: Database, row: Row) -> _Claimed | None:
    """Claim a message for this thread. Return None if another server has claimed it."""
    mail_id, content, created_at, attempts = row
    values = {"of_mail": mail_id, "before": attempts, "lease_end": utc_now() + LEASE}
    is_ours = database.execute(CLAIM_MAIL, values) == 1
    return _Claimed(mail_id, content, created_at, attempts + 1) if is_ours else None


def _send(database: Database, settings: Settings, server: MailServer, mail: _Claimed) -> bool:
    try:
        server.send(_decrypt(settings, mail), mail.id, mail.created_at)
    except DeliveryError as error:
        _fail(database, mail, error)
        return False
    database.execute(DELETE_MAIL, {"of_mail": mail.id})
    return True


def _decrypt(settings: Settings, mail: _Claimed) -> Mail:
    content = Cipher(settings, "mail").decrypt(mail.content, mail.id)
    if content is None:
        raise DeliveryError("It was encrypted with another secret key.", hint="secret_key")
    return msgspec.json.decode(content, type=Mail)


def _fail(database: Database, mail: _Claimed, error: DeliveryError) -> None:
    """Postpone a message after an error; delete it if the error is permanent or the message is too old."""
    if error.is_permanent or mail.is_too_old():
        database.execute(DELETE_MAIL, {"of_mail": mail.id})
        log.warning("mail_dropped", mail=mail.id, attempts=mail.attempts, reason=error.message)
        return
    later = mail.next_attempt_at()
    database.execute(POSTPONE_MAIL, {"of_mail": mail.id, "later": later, "reason": error.message})
    log.warning("mail_postponed", mail=mail.id, attempts=mail.attempts, reason=error.message)
