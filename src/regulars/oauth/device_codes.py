"""Device codes: a device shows a user code, which its user enters in a browser on another device (RFC 8628)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, insert, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import device_codes as table
from regulars.security.tokens import Kind, digest, is_token, new_token

LIFETIME_SECONDS = 900
INTERVAL_SECONDS = 5
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628, section 6.1: no vowels, so no words
COLUMN_NAMES = (
    "digest",
    "user_code",
    "client_id",
    "scopes",
    "resource",
    "status",
    "grant_id",
    "interval",
    "polled_at",
    "expires_at",
)
DEVICE_CODE_COLUMNS = tuple(table.c[name] for name in COLUMN_NAMES)
GET_DEVICE_CODE = Statement(select(*DEVICE_CODE_COLUMNS).where(table.c.digest == bindparam("digest")))
FIND_BY_USER_CODE = Statement(select(*DEVICE_CODE_COLUMNS).where(table.c.user_code == bindparam("user_code")))
INSERT_DEVICE_CODE = Statement(insert(table).values({name: bindparam(name) for name in COLUMN_NAMES}))
RECORD_POLL = Statement(
    update(table)
    .where(table.c.digest == bindparam("of_code"))
    .values(polled_at=bindparam("now"), interval=bindparam("seconds"))
)
SET_STATUS = Statement(
    update(table)
    .where(table.c.digest == bindparam("of_code"), table.c.status == bindparam("before"))
    .values(status=bindparam("after"), grant_id=bindparam("of_grant"))
)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """The authorization request of a device. `status` is "pending", "approved", "denied" or "used"."""

    digest: str
    user_code: str
    client_id: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    status: str
    grant_id: str | None
    interval: int
    polled_at: datetime | None
    expires_at: datetime

    def get_client_id(self) -> str:
        return self.client_id

    def get_scope(self) -> str:
        return " ".join(self.scopes)

    def get_user_code(self) -> str:
        return self.user_code

    def is_expired(self) -> bool:
        return self.expires_at <= datetime.now(UTC)


def issue_device_code(
    database: Database, client_id: str, scopes: Sequence[str], resources: Sequence[str]
) -> tuple[str, str]:
    """Store a pending request of a device. Return its device code, and its user code, such as BCDF-GHJK."""
    device_code = new_token(Kind.DEVICE_CODE)
    user_code = "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(8))
    database.execute(
        INSERT_DEVICE_CODE,
        {
            "digest": digest(device_code),
            "user_code": user_code,
            "client_id": client_id,
            "scopes": " ".join(scopes),
            "resource": " ".join(resources) or None,
            "status": "pending",
            "grant_id": None,
            "interval": INTERVAL_SECONDS,
            "polled_at": None,
            "expires_at": utc_now() + timedelta(seconds=LIFETIME_SECONDS),
        },
    )
    return device_code, f"{user_code[:4]}-{user_code[4:]}"


def find_device_code(database: Database, device_code: str) -> DeviceCode | None:
    """Return the request with this device code, whatever its status, or None."""
    row = (
        database.fetch_one(GET_DEVICE_CODE, {"digest": digest(device_code)})
        if is_token(device_code, Kind.DEVICE_CODE)
        else None
    )
    return _device_code(row) if row else None


def find_pending(database: Database, user_code: str) -> DeviceCode | None:
    """Return the pending request with this user code, or None. Case and separators in the code do not matter."""
    letters = "".join(letter for letter in user_code.upper() if letter in USER_CODE_LETTERS)
    row = database.fetch_one(FIND_BY_USER_CODE, {"user_code": letters}) if len(letters) == 8 else None
    found = _device_code(row) if row else None
    return found if found and found.status == "pending" and not found.is_expired() else None


def decide(database: Database, code: DeviceCode, grant_id: str | None) -> bool:
    """Approve a pending request with the grant `grant_id`, or deny it without one. Return whether it was pending."""
    after = "approved" if grant_id else "denied"
    return (
        database.execute(
            SET_STATUS, {"of_code": code.digest, "before": "pending", "after": after, "of_grant": grant_id}
        )
        == 1
    )


def claim_device_code(database: Database, code: DeviceCode) -> bool:
    """Mark an approved request as used. Of several simultaneous calls, only one returns True."""
    values = {"of_code": code.digest, "before": "approved", "after": "used", "of_grant": code.grant_id}
    return database.execute(SET_STATUS, values) == 1


def is_polling_too_often(database: Database, code: DeviceCode) -> bool:
    """Record a poll of the device. Return True if the device polls too often.

    In this case, increase the interval that it must keep by five seconds (RFC 8628, section 3.5).
    """
    now = utc_now()
    too_often = code.polled_at is not None and now - code.polled_at < timedelta(seconds=code.interval - 1)
    interval = code.interval + 5 if too_often else code.interval
    database.execute(RECORD_POLL, {"of_code": code.digest, "now": now, "seconds": interval})
    return too_often


def _device_code(row: tuple[object, ...]) -> DeviceCode:
    values = dict(zip(COLUMN_NAMES, row, strict=True))
    values["scopes"] = tuple(str(values["scopes"]).split())
    values["resources"] = tuple(str(values.pop("resource") or "").split())
    return DeviceCode(**values)  # type: ignore[arg-type]
