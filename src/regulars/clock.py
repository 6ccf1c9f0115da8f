"""The current time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time in UTC, in whole seconds, as the database stores it."""
    return datetime.now(UTC).replace(microsecond=0)
