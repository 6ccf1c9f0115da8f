"""Background tasks of a server: what the log says about them."""

import threading
from collections.abc import Iterator
from typing import Any

from structlog.testing import capture_logs

from regulars.background import repeat
from regulars.errors import RegularsError, Unavailable

AWAY, SLOW = Unavailable("The database does not answer."), Unavailable("The database took too long to answer.")


def log_of(results: list[Exception | None]) -> list[dict[str, Any]]:
    """Return the log of a task that fails with these errors in turn, or succeeds (None)."""
    rest: Iterator[Exception | None] = iter(results)
    has_ended = threading.Event()

    def action() -> None:
        try:
            error = next(rest)
        except StopIteration:
            has_ended.set()
            threading.Event().wait()
        if error is not None:
            raise error

    with capture_logs() as logs:
        repeat("mail", action, seconds=0.001)
        assert has_ended.wait(10)
    return [dict(line) for line in logs]


def test_a_failing_task_is_logged_once_and_when_it_works_again() -> None:
    assert log_of([None, AWAY, AWAY, AWAY, None, None]) == [
        {"event": "mail_failed", "log_level": "warning", "reason": "The database does not answer."},
        {"event": "mail_recovered", "log_level": "info"},
    ]


def test_another_reason_is_logged() -> None:
    reasons = [line.get("reason") for line in log_of([AWAY, AWAY, SLOW, SLOW, AWAY])]
    assert reasons == [AWAY.message, SLOW.message, AWAY.message]


def test_an_unexpected_error_is_logged_without_its_message() -> None:
    assert log_of([ValueError("Gizli"), ValueError("Soyad"), RegularsError("The database failed: x.")]) == [
        {"event": "mail_failed", "log_level": "error", "type": "ValueError"},
        {"event": "mail_failed", "log_level": "warning", "reason": "The database failed: x."},
    ]
